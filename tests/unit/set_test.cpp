// Sets of files: sharded safetensors and split gguf, opened as one and saved in parts.
#include <cstring>
#include <filesystem>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

const std::string kGolden = TENSORFILE_GOLDEN_DIR "/";

class Sets : public ::testing::Test {
 protected:
  Handle<tf_dict> load(const std::string &path, const tf_options *options, tf_dict **metadata = nullptr) {
    return made<tf_dict>([&](tf_dict **out) { return tf_load(nullptr, out, metadata, path.c_str(), options); });
  }
  void expect_fails(const std::string &path, tf_status status, const std::string &message,
                    const tf_options *options = nullptr) {
    tf_dict *arrays = nullptr;
    EXPECT_EQ(tf_load(nullptr, &arrays, nullptr, path.c_str(), options), status);
    EXPECT_EQ(arrays, nullptr);
    EXPECT_EQ(tf_error_message(), message);
  }
  void copy_golden(const std::string &name) {
    std::filesystem::copy_file(kGolden + name, folder.path(std::filesystem::path(name).filename()));
  }
  int64_t scalar(const tf_dict *dict, const char *key) {
    int64_t value = -1;
    EXPECT_EQ(tf_dict_get_int64(&value, dict, key, SIZE_MAX), TF_STATUS_OK) << tf_error_message();
    return value;
  }

  TempFolder folder;
  Handle<tf_options> parts = options_with({{TF_OPTION_PARTS, 1}});
  Handle<tf_options> in_parts = options_with({{TF_OPTION_PART_BYTES, 100}});
  Handle<tf_array> small = random_array(TF_DTYPE_FLOAT32, {10});      // 40 bytes
  Handle<tf_array> large = random_array(TF_DTYPE_FLOAT32, {100}, 2);  // 400 bytes
  Handle<tf_dict> arrays =
      dict_of({{"a", small.get()}, {"b", small.get()}, {"c", small.get()}, {"d", large.get()}, {"e", small.get()}});
};

TEST_F(Sets, AnIndexOpensAllShards) {
  for (const int64_t mode : {TF_LOAD_MODE_OWN, TF_LOAD_MODE_MAP}) {
    const auto options = options_with({{TF_OPTION_LOAD_MODE, mode}});
    const auto whole = load(kGolden + "sharded/model.safetensors.index.json", options.get());
    size_t together = 0;
    for (const char *shard : {"sharded/model-00001-of-00002.safetensors", "sharded/model-00002-of-00002.safetensors"}) {
      const auto one = load(kGolden + shard, nullptr);
      for (size_t i = 0; i < tf_dict_size(one.get()); ++i, ++together) {
        const char *key = nullptr;
        ASSERT_EQ(tf_dict_key_at(&key, nullptr, one.get(), i), TF_STATUS_OK);
        EXPECT_TRUE(same(array_of(one.get(), key).get(), array_of(whole.get(), key).get())) << key;
      }
    }
    EXPECT_EQ(tf_dict_size(whole.get()), together);
    EXPECT_GT(together, 1u);
  }
  const auto file = made<tf_file>([&](tf_file **out) {
    return tf_file_open(out, (kGolden + "sharded/model.safetensors.index.json").c_str(), nullptr);
  });
  const char *path = nullptr;
  ASSERT_EQ(tf_file_location(&path, nullptr, nullptr, nullptr, file.get(), tf_file_size(file.get()) - 1), TF_STATUS_OK);
  EXPECT_EQ(path, kGolden + "sharded/model-00002-of-00002.safetensors");
}

TEST_F(Sets, AMissingShardIsNamed) {
  copy_golden("sharded/model.safetensors.index.json");
  copy_golden("sharded/model-00001-of-00002.safetensors");
  expect_fails(folder.path("model.safetensors.index.json"), TF_STATUS_NOT_FOUND,
               folder.path("model-00002-of-00002.safetensors") + ": no such file");
}

TEST_F(Sets, AnIndexIsChecked) {
  ASSERT_EQ(tf_save_safetensors(folder.path("s").c_str(), arrays.get(), nullptr, nullptr), TF_STATUS_OK);
  const auto expect_index = [&](const std::string &text, tf_status status, const std::string &message) {
    SCOPED_TRACE(text);
    const std::string path = folder.write("i.index.json", text);
    expect_fails(path, status, path + ": " + message);
  };
  expect_index(R"({"weight_map":{"zz":"s.safetensors"}})", TF_STATUS_CORRUPT,
               "array 'zz': the index says that it is in the file 's.safetensors', which does not have it");
  for (const char *name : {"../s.safetensors", "/etc/passwd", "..", "", "a\\\\b", "c:x", "a\\u0000b"}) {
    const std::string path = folder.write("i.index.json", std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    tf_dict *out = nullptr;
    EXPECT_EQ(tf_load(nullptr, &out, nullptr, path.c_str(), nullptr), TF_STATUS_CORRUPT) << name;
    EXPECT_NE(std::string(tf_error_message()).find("is not the name of a file in the folder of the index"),
              std::string::npos)
        << tf_error_message();
    EXPECT_STREQ(tf_error_name(), "a");
  }
  expect_index(R"({"weight_map":{"a":"s.safetensors","a":"s.safetensors"}})", TF_STATUS_DUPLICATE,
               "array 'a': the name is in the index twice (byte 35)");
  expect_index(R"({"metadata":{"total_size":7}})", TF_STATUS_CORRUPT, "the index has no weight_map");
  // Arrays that the index does not list are left out, and its other keys are ignored.
  const std::string path = folder.write(
      "i.index.json", R"({"metadata":{"total_size":7.5,"x":[1]},"weight_map":{"c":"s.safetensors"},"y":null})");
  EXPECT_EQ(tf_dict_size(load(path, nullptr).get()), 1u);
}

TEST_F(Sets, SafetensorsInPartsWithTheirIndex) {
  const auto metadata = new_dict();
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "format", SIZE_MAX, "pt", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_save_safetensors(folder.path("m").c_str(), arrays.get(), metadata.get(), in_parts.get()), TF_STATUS_OK)
      << tf_error_message();
  // 40 + 40, 40, 400, 40 bytes: an array that would exceed the limit begins the next part.
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"m-00001-of-00004.safetensors", "m-00002-of-00004.safetensors",
                                                      "m-00003-of-00004.safetensors", "m-00004-of-00004.safetensors",
                                                      "m.safetensors.index.json"}));
  EXPECT_EQ(folder.read("m.safetensors.index.json"), R"({
  "metadata": {
    "total_size": 560
  },
  "weight_map": {
    "a": "m-00001-of-00004.safetensors",
    "b": "m-00001-of-00004.safetensors",
    "c": "m-00002-of-00004.safetensors",
    "d": "m-00003-of-00004.safetensors",
    "e": "m-00004-of-00004.safetensors"
  }
}
)");
  tf_dict *read_metadata = nullptr;
  const auto loaded = load(folder.path("m.safetensors.index.json"), nullptr, &read_metadata);
  const Handle<tf_dict> owner(read_metadata);
  EXPECT_EQ(tf_dict_size(loaded.get()), 5u);
  EXPECT_TRUE(same(large.get(), array_of(loaded.get(), "d").get()));
  EXPECT_EQ(tf_dict_size(read_metadata), 1u);
  // Arrays that fit in one file are saved as one file.
  const auto one = dict_of({{"a", small.get()}, {"b", small.get()}});
  ASSERT_EQ(tf_save_safetensors(folder.path("one").c_str(), one.get(), nullptr, in_parts.get()), TF_STATUS_OK);
  EXPECT_EQ(folder.names().back(), "one.safetensors");
}

TEST_F(Sets, SplitGgufFromThePeer) {
  const std::string named = kGolden + "gguf/split-00002-of-00003.gguf";
  const auto alone = load(named, nullptr);
  const auto whole = load(named, parts.get());
  size_t together = 0;
  for (const char *name :
       {"gguf/split-00001-of-00003.gguf", "gguf/split-00002-of-00003.gguf", "gguf/split-00003-of-00003.gguf"}) {
    together += tf_dict_size(load(kGolden + name, nullptr).get());
  }
  EXPECT_EQ(tf_dict_size(whole.get()), together);
  EXPECT_LT(tf_dict_size(alone.get()), together);
  // A file that is not split is opened as it is.
  EXPECT_GT(tf_dict_size(load(kGolden + "gguf/py_all_plain.gguf", parts.get()).get()), 0u);
}

TEST_F(Sets, GgufInPartsWithItsMetadataInTheFirst) {
  const auto metadata = new_dict();
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "general.architecture", SIZE_MAX, "x", SIZE_MAX), TF_STATUS_OK);
  const uint32_t sixty_four = 64;
  const auto alignment = made<tf_array>([&](tf_array **out) {
    return tf_array_copy_from(out, TF_DTYPE_UINT32, nullptr, 0, &sixty_four, sizeof(sixty_four));
  });
  ASSERT_EQ(tf_dict_set(metadata.get(), "general.alignment", SIZE_MAX, alignment.get()), TF_STATUS_OK);
  ASSERT_EQ(tf_save_gguf(folder.path("m").c_str(), arrays.get(), metadata.get(), in_parts.get()), TF_STATUS_OK)
      << tf_error_message();
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"m-00001-of-00004.gguf", "m-00002-of-00004.gguf",
                                                      "m-00003-of-00004.gguf", "m-00004-of-00004.gguf"}));
  tf_dict *raw = nullptr;
  const auto third = load(folder.path("m-00003-of-00004.gguf"), nullptr, &raw);
  Handle<tf_dict> of_third(raw);
  EXPECT_EQ(scalar(raw, "split.no"), 2);
  EXPECT_EQ(scalar(raw, "split.count"), 4);
  EXPECT_EQ(scalar(raw, "split.tensors.count"), 5);
  EXPECT_EQ(scalar(raw, "general.alignment"), 64);
  EXPECT_EQ(tf_dict_size(raw), 4u);
  const auto whole = load(folder.path("m-00001-of-00004.gguf"), parts.get(), &raw);
  of_third.reset(raw);
  EXPECT_EQ(tf_dict_size(raw), 2u) << "the keys of the split are left out";
  EXPECT_EQ(tf_dict_size(whole.get()), 5u);
  EXPECT_TRUE(same(large.get(), array_of(whole.get(), "d").get()));

  std::filesystem::remove(folder.path("m-00003-of-00004.gguf"));
  expect_fails(folder.path("m-00001-of-00004.gguf"), TF_STATUS_NOT_FOUND,
               folder.path("m-00003-of-00004.gguf") + ": no such file", parts.get());
  std::filesystem::copy_file(folder.path("m-00002-of-00004.gguf"), folder.path("m-00003-of-00004.gguf"));
  expect_fails(folder.path("m-00001-of-00004.gguf"), TF_STATUS_CORRUPT,
               folder.path("m-00003-of-00004.gguf") + ": key 'split.no': expected 2, as its name says, found 1",
               parts.get());
  std::filesystem::copy_file(folder.path("m-00001-of-00004.gguf"), folder.path("other.gguf"));
  expect_fails(folder.path("other.gguf"), TF_STATUS_CORRUPT,
               folder.path("other.gguf") +
                   ": key 'split.count': the file is a part of several, but its name does not "
                   "end in -NNNNN-of-NNNNN.gguf",
               parts.get());
}

}  // namespace
}  // namespace tfile::testing
