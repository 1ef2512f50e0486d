// Values of dicts: scalars with their dtype, access by index, queries that cannot fail, and copies.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/expect_error.h"
#include "support/handles.h"

namespace tfile::testing {
namespace {

void expect_failure(tf_status status, tf_status expected, const std::string &message) {
  EXPECT_EQ(status, expected);
  EXPECT_EQ(tf_error_message(), message);
}

// {"a": 0-d int64 array 5, "s": "text", "l": ["one", ""], "d": {}}
Handle<tf_dict> one_of_each() {
  auto dict = new_dict();
  EXPECT_EQ(tf_dict_set_int64(dict.get(), "a", 1, 5), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_set_string(dict.get(), "s", 1, "text", 4), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_set_string_list(dict.get(), "l", 1), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_string_list_append(dict.get(), "l", 1, "one", 3), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_string_list_append(dict.get(), "l", 1, "", 0), TF_STATUS_OK);
  EXPECT_EQ(tf_dict_set_dict(dict.get(), "d", 1, new_dict().get()), TF_STATUS_OK);
  return dict;
}

std::string string_of(const tf_dict *dict, const char *key) {
  const char *text = nullptr;
  size_t length = 0;
  EXPECT_EQ(tf_dict_get_string(&text, &length, dict, key, SIZE_MAX), TF_STATUS_OK) << tf_error_message();
  return std::string(text, length);
}

int64_t int64_of(const tf_dict *dict, const char *key) {
  int64_t value = 0;
  EXPECT_EQ(tf_dict_get_int64(&value, dict, key, SIZE_MAX), TF_STATUS_OK) << tf_error_message();
  return value;
}

Handle<tf_dict> dict_of_key(const tf_dict *dict, const char *key) {
  return made<tf_dict>([&](tf_dict **out) { return tf_dict_get_dict(out, dict, key, SIZE_MAX); });
}

Handle<tf_dict> copy_of(const tf_dict *dict) {
  return made<tf_dict>([&](tf_dict **out) { return tf_dict_copy(out, dict); });
}

TEST(DictScalars, KeepTheirDtype) {
  const auto dict = new_dict();
  const unsigned char bytes[16] = {1, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  int scalars = 0;
  for (tf_dtype dtype = TF_DTYPE_BOOL; dtype <= TF_DTYPE_FLOAT8_E8M0FNU; ++dtype) {
    ASSERT_EQ(tf_dict_set_scalar(dict.get(), "k", 1, dtype, bytes), TF_STATUS_OK) << tf_error_message();
    tf_dtype found = -1;
    unsigned char value[16] = {};
    ASSERT_EQ(tf_dict_get_scalar(&found, value, sizeof(value), dict.get(), "k", 1), TF_STATUS_OK);
    EXPECT_EQ(found, dtype);
    const size_t size = tf_dtype_block_bytes(dtype);
    EXPECT_EQ(std::string(value, value + size), std::string(bytes, bytes + size));
    EXPECT_EQ(std::string(value + size, value + 16), std::string(16 - size, '\0'));
    const auto array = array_of(dict.get(), "k");
    EXPECT_EQ(tf_array_ndim(array.get()), 0u);
    EXPECT_EQ(tf_array_dtype(array.get()), dtype);
    ++scalars;
  }
  EXPECT_EQ(scalars, 20);
  EXPECT_EQ(tf_dict_size(dict.get()), 1u);
}

TEST(DictScalars, OutputsAreOptional) {
  const auto dict = new_dict();
  const uint32_t number = 0xFEDCBA98;
  ASSERT_EQ(tf_dict_set_scalar(dict.get(), "n", SIZE_MAX, TF_DTYPE_UINT32, &number), TF_STATUS_OK);
  tf_dtype dtype = -1;
  uint32_t value = 0;
  ASSERT_EQ(tf_dict_get_scalar(&dtype, nullptr, 0, dict.get(), "n", 1), TF_STATUS_OK);
  EXPECT_EQ(dtype, TF_DTYPE_UINT32);
  ASSERT_EQ(tf_dict_get_scalar(nullptr, &value, sizeof(value), dict.get(), "n", 1), TF_STATUS_OK);
  EXPECT_EQ(value, number);
  EXPECT_EQ(int64_of(dict.get(), "n"), 0xFEDCBA98);
}

TEST(DictScalars, RefuseWhatIsNoScalar) {
  const auto dict = one_of_each();
  const unsigned char bytes[32] = {};
  const unsigned char two = 2;
  tf_dtype dtype = -1;
  unsigned char value[16];
  const auto set = [&](tf_dtype id) { return tf_dict_set_scalar(dict.get(), "k", 1, id, bytes); };
  EXPECT_EQ(set(TF_DTYPE_UNSUPPORTED), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(set(TF_DTYPE_FLOAT4_E2M1FN), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(set(TF_DTYPE_FLOAT6_E3M2FN), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(set(TF_DTYPE_Q8_0), TF_STATUS_INVALID_ARGUMENT);
  expect_failure(tf_dict_set_scalar(dict.get(), "k", 1, TF_DTYPE_BOOL, &two), TF_STATUS_INVALID_ARGUMENT,
                 "a bool is 0 or 1, not 2");
  expect_failure(tf_dict_set_scalar(dict.get(), "k", 1, TF_DTYPE_INT8, nullptr), TF_STATUS_INVALID_ARGUMENT,
                 "value is NULL");
  expect_failure(tf_dict_set_scalar(nullptr, "k", 1, TF_DTYPE_INT8, bytes), TF_STATUS_INVALID_ARGUMENT, "dict is NULL");
  EXPECT_EQ(tf_dict_contains(dict.get(), "k", 1), 0);
  expect_failure(tf_dict_get_scalar(&dtype, value, 7, dict.get(), "a", 1), TF_STATUS_INVALID_ARGUMENT,
                 "int64 needs 8 bytes, there are 7");
  EXPECT_EQ(dtype, -1);
  expect_failure(tf_dict_get_scalar(&dtype, value, 16, dict.get(), "s", 1), TF_STATUS_TYPE,
                 "key 's': expected an array, found a string");
  expect_failure(tf_dict_get_scalar(&dtype, value, 16, dict.get(), "k", 1), TF_STATUS_NOT_FOUND,
                 "key 'k': no such key");
  expect_failure(tf_dict_get_scalar(&dtype, value, 16, nullptr, "k", 1), TF_STATUS_INVALID_ARGUMENT, "dict is NULL");
}

TEST(DictQueries, DoNotChangeTheErrorRecord) {
  const auto dict = one_of_each();
  ASSERT_EQ(tf_dict_remove(dict.get(), "missing", 7), TF_STATUS_NOT_FOUND);
  const auto expect_unchanged = [] { tfile::expect_error("key 'missing': no such key", kNoOffset, "missing"); };
  EXPECT_EQ(tf_dict_contains(dict.get(), "a", 1), 1);
  EXPECT_EQ(tf_dict_contains(dict.get(), "list", 1), 1);
  EXPECT_EQ(tf_dict_contains(dict.get(), "other", SIZE_MAX), 0);
  EXPECT_EQ(tf_dict_contains(dict.get(), "\xFF", 1), 0);
  EXPECT_EQ(tf_dict_contains(dict.get(), nullptr, 0), 0);
  EXPECT_EQ(tf_dict_kind(dict.get(), "a", 1), TF_KIND_ARRAY);
  EXPECT_EQ(tf_dict_kind(dict.get(), "s", 1), TF_KIND_STRING);
  EXPECT_EQ(tf_dict_kind(dict.get(), "l", 1), TF_KIND_STRING_LIST);
  EXPECT_EQ(tf_dict_kind(dict.get(), "d", SIZE_MAX), TF_KIND_DICT);
  EXPECT_EQ(tf_dict_kind(dict.get(), "other", 5), TF_KIND_NONE);
  expect_unchanged();
  EXPECT_EQ(tf_dict_contains(nullptr, "a", 1), 0);
  tfile::expect_error("dict is NULL");
  EXPECT_EQ(tf_dict_kind(dict.get(), nullptr, 1), TF_KIND_NONE);
  tfile::expect_error("key is NULL");
}

TEST(DictIndices, GetValuesOfEveryKind) {
  const auto dict = one_of_each();
  const auto array = made<tf_array>([&](tf_array **out) { return tf_dict_array_at(out, dict.get(), 0); });
  EXPECT_EQ(array.get(), array_of(dict.get(), "a").get());
  const char *text = nullptr;
  size_t length = 0;
  ASSERT_EQ(tf_dict_string_at(&text, &length, dict.get(), 1), TF_STATUS_OK);
  EXPECT_EQ(std::string(text, length), "text");
  size_t count = 0;
  ASSERT_EQ(tf_dict_string_list_size_at(&count, dict.get(), 2), TF_STATUS_OK);
  EXPECT_EQ(count, 2u);
  ASSERT_EQ(tf_dict_string_list_item_at(&text, nullptr, dict.get(), 2, 0), TF_STATUS_OK);
  EXPECT_STREQ(text, "one");
  ASSERT_EQ(tf_dict_string_list_item_at(&text, &length, dict.get(), 2, 1), TF_STATUS_OK);
  EXPECT_EQ(std::string(text, length), "");
  const auto inner = made<tf_dict>([&](tf_dict **out) { return tf_dict_dict_at(out, dict.get(), 3); });
  EXPECT_EQ(inner.get(), dict_of_key(dict.get(), "d").get());
}

TEST(DictIndices, RefuseOtherKindsAndIndices) {
  const auto dict = one_of_each();
  tf_array *array = nullptr;
  tf_dict *inner = nullptr;
  const char *text = nullptr;
  size_t size = 0;
  expect_failure(tf_dict_array_at(&array, dict.get(), 1), TF_STATUS_TYPE, "key 's': expected an array, found a string");
  expect_failure(tf_dict_string_at(&text, &size, dict.get(), 0), TF_STATUS_TYPE,
                 "key 'a': expected a string, found an array");
  expect_failure(tf_dict_dict_at(&inner, dict.get(), 2), TF_STATUS_TYPE,
                 "key 'l': expected a dict, found a list of strings");
  expect_failure(tf_dict_string_list_size_at(&size, dict.get(), 3), TF_STATUS_TYPE,
                 "key 'd': expected a list of strings, found a dict");
  expect_failure(tf_dict_string_list_item_at(&text, &size, dict.get(), 1, 0), TF_STATUS_TYPE,
                 "key 's': expected a list of strings, found a string");
  expect_failure(tf_dict_string_list_item_at(&text, &size, dict.get(), 2, 2), TF_STATUS_INVALID_ARGUMENT,
                 "index 2 is out of range for 2");
  const std::string outside = "index 4 is out of range for 4";
  expect_failure(tf_dict_array_at(&array, dict.get(), 4), TF_STATUS_INVALID_ARGUMENT, outside);
  expect_failure(tf_dict_string_at(&text, &size, dict.get(), 4), TF_STATUS_INVALID_ARGUMENT, outside);
  expect_failure(tf_dict_dict_at(&inner, dict.get(), 4), TF_STATUS_INVALID_ARGUMENT, outside);
  expect_failure(tf_dict_string_list_size_at(&size, dict.get(), 4), TF_STATUS_INVALID_ARGUMENT, outside);
  expect_failure(tf_dict_string_list_item_at(&text, &size, dict.get(), 4, 0), TF_STATUS_INVALID_ARGUMENT, outside);
  const auto refused = [](tf_status status, const char *name) {
    expect_failure(status, TF_STATUS_INVALID_ARGUMENT, std::string(name) + " is NULL");
  };
  refused(tf_dict_array_at(nullptr, dict.get(), 0), "out");
  refused(tf_dict_array_at(&array, nullptr, 0), "dict");
  refused(tf_dict_string_at(nullptr, &size, dict.get(), 1), "text");
  refused(tf_dict_dict_at(nullptr, dict.get(), 3), "out");
  refused(tf_dict_string_list_size_at(nullptr, dict.get(), 2), "count");
  refused(tf_dict_string_list_item_at(nullptr, &size, dict.get(), 2, 0), "text");
  EXPECT_EQ(array, nullptr);
  EXPECT_EQ(inner, nullptr);
  EXPECT_EQ(text, nullptr);
}

TEST(DictCopy, IsIndependentOfTheOriginal) {
  const auto dict = one_of_each();
  const auto inner = dict_of_key(dict.get(), "d");
  ASSERT_EQ(tf_dict_set_string(inner.get(), "x", 1, "before", 6), TF_STATUS_OK);
  const auto copy = copy_of(dict.get());
  ASSERT_EQ(tf_dict_set_int64(dict.get(), "a", 1, 6), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string(dict.get(), "s", 1, "after", 5), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_string_list_append(dict.get(), "l", 1, "two", 3), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string(inner.get(), "x", 1, "after", 5), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_remove(dict.get(), "d", 1), TF_STATUS_OK);
  const char *keys[] = {"a", "s", "l", "d"};
  ASSERT_EQ(tf_dict_size(copy.get()), 4u);
  for (size_t i = 0; i < 4; ++i) {
    const char *key = nullptr;
    ASSERT_EQ(tf_dict_key_at(&key, nullptr, copy.get(), i), TF_STATUS_OK);
    EXPECT_STREQ(key, keys[i]);
  }
  EXPECT_EQ(int64_of(copy.get(), "a"), 5);
  EXPECT_EQ(string_of(copy.get(), "s"), "text");
  size_t count = 0;
  ASSERT_EQ(tf_dict_string_list_size(&count, copy.get(), "l", 1), TF_STATUS_OK);
  EXPECT_EQ(count, 2u);
  EXPECT_EQ(string_of(dict_of_key(copy.get(), "d").get(), "x"), "before");
}

TEST(DictCopy, SharesTheMemoryOfArrays) {
  const auto matrix = random_array(TF_DTYPE_INT32, {2, 3});
  const auto turned = made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, matrix.get(), nullptr, 0); });
  const auto blocks = random_array(TF_DTYPE_Q8_0, {2, 32});
  const auto dict = dict_of({{"turned", turned.get()}, {"blocks", blocks.get()}});
  auto copy = copy_of(dict.get());
  for (const char *key : {"turned", "blocks"}) {
    const auto original = array_of(dict.get(), key);
    const auto shared = array_of(copy.get(), key);
    EXPECT_EQ(tf_array_data(shared.get()), tf_array_data(original.get()));
    EXPECT_TRUE(same(shared.get(), original.get()));
    void *data = nullptr;
    expect_failure(tf_array_data_mut(&data, original.get()), TF_STATUS_INVALID_ARGUMENT,
                   "the memory of the array is shared with another array");
  }
  copy = Handle<tf_dict>();
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, blocks.get()), TF_STATUS_OK);
}

TEST(DictCopy, CopiesADictInSeveralPlacesOnce) {
  auto dict = new_dict();
  const auto leaf = dict.get();
  ASSERT_EQ(tf_dict_set_int64(leaf, "n", 1, 1), TF_STATUS_OK);
  // Each of 200 levels contains the one below it twice: copied as often as they can be reached, they would be 2^200.
  for (int i = 0; i < 200; ++i) {
    auto around = new_dict();
    ASSERT_EQ(tf_dict_set_dict(around.get(), "left", 4, dict.get()), TF_STATUS_OK);
    ASSERT_EQ(tf_dict_set_dict(around.get(), "right", 5, dict.get()), TF_STATUS_OK);
    dict = std::move(around);
  }
  auto at = copy_of(dict.get());
  for (int i = 0; i < 200; ++i) {
    auto left = dict_of_key(at.get(), "left");
    EXPECT_EQ(left.get(), dict_of_key(at.get(), "right").get());
    at = std::move(left);
  }
  EXPECT_NE(at.get(), leaf);
  EXPECT_EQ(int64_of(at.get(), "n"), 1);
}

TEST(DictCopy, CopiesDeepNesting) {
  auto dict = new_dict();
  for (int i = 0; i < 2000; ++i) {
    auto around = new_dict();
    ASSERT_EQ(tf_dict_set_dict(around.get(), "in", 2, dict.get()), TF_STATUS_OK);
    dict = std::move(around);
  }
  const auto copy = copy_of(dict.get());
  EXPECT_EQ(tf_dict_size(copy.get()), 1u);
}

TEST(DictCopy, RefusesNull) {
  const auto dict = new_dict();
  tf_dict *out = nullptr;
  expect_failure(tf_dict_copy(nullptr, dict.get()), TF_STATUS_INVALID_ARGUMENT, "out is NULL");
  expect_failure(tf_dict_copy(&out, nullptr), TF_STATUS_INVALID_ARGUMENT, "dict is NULL");
  EXPECT_EQ(tf_dict_size(copy_of(dict.get()).get()), 0u);
}

bool are_equal(const tf_dict *a, const tf_dict *b) {
  int32_t equal = -1;
  int32_t reversed = -1;
  EXPECT_EQ(tf_dict_equal(&equal, a, b), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(tf_dict_equal(&reversed, b, a), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(equal, reversed);
  EXPECT_TRUE(equal == 0 || equal == 1) << equal;
  return equal == 1;
}

TEST(DictEqual, ComparesEveryKind) {
  const auto dict = one_of_each();
  EXPECT_TRUE(are_equal(dict.get(), dict.get()));
  EXPECT_TRUE(are_equal(dict.get(), one_of_each().get()));
  using Change = tf_status (*)(tf_dict *);
  const Change changes[] = {
      [](tf_dict *d) { return tf_dict_remove(d, "s", 1); },
      [](tf_dict *d) { return tf_dict_set_string(d, "more", 4, "", 0); },
      [](tf_dict *d) { return tf_dict_set_string(d, "s", 1, "texT", 4); },
      [](tf_dict *d) { return tf_dict_set_string(d, "a", 1, "5", 1); },
      [](tf_dict *d) { return tf_dict_set_int64(d, "a", 1, 6); },
      [](tf_dict *d) { return tf_dict_set_double(d, "a", 1, 5); },
      [](tf_dict *d) { return tf_dict_string_list_append(d, "l", 1, "", 0); },
      [](tf_dict *d) { return tf_dict_set_string_list(d, "l", 1); },
      [](tf_dict *d) { return tf_dict_set_string_list(d, "d", 1); },
      [](tf_dict *d) { return tf_dict_set_int64(dict_of_key(d, "d").get(), "x", 1, 1); },
  };
  for (const Change change : changes) {
    const auto other = one_of_each();
    ASSERT_EQ(change(other.get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_FALSE(are_equal(dict.get(), other.get())) << "change " << &change - changes;
  }
}

TEST(DictEqual, IgnoresTheOrder) {
  const auto dict = one_of_each();
  const auto other = one_of_each();
  ASSERT_EQ(tf_dict_remove(other.get(), "a", 1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_int64(other.get(), "a", 1, 5), TF_STATUS_OK);
  EXPECT_TRUE(are_equal(dict.get(), other.get()));
  ASSERT_EQ(tf_dict_remove(other.get(), "s", 1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string(other.get(), "S", 1, "text", 4), TF_STATUS_OK);
  EXPECT_FALSE(are_equal(dict.get(), other.get()));
}

TEST(DictEqual, ComparesTheBitsOfNumbers) {
  const auto with = [](uint64_t bits) {
    auto dict = new_dict();
    EXPECT_EQ(tf_dict_set_scalar(dict.get(), "x", 1, TF_DTYPE_FLOAT64, &bits), TF_STATUS_OK);
    return dict;
  };
  const uint64_t nan = 0x7FF8000000000000;
  EXPECT_TRUE(are_equal(with(nan).get(), with(nan).get()));
  EXPECT_FALSE(are_equal(with(nan).get(), with(nan + 1).get()));
  EXPECT_FALSE(are_equal(with(0).get(), with(uint64_t{1} << 63).get())) << "0.0 and -0.0";
}

// Nests each dict twice in the next one, so that a comparison of all paths would never end.
Handle<tf_dict> nested_twice(int depth, int64_t innermost) {
  auto dict = new_dict();
  EXPECT_EQ(tf_dict_set_int64(dict.get(), "n", 1, innermost), TF_STATUS_OK);
  for (int i = 0; i < depth; ++i) {
    auto around = new_dict();
    EXPECT_EQ(tf_dict_set_dict(around.get(), "x", 1, dict.get()), TF_STATUS_OK);
    EXPECT_EQ(tf_dict_set_dict(around.get(), "y", 1, dict.get()), TF_STATUS_OK);
    dict = std::move(around);
  }
  return dict;
}

TEST(DictEqual, ComparesDeepDictsThatShareOthers) {
  const auto dict = nested_twice(2000, 1);
  EXPECT_TRUE(are_equal(dict.get(), copy_of(dict.get()).get()));
  EXPECT_TRUE(are_equal(dict.get(), nested_twice(2000, 1).get()));
  EXPECT_FALSE(are_equal(dict.get(), nested_twice(2000, 2).get()));
  EXPECT_FALSE(are_equal(dict.get(), nested_twice(1999, 1).get()));
}

// {"x": {"n": x}, "y": {"n": y}}
Handle<tf_dict> two_dicts(int64_t x, int64_t y) {
  auto dict = new_dict();
  for (const auto &[key, number] : {std::pair{"x", x}, std::pair{"y", y}})
    EXPECT_EQ(tf_dict_set_dict(dict.get(), key, 1, nested_twice(0, number).get()), TF_STATUS_OK);
  return dict;
}

TEST(DictEqual, ComparesASharedDictWithEachThatItMeets) {
  const auto shared = nested_twice(1, 1);
  EXPECT_TRUE(are_equal(shared.get(), two_dicts(1, 1).get()));
  EXPECT_FALSE(are_equal(shared.get(), two_dicts(1, 2).get()));
  EXPECT_FALSE(are_equal(shared.get(), two_dicts(2, 1).get()));
}

TEST(DictEqual, RefusesNull) {
  const auto dict = new_dict();
  int32_t equal = 1;
  expect_failure(tf_dict_equal(nullptr, dict.get(), dict.get()), TF_STATUS_INVALID_ARGUMENT, "equal is NULL");
  expect_failure(tf_dict_equal(&equal, nullptr, dict.get()), TF_STATUS_INVALID_ARGUMENT, "a is NULL");
  expect_failure(tf_dict_equal(&equal, dict.get(), nullptr), TF_STATUS_INVALID_ARGUMENT, "b is NULL");
  EXPECT_EQ(equal, 0);
}

}  // namespace
}  // namespace tfile::testing
