#include <gtest/gtest.h>

#include <string>

#include "tensorfile.hpp"

namespace {

using Dict = tensorfile::Dict;
using Array = tensorfile::Array;

Dict new_dict() {
  tf_dict *dict = nullptr;
  EXPECT_EQ(tf_dict_new(&dict), TF_STATUS_OK);
  return Dict(dict);
}

Array scalar(tf_dtype dtype, const void *value, size_t size) {
  tf_array *array = nullptr;
  EXPECT_EQ(tf_array_copy_from(&array, dtype, nullptr, 0, value, size), TF_STATUS_OK) << tf_error_message();
  return Array(array);
}

void expect_failure(tf_status status, tf_status expected, const std::string &message) {
  EXPECT_EQ(status, expected);
  EXPECT_EQ(tf_error_message(), message);
}

TEST(DictAbi, KeepsValuesOfEveryKind) {
  const Dict dict = new_dict();
  const int8_t seven = 7;
  const Array array = scalar(TF_DTYPE_INT8, &seven, 1);
  ASSERT_EQ(tf_dict_set_array(dict.get(), "array", SIZE_MAX, array.get()), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string(dict.get(), "stringX", 6, "a\0b", 3), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string_list(dict.get(), "list", 4), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_string_list_append(dict.get(), "list", 4, "one", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_string_list_append(dict.get(), "list", 4, nullptr, 0), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_dict(dict.get(), "dict", 4, new_dict().get()), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_size(dict.get()), 4u);
  const tf_kind kinds[] = {TF_KIND_ARRAY, TF_KIND_STRING, TF_KIND_STRING_LIST, TF_KIND_DICT};
  const char *keys[] = {"array", "string", "list", "dict"};
  for (size_t i = 0; i < 4; ++i) {
    const char *key = nullptr;
    size_t length = 0;
    EXPECT_EQ(tf_dict_kind_at(dict.get(), i), kinds[i]);
    ASSERT_EQ(tf_dict_key_at(&key, &length, dict.get(), i), TF_STATUS_OK);
    EXPECT_STREQ(key, keys[i]);
    EXPECT_EQ(length, std::string(keys[i]).size());
    size_t index = 0;
    ASSERT_EQ(tf_dict_find(&index, dict.get(), key, SIZE_MAX), TF_STATUS_OK);
    EXPECT_EQ(index, i);
  }
  tf_array *got = nullptr;
  ASSERT_EQ(tf_dict_get_array(&got, dict.get(), "array", 5), TF_STATUS_OK);
  EXPECT_EQ(got, array.get());
  tf_array_release(got);
  const char *text = nullptr;
  size_t length = 0;
  ASSERT_EQ(tf_dict_get_string(&text, &length, dict.get(), "string", 6), TF_STATUS_OK);
  EXPECT_EQ(std::string(text, length), std::string("a\0b", 3));
  size_t count = 0;
  ASSERT_EQ(tf_dict_string_list_size(&count, dict.get(), "list", 4), TF_STATUS_OK);
  EXPECT_EQ(count, 2u);
  ASSERT_EQ(tf_dict_string_list_at(&text, nullptr, dict.get(), "list", 4, 0), TF_STATUS_OK);
  EXPECT_STREQ(text, "one");
  ASSERT_EQ(tf_dict_string_list_at(&text, &length, dict.get(), "list", 4, 1), TF_STATUS_OK);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(length, 0u);
  expect_failure(tf_dict_string_list_at(&text, &length, dict.get(), "list", 4, 2), TF_STATUS_INVALID_ARGUMENT,
                 "index 2 is out of range for 2");
  EXPECT_EQ(text, nullptr);
  tf_dict *inner = nullptr;
  ASSERT_EQ(tf_dict_get_dict(&inner, dict.get(), "dict", 4), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_size(inner), 0u);
  tf_dict_release(inner);
  ASSERT_EQ(tf_dict_remove(dict.get(), "string", 6), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_kind_at(dict.get(), 1), TF_KIND_STRING_LIST);
  expect_failure(tf_dict_remove(dict.get(), "string", 6), TF_STATUS_NOT_FOUND, "key 'string': no such key");
  EXPECT_STREQ(tf_error_name(), "string");
}

TEST(DictAbi, SaysWhatKindIsThere) {
  const Dict dict = new_dict();
  ASSERT_EQ(tf_dict_set_string(dict.get(), "s", 1, "x", 1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_dict(dict.get(), "d", 1, new_dict().get()), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string_list(dict.get(), "l", 1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_int64(dict.get(), "a", 1, 1), TF_STATUS_OK);
  tf_array *array = nullptr;
  tf_dict *inner = nullptr;
  const char *text = nullptr;
  size_t size = 0;
  expect_failure(tf_dict_get_array(&array, dict.get(), "s", 1), TF_STATUS_TYPE,
                 "key 's': expected an array, found a string");
  expect_failure(tf_dict_get_dict(&inner, dict.get(), "l", 1), TF_STATUS_TYPE,
                 "key 'l': expected a dict, found a list of strings");
  expect_failure(tf_dict_get_string(&text, &size, dict.get(), "d", 1), TF_STATUS_TYPE,
                 "key 'd': expected a string, found a dict");
  expect_failure(tf_dict_string_list_size(&size, dict.get(), "a", 1), TF_STATUS_TYPE,
                 "key 'a': expected a list of strings, found an array");
  expect_failure(tf_dict_string_list_append(dict.get(), "s", 1, "x", 1), TF_STATUS_TYPE,
                 "key 's': expected a list of strings, found a string");
  expect_failure(tf_dict_get_array(&array, dict.get(), "none", 4), TF_STATUS_NOT_FOUND, "key 'none': no such key");
}

TEST(DictAbi, TakesUtf8KeysOnly) {
  const Dict dict = new_dict();
  ASSERT_EQ(tf_dict_set_string(dict.get(), "", 0, "empty", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string(dict.get(), nullptr, 0, "again", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_int64(dict.get(), "\xE2\x82\xAC", SIZE_MAX, 5), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_size(dict.get()), 2u);
  const std::string message = "key 'ab\\xff': the key is not UTF-8 from its byte 2 on";
  const int8_t seven = 7;
  expect_failure(tf_dict_set_string(dict.get(), "ab\xFF", 3, "", 0), TF_STATUS_INVALID_ARGUMENT, message);
  expect_failure(tf_dict_set_array(dict.get(), "ab\xFF", 3, scalar(TF_DTYPE_INT8, &seven, 1).get()),
                 TF_STATUS_INVALID_ARGUMENT, message);
  expect_failure(tf_dict_set_string_list(dict.get(), "ab\xFF", 3), TF_STATUS_INVALID_ARGUMENT, message);
  expect_failure(tf_dict_set_dict(dict.get(), "ab\xFF", 3, new_dict().get()), TF_STATUS_INVALID_ARGUMENT, message);
  expect_failure(tf_dict_set_int64(dict.get(), "ab\xFF", 3, 1), TF_STATUS_INVALID_ARGUMENT, message);
  expect_failure(tf_dict_set_double(dict.get(), "ab\xFF", 3, 1), TF_STATUS_INVALID_ARGUMENT, message);
  EXPECT_EQ(tf_dict_size(dict.get()), 2u);
}

TEST(DictAbi, RefusesToHoldItself) {
  const Dict a = new_dict();
  const Dict b = new_dict();
  ASSERT_EQ(tf_dict_set_dict(a.get(), "b", 1, b.get()), TF_STATUS_OK);
  expect_failure(tf_dict_set_dict(a.get(), "a", 1, a.get()), TF_STATUS_INVALID_ARGUMENT,
                 "key 'a': the dict would contain itself");
  expect_failure(tf_dict_set_dict(b.get(), "a", 1, a.get()), TF_STATUS_INVALID_ARGUMENT,
                 "key 'a': the dict would contain itself");
  EXPECT_EQ(tf_dict_size(a.get()), 1u);
  EXPECT_EQ(tf_dict_size(b.get()), 0u);
}

TEST(DictAbi, ReadsAndWritesNumbers) {
  const Dict dict = new_dict();
  int64_t integer = 0;
  double real = 0;
  ASSERT_EQ(tf_dict_set_int64(dict.get(), "i", 1, INT64_MIN), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_get_int64(&integer, dict.get(), "i", 1), TF_STATUS_OK);
  EXPECT_EQ(integer, INT64_MIN);
  ASSERT_EQ(tf_dict_get_double(&real, dict.get(), "i", 1), TF_STATUS_OK);
  EXPECT_EQ(real, -9223372036854775808.0);
  ASSERT_EQ(tf_dict_set_double(dict.get(), "d", 1, 0.1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_get_double(&real, dict.get(), "d", 1), TF_STATUS_OK);
  EXPECT_EQ(real, 0.1);
  expect_failure(tf_dict_get_int64(&integer, dict.get(), "d", 1), TF_STATUS_TYPE,
                 "expected an integer dtype, found float64");
  const uint8_t yes = 1;
  ASSERT_EQ(tf_dict_set_array(dict.get(), "b", 1, scalar(TF_DTYPE_BOOL, &yes, 1).get()), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_get_int64(&integer, dict.get(), "b", 1), TF_STATUS_OK);
  EXPECT_EQ(integer, 1);
  const int64_t shape = 1;
  tf_array *row = nullptr;
  ASSERT_EQ(tf_array_new(&row, TF_DTYPE_INT8, &shape, 1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_array(dict.get(), "row", 3, row), TF_STATUS_OK);
  tf_array_release(row);
  const std::string message = "key 'row': expected a 0-d array, found shape (1,)";
  expect_failure(tf_dict_get_int64(&integer, dict.get(), "row", 3), TF_STATUS_TYPE, message);
  expect_failure(tf_dict_get_double(&real, dict.get(), "row", 3), TF_STATUS_TYPE, message);
}

TEST(DictAbi, FlattensUnflattensAndCompares) {
  const Dict flat = new_dict();
  ASSERT_EQ(tf_dict_set_int64(flat.get(), "layers.0.w", SIZE_MAX, 1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_int64(flat.get(), "layers.1.w", SIZE_MAX, 2), TF_STATUS_OK);
  tf_dict *out = nullptr;
  ASSERT_EQ(tf_dict_unflatten(&out, flat.get()), TF_STATUS_OK);
  const Dict tree(out);
  EXPECT_EQ(tf_dict_size(out), 1u);
  ASSERT_EQ(tf_dict_flatten(&out, tree.get()), TF_STATUS_OK);
  const Dict again(out);
  int64_t value = 0;
  ASSERT_EQ(tf_dict_get_int64(&value, out, "layers.1.w", SIZE_MAX), TF_STATUS_OK);
  EXPECT_EQ(value, 2);
  ASSERT_EQ(tf_dict_remove(out, "layers.0.w", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_compare(&out, tree.get(), again.get()), TF_STATUS_OK);
  const Dict report(out);
  size_t count = 0;
  const char *name = nullptr;
  ASSERT_EQ(tf_dict_string_list_size(&count, out, "missing", SIZE_MAX), TF_STATUS_OK);
  EXPECT_EQ(count, 1u);
  ASSERT_EQ(tf_dict_string_list_at(&name, nullptr, out, "missing", SIZE_MAX, 0), TF_STATUS_OK);
  EXPECT_STREQ(name, "layers.0.w");
  ASSERT_EQ(tf_dict_string_list_size(&count, out, "unexpected", SIZE_MAX), TF_STATUS_OK);
  EXPECT_EQ(count, 0u);
}

TEST(DictAbi, AcceptsNull) {
  const Dict dict = new_dict();
  tf_array *array = nullptr;
  tf_dict *out = nullptr;
  const char *text = nullptr;
  size_t size = 0;
  int64_t integer = 0;
  double real = 0;
  const auto refused = [](tf_status status, const char *name) {
    expect_failure(status, TF_STATUS_INVALID_ARGUMENT, std::string(name) + " is NULL");
  };
  refused(tf_dict_new(nullptr), "out");
  EXPECT_EQ(tf_dict_size(nullptr), 0u);
  EXPECT_STREQ(tf_error_message(), "dict is NULL");
  EXPECT_EQ(tf_dict_kind_at(nullptr, 0), TF_KIND_NONE);
  EXPECT_EQ(tf_dict_kind_at(dict.get(), 0), TF_KIND_NONE);
  EXPECT_STREQ(tf_error_message(), "index 0 is out of range for 0");
  expect_failure(tf_dict_key_at(&text, &size, dict.get(), 0), TF_STATUS_INVALID_ARGUMENT,
                 "index 0 is out of range for 0");
  refused(tf_dict_key_at(&text, &size, nullptr, 0), "dict");
  refused(tf_dict_key_at(nullptr, &size, dict.get(), 0), "key");
  refused(tf_dict_find(nullptr, dict.get(), "k", 1), "index");
  refused(tf_dict_find(&size, nullptr, "k", 1), "dict");
  refused(tf_dict_find(&size, dict.get(), nullptr, 1), "key");
  refused(tf_dict_remove(nullptr, "k", 1), "dict");
  refused(tf_dict_get_array(nullptr, dict.get(), "k", 1), "out");
  refused(tf_dict_get_array(&array, nullptr, "k", 1), "dict");
  refused(tf_dict_set_array(nullptr, "k", 1, array), "dict");
  refused(tf_dict_set_array(dict.get(), "k", 1, nullptr), "array");
  refused(tf_dict_set_array(dict.get(), nullptr, SIZE_MAX, nullptr), "key");
  refused(tf_dict_get_string(nullptr, &size, dict.get(), "k", 1), "text");
  refused(tf_dict_set_string(dict.get(), "k", 1, nullptr, 1), "text");
  refused(tf_dict_string_list_size(nullptr, dict.get(), "k", 1), "count");
  refused(tf_dict_string_list_at(nullptr, &size, dict.get(), "k", 1, 0), "text");
  refused(tf_dict_set_string_list(nullptr, "k", 1), "dict");
  refused(tf_dict_string_list_append(nullptr, "k", 1, "", 0), "dict");
  refused(tf_dict_get_dict(nullptr, dict.get(), "k", 1), "out");
  refused(tf_dict_set_dict(dict.get(), "k", 1, nullptr), "value");
  refused(tf_dict_set_dict(nullptr, "k", 1, dict.get()), "dict");
  refused(tf_dict_get_int64(nullptr, dict.get(), "k", 1), "value");
  refused(tf_dict_get_int64(&integer, nullptr, "k", 1), "dict");
  refused(tf_dict_set_int64(nullptr, "k", 1, 1), "dict");
  refused(tf_dict_get_double(nullptr, dict.get(), "k", 1), "value");
  refused(tf_dict_get_double(&real, nullptr, "k", 1), "dict");
  refused(tf_dict_set_double(nullptr, "k", 1, 1), "dict");
  refused(tf_dict_flatten(nullptr, dict.get()), "out");
  refused(tf_dict_flatten(&out, nullptr), "tree");
  refused(tf_dict_unflatten(&out, nullptr), "flat");
  refused(tf_dict_compare(&out, nullptr, dict.get()), "expected");
  refused(tf_dict_compare(&out, dict.get(), nullptr), "actual");
  EXPECT_EQ(out, nullptr);
  EXPECT_EQ(tf_dict_size(dict.get()), 0u);
  EXPECT_EQ(tf_dict_retain(nullptr), nullptr);
  tf_dict_release(nullptr);
}

}  // namespace
