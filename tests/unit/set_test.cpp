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

  using Notes = std::vector<std::string>;
  Notes notes_of(const std::string &path, const tf_options *options = nullptr) {
    const auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), options); });
    Notes notes;
    for (size_t i = 0; i < tf_file_note_count(file.get()); ++i) {
      const char *text = nullptr;
      EXPECT_EQ(tf_file_note(&text, nullptr, file.get(), i), TF_STATUS_OK);
      notes.emplace_back(text);
    }
    return notes;
  }
  // Saves the five arrays as a set of four parts.
  tf_status save(const std::string &name, const std::string &extension) {
    const auto write = extension == ".gguf" ? tf_save_gguf : tf_save_safetensors;
    return write(folder.path(name).c_str(), arrays.get(), nullptr, in_parts.get());
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
  ASSERT_EQ(tf_file_location(&path, nullptr, nullptr, nullptr, file.get(), tf_file_count(file.get()) - 1),
            TF_STATUS_OK);
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
  for (const char *name : {"../s.safetensors", "/etc/passwd", "..", "", "a\\\\b", "c:x", "a\\u0000b", ".", "./", "sub/",
                           "sub/..", "sub/../s.safetensors", "sub/../../s.safetensors", "//s.safetensors"}) {
    const std::string path = folder.write("i.index.json", std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    tf_dict *out = nullptr;
    EXPECT_EQ(tf_load(nullptr, &out, nullptr, path.c_str(), nullptr), TF_STATUS_CORRUPT) << name;
    EXPECT_NE(std::string(tf_error_message()).find("is not the path of a file below the folder of the index"),
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

TEST_F(Sets, ShardsMayBeInSubfolders) {
  std::filesystem::create_directories(folder.path("sub/deep"));
  for (const char *name : {"a", "sub/b", "sub/deep/c"})
    ASSERT_EQ(tf_save_safetensors(folder.path(name).c_str(), dict_of({{name + strlen(name) - 1, small.get()}}).get(),
                                  nullptr, nullptr),
              TF_STATUS_OK);
  const std::string path = folder.write(
      "m.safetensors.index.json",
      R"({"weight_map":{"a":"./a.safetensors","b":"sub/b.safetensors","c":"./sub//./deep/c.safetensors"}})");
  EXPECT_EQ(tf_dict_size(load(path, nullptr).get()), 3u);
  EXPECT_EQ(notes_of(path), Notes());
  // Two spellings of one file are the same file.
  const std::string twice =
      folder.write("t.index.json", R"({"weight_map":{"b":"sub/b.safetensors","x":"./sub/b.safetensors"}})");
  expect_fails(
      twice, TF_STATUS_CORRUPT,
      twice + ": array 'x': the index says that it is in the file 'sub/b.safetensors', which does not have it");
}

TEST_F(Sets, IndexesOfVariants) {
  const auto one = dict_of({{"a", small.get()}});
  ASSERT_EQ(tf_save_safetensors(folder.path("s").c_str(), one.get(), nullptr, nullptr), TF_STATUS_OK);
  for (const char *name : {"model.safetensors.index.json", "model.safetensors.index.fp16.json",
                           "model.safetensors.fp16.index.json", "other.index.json", "x.safetensors.index.a.b.json"}) {
    const std::string path = folder.write(name, R"({"weight_map":{"a":"s.safetensors"}})");
    EXPECT_EQ(tf_dict_size(load(path, nullptr).get()), 1u) << name;
  }
  // The name of a variant is not empty.
  const std::string path = folder.write("model.safetensors.index..json", "{}");
  tf_dict *out = nullptr;
  EXPECT_NE(tf_load(nullptr, &out, nullptr, path.c_str(), nullptr), TF_STATUS_OK);
}

TEST_F(Sets, ArraysThatAnIndexLeavesOutAreNoted) {
  ASSERT_EQ(tf_save_safetensors(folder.path("s").c_str(), arrays.get(), nullptr, nullptr), TF_STATUS_OK);
  const std::string path =
      folder.write("s.safetensors.index.json", R"({"weight_map":{"a":"s.safetensors","c":"s.safetensors"}})");
  EXPECT_EQ(notes_of(path), Notes{"the index leaves out 3 arrays of its files"});
}

TEST_F(Sets, OnePartIsNoted) {
  for (const char *const extension : {".safetensors", ".gguf"}) {
    ASSERT_EQ(save("m", extension), TF_STATUS_OK) << tf_error_message();
    const std::string second = folder.path("m-00002-of-00004" + std::string(extension));
    EXPECT_EQ(notes_of(second), Notes{"this is part 2 of 4; TF_OPTION_PARTS opens all of them"});
    EXPECT_EQ(notes_of(second, parts.get()), Notes());
    const std::string fifth = folder.path("m-00005-of-00004" + std::string(extension));
    std::filesystem::copy_file(second, fifth);
    // There is no part 5 of 4, but the metadata of a gguf say which part it is.
    EXPECT_EQ(notes_of(fifth).size(), strcmp(extension, ".gguf") == 0 ? 1u : 0u);
  }
}

// The metadata of a split gguf say which part it is, also if its name does not.
TEST_F(Sets, ARenamedPartOfAGgufIsNoted) {
  ASSERT_EQ(save("m", ".gguf"), TF_STATUS_OK) << tf_error_message();
  const std::string renamed = folder.path("renamed.gguf");
  std::filesystem::copy_file(folder.path("m-00003-of-00004.gguf"), renamed);
  EXPECT_EQ(notes_of(renamed), Notes{"this is part 3 of 4, as its metadata say; its name would have to end in "
                                     "-00003-of-00004.gguf for TF_OPTION_PARTS to find the others"});
  const std::string other = folder.path("m-00001-of-00002.gguf");
  std::filesystem::copy_file(folder.path("m-00003-of-00004.gguf"), other);
  EXPECT_EQ(notes_of(other), notes_of(renamed));
}

// What is not an index of safetensors, although it is called one.
TEST_F(Sets, AnIndexOfAnotherKindIsNamed) {
  const std::string path = folder.path("m.safetensors.index.json");
  const auto expect_kind = [&](const std::string &content, const std::string &kind) {
    folder.write("m.safetensors.index.json", content);
    for (const std::string &named : {path, folder.path("")})
      expect_fails(named, TF_STATUS_FORMAT,
                   path + ": is not an index of safetensors; it seems to be " + kind + " (byte 0)");
  };
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:" + std::string(64, 'a') + "\nsize 23950\n";
  expect_kind(pointer, "a Git LFS pointer: the file itself has not been downloaded");
  expect_kind("<!DOCTYPE html>\n<html>", "an HTML page");
  expect_kind("\x1f\x8b\x08", "gzip data");
  ASSERT_EQ(tf_save_gguf(folder.path("g").c_str(), arrays.get(), nullptr, nullptr), TF_STATUS_OK);
  expect_kind(folder.read("g.gguf"), "gguf, and TF_FORMAT_BY_CONTENT reads it as that");
  const auto content = options_with({{TF_OPTION_FORMAT, TF_FORMAT_BY_CONTENT}});
  EXPECT_EQ(tf_dict_size(load(path, content.get()).get()), 5u);
  // JSON is an index, valid or not, and also for an option that ignores extensions.
  folder.write("m.safetensors.index.json", "{");
  expect_fails(path, TF_STATUS_CORRUPT, path + ": JSON: expected a key or '}', found the end (byte 1)");
  ASSERT_EQ(tf_save_safetensors(folder.path("s").c_str(), arrays.get(), nullptr, nullptr), TF_STATUS_OK);
  folder.write("m.safetensors.index.json", R"({"weight_map":{"a":"s.safetensors"}})");
  EXPECT_EQ(tf_dict_size(load(path, content.get()).get()), 1u);
  // A format that does not exist is an error for an index as for any file.
  const auto source = made<tf_source>([&](tf_source **out) { return tf_source_from_path(out, path.c_str()); });
  tf_file *file = nullptr;
  EXPECT_EQ(tf_file_open_source(&file, source.get(), static_cast<tf_format>(99), nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(file, nullptr);
}

TEST_F(Sets, APartOfSafetensorsOpensItsIndex) {
  ASSERT_EQ(save("m", ".safetensors"), TF_STATUS_OK);
  const std::string second = folder.path("m-00002-of-00004.safetensors");
  const std::string index = folder.path("m.safetensors.index.json");
  EXPECT_EQ(tf_dict_size(load(second, nullptr).get()), 1u);
  EXPECT_EQ(tf_dict_size(load(second, parts.get()).get()), 5u);
  // Another index with the same files, as of a variant, is the same set; another with other files is not.
  std::filesystem::copy_file(index, folder.path("m.safetensors.index.fp16.json"));
  EXPECT_EQ(tf_dict_size(load(second, parts.get()).get()), 5u);
  folder.write("n.safetensors.index.json", R"({"weight_map":{"c":"m-00002-of-00004.safetensors"}})");
  expect_fails(second, TF_STATUS_INVALID_ARGUMENT,
               second +
                   ": is in several sets; open one of their indexes: 'm.safetensors.index.fp16.json', "
                   "'n.safetensors.index.json'",
               parts.get());
  // Without an index, the numbers in the names.
  for (const char *name : {"m.safetensors.index.json", "m.safetensors.index.fp16.json", "n.safetensors.index.json"})
    std::filesystem::remove(folder.path(name));
  EXPECT_EQ(tf_dict_size(load(second, parts.get()).get()), 5u);
  std::filesystem::remove(folder.path("m-00001-of-00004.safetensors"));
  expect_fails(second, TF_STATUS_NOT_FOUND, folder.path("m-00001-of-00004.safetensors") + ": no such file",
               parts.get());
}

TEST_F(Sets, AFolderIsTheSetInIt) {
  const std::string path = folder.path("");
  ASSERT_EQ(save("m", ".safetensors"), TF_STATUS_OK);
  folder.write("readme.txt", "no tensors");
  folder.write("pytorch_model.bin.index.json", R"({"weight_map":{"a":"pytorch_model-00001-of-00002.bin"}})");
  for (const std::string &named : {path, path.substr(0, path.size() - 1)}) {
    EXPECT_EQ(tf_dict_size(load(named, nullptr).get()), 5u);
    EXPECT_EQ(tf_dict_size(load(named, parts.get()).get()), 5u);
  }
  std::filesystem::remove(folder.path("m.safetensors.index.json"));
  EXPECT_EQ(tf_dict_size(load(path, nullptr).get()), 5u);
  ASSERT_EQ(save("g", ".gguf"), TF_STATUS_OK);
  const std::string chosen = "the folder has several sets of files; open a file of one of them with TF_OPTION_PARTS: ";
  expect_fails(path, TF_STATUS_INVALID_ARGUMENT,
               path + ": " + chosen + "'g-00001-of-00004.gguf', 'm-00001-of-00004.safetensors'");
  std::filesystem::remove(folder.path("m-00001-of-00004.safetensors"));
  EXPECT_EQ(tf_dict_size(load(path, nullptr).get()), 5u) << "the parts of m have no first one";
  std::filesystem::remove(folder.path("g-00001-of-00004.gguf"));
  expect_fails(path, TF_STATUS_IO,
               path +
                   ": expected a regular file, found a folder without a set of files: it has neither an index nor a "
                   "first part");
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
  ASSERT_EQ(tf_dict_set_array(metadata.get(), "general.alignment", SIZE_MAX, alignment.get()), TF_STATUS_OK);
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
