// tf_save_file(), the counterpart of tf_load(), and how saves choose the format.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

using Names = std::vector<std::string>;

class SaveFile : public ::testing::Test {
 protected:
  tf_status save(const std::string &name, const tf_dict *arrays, const tf_dict *metadata = nullptr,
                 const tf_options *options = nullptr) {
    return tf_save_file(folder.path(name).c_str(), arrays, metadata, options);
  }
  void expect_failure(tf_status status, tf_status expected, const std::string &message) {
    EXPECT_EQ(status, expected);
    EXPECT_EQ(tf_error_message(), message);
    EXPECT_EQ(folder.names(), Names());
  }

  TempFolder folder;
  Handle<tf_array> array = random_array(TF_DTYPE_INT16, {2, 3});
  Handle<tf_array> other = random_array(TF_DTYPE_FLOAT32, {4});
  Handle<tf_dict> two = dict_of({{"w", array.get()}, {"b", other.get()}});
  Handle<tf_dict> one = dict_of({{"w", array.get()}});
  Handle<tf_dict> text = new_dict();

  void SetUp() override { ASSERT_EQ(tf_dict_set_string(text.get(), "k", 1, "v", 1), TF_STATUS_OK); }
};

TEST_F(SaveFile, WritesWhatLoadReadsInTheFormatOfTheExtension) {
  for (const char *name : {"x.npz", "X.NPZ", "x.safetensors", "x.gguf", "y.GGUF"}) {
    ASSERT_EQ(save(name, two.get(), text.get()), TF_STATUS_OK) << name << ": " << tf_error_message();
    tf_dict *arrays = nullptr;
    tf_dict *metadata = nullptr;
    ASSERT_EQ(tf_load(nullptr, &arrays, &metadata, folder.path(name).c_str(), nullptr), TF_STATUS_OK) << name;
    const Handle<tf_dict> loaded(arrays);
    const Handle<tf_dict> values(metadata);
    EXPECT_EQ(tf_dict_size(arrays), 2u);
    EXPECT_TRUE(same(array_of(arrays, "w").get(), array.get())) << name;
    EXPECT_TRUE(same(array_of(arrays, "b").get(), other.get())) << name;
    const char *value = nullptr;
    ASSERT_EQ(tf_dict_get_string(&value, nullptr, metadata, "k", 1), TF_STATUS_OK) << name;
    EXPECT_STREQ(value, "v");
  }
  EXPECT_EQ(folder.names().size(), 5u) << "an extension was appended";
}

TEST_F(SaveFile, WritesTheOneArrayOfANpyUnderAnyName) {
  ASSERT_EQ(save("x.npy", one.get(), new_dict().get()), TF_STATUS_OK) << tf_error_message();
  ASSERT_EQ(tf_save(folder.path("y.npy").c_str(), array.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(folder.read("x.npy"), folder.read("y.npy"));
  // What tf_load() returns without an output for the array is saved again.
  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  ASSERT_EQ(tf_load(nullptr, &arrays, &metadata, folder.path("x.npy").c_str(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(save("z.npy", arrays, metadata), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.read("z.npy"), folder.read("y.npy"));
  tf_dict_release(arrays);
  tf_dict_release(metadata);
  const auto named = dict_of({{std::string(70000, 'n').c_str(), array.get()}});
  EXPECT_EQ(save("z.npy", named.get()), TF_STATUS_OK) << "a name that is not stored was refused";
}

TEST_F(SaveFile, ANpyHoldsOneArrayAndNoMetadata) {
  expect_failure(save("x.npy", two.get()), TF_STATUS_UNSUPPORTED, "npy holds exactly one array, but there are 2");
  expect_failure(save("x.npy", new_dict().get()), TF_STATUS_UNSUPPORTED,
                 "npy holds exactly one array, but there are 0");
  ASSERT_EQ(tf_dict_set_int64(text.get(), "n", 1, 5), TF_STATUS_OK);
  expect_failure(save("x.npy", one.get(), text.get()), TF_STATUS_UNSUPPORTED,
                 "npy cannot hold: 'k' (the format has no metadata), 'n' (the format has no metadata)");
  EXPECT_STREQ(tf_error_name(), "k");
}

TEST_F(SaveFile, ListsMetadataThatTheFormatCannotHold) {
  ASSERT_EQ(tf_dict_set_int64(text.get(), "n", 1, 5), TF_STATUS_OK);
  expect_failure(save("x.npz", one.get(), text.get()), TF_STATUS_TYPE,
                 "npz cannot hold: 'n' (metadata that is neither a string nor a list of strings)");
  expect_failure(save("x.safetensors", one.get(), text.get()), TF_STATUS_TYPE,
                 "safetensors cannot hold: 'n' (metadata that is not a string)");
  EXPECT_EQ(save("x.gguf", one.get(), text.get()), TF_STATUS_OK) << tf_error_message();
}

TEST_F(SaveFile, SavesArraysOnly) {
  ASSERT_EQ(tf_dict_set_string(two.get(), "s", 1, "v", 1), TF_STATUS_OK);
  for (const char *name : {"x.npy", "x.npz", "x.safetensors", "x.gguf"})
    expect_failure(save(name, two.get()), TF_STATUS_TYPE, "only arrays can be saved: 's' (a string)");
}

TEST_F(SaveFile, TheOptionComesBeforeTheExtension) {
  const auto npz = options_with({{TF_OPTION_FORMAT, TF_FORMAT_NPZ}});
  ASSERT_EQ(save("x", two.get(), nullptr, npz.get()), TF_STATUS_OK) << tf_error_message();
  ASSERT_EQ(save("x.npz", two.get(), nullptr, npz.get()), TF_STATUS_OK) << tf_error_message();
  ASSERT_EQ(save("x.gguf", two.get(), nullptr, npz.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.names(), (Names{"x.gguf.npz", "x.npz"}));
  EXPECT_EQ(folder.read("x.npz").substr(0, 2), "PK");
  EXPECT_EQ(folder.read("x.gguf.npz").substr(0, 2), "PK");
  const auto exact = options_with({{TF_OPTION_FORMAT, TF_FORMAT_NPZ}, {TF_OPTION_EXACT_PATH, 1}});
  ASSERT_EQ(save("y.gguf", two.get(), nullptr, exact.get()), TF_STATUS_OK);
  EXPECT_EQ(folder.read("y.gguf"), folder.read("x.npz"));
}

TEST_F(SaveFile, NeedsAFormat) {
  const std::string path = folder.path("x.txt");
  expect_failure(save("x.txt", one.get()), TF_STATUS_INVALID_ARGUMENT,
                 path + ": no format to save in is given: the extension names none, and the option (format) is auto");
  const auto content = options_with({{TF_OPTION_FORMAT, TF_FORMAT_BY_CONTENT}});
  expect_failure(save("x.npz", one.get(), nullptr, content.get()), TF_STATUS_INVALID_ARGUMENT,
                 "a file cannot be saved in the format 'content', which is for reading");
  expect_failure(tf_save_file(nullptr, one.get(), nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT, "path is NULL");
  expect_failure(save("x.npz", nullptr), TF_STATUS_INVALID_ARGUMENT, "arrays is NULL");
}

TEST_F(SaveFile, TheOptionDecidesWhetherAnNpzIsCompressed) {
  const auto zeros = made<tf_array>([](tf_array **out) {
    const int64_t shape[] = {10000};
    return tf_array_new(out, TF_DTYPE_INT32, shape, 1);
  });
  const auto arrays = dict_of({{"zeros", zeros.get()}});
  const auto compress = options_with({{TF_OPTION_COMPRESS, 1}});
  ASSERT_EQ(save("plain.npz", arrays.get()), TF_STATUS_OK);
  ASSERT_EQ(save("small.npz", arrays.get(), nullptr, compress.get()), TF_STATUS_OK);
  ASSERT_EQ(tf_savez(folder.path("z").c_str(), nullptr, 0, arrays.get(), nullptr), TF_STATUS_OK);
  ASSERT_EQ(tf_savez_compressed(folder.path("c").c_str(), nullptr, 0, arrays.get(), nullptr), TF_STATUS_OK);
  EXPECT_EQ(folder.read("plain.npz"), folder.read("z.npz"));
  EXPECT_EQ(folder.read("small.npz"), folder.read("c.npz"));
  EXPECT_LT(folder.read("small.npz").size(), 1000u);
}

TEST_F(SaveFile, SavesSetsOfParts) {
  const auto parts = options_with({{TF_OPTION_PART_BYTES, 12}});
  ASSERT_EQ(save("x.safetensors", two.get(), nullptr, parts.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.names(),
            (Names{"x-00001-of-00002.safetensors", "x-00002-of-00002.safetensors", "x.safetensors.index.json"}));
}

TEST_F(SaveFile, MemoryTakesTheOneArrayFromADict) {
  const auto memory = [&](tf_format format, const tf_array *single, const tf_dict *arrays, const tf_options *options) {
    return contents(made<tf_buffer>([&](tf_buffer **out) {
                      return tf_save_memory(out, format, single, arrays, nullptr, options);
                    }).get());
  };
  const std::string bytes = memory(TF_FORMAT_NPY, array.get(), nullptr, nullptr);
  EXPECT_EQ(memory(TF_FORMAT_NPY, nullptr, one.get(), nullptr), bytes);
  const auto npy = options_with({{TF_OPTION_FORMAT, TF_FORMAT_NPY}});
  EXPECT_EQ(memory(TF_FORMAT_AUTO, nullptr, one.get(), npy.get()), bytes);
  tf_buffer *out = nullptr;
  expect_failure(tf_save_memory(&out, TF_FORMAT_NPY, nullptr, two.get(), nullptr, nullptr), TF_STATUS_UNSUPPORTED,
                 "npy holds exactly one array, but there are 2");
  expect_failure(tf_save_memory(&out, TF_FORMAT_NPY, array.get(), one.get(), nullptr, nullptr),
                 TF_STATUS_INVALID_ARGUMENT, "npy holds one array: array or arrays must be NULL");
  expect_failure(tf_save_memory(&out, TF_FORMAT_NPY, nullptr, nullptr, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT,
                 "array is NULL");
  expect_failure(tf_save_memory(&out, TF_FORMAT_AUTO, nullptr, one.get(), nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT,
                 "no format to save in is given: the option (format) is auto");
}

}  // namespace
}  // namespace tfile::testing
