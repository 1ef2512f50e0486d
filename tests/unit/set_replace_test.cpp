// Saves over a set of files: either the whole new set replaces the old one, or nothing does.
#include <cstring>
#include <filesystem>
#include <map>

#include "support/handles.h"
#include "support/sets.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

using Names = std::vector<std::string>;

constexpr tf_format kFormats[] = {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};

// Cancels the save at call number `at`.
struct Canceller {
  int at = 0;
  int calls = 0;
  uint64_t done = 0;
  uint64_t total = 0;

  static tf_status report(void *user, uint64_t done, uint64_t total) {
    auto &self = *static_cast<Canceller *>(user);
    EXPECT_GE(done, self.done) << "progress goes back";
    EXPECT_TRUE(self.total == 0 || self.total == total) << "another total";
    self.done = done;
    self.total = total;
    return ++self.calls == self.at ? TF_STATUS_CANCELLED : TF_STATUS_OK;
  }
};

// One array of 40 bytes in each part.
Handle<tf_options> in_parts(std::initializer_list<std::pair<tf_option, int64_t>> more = {}) {
  auto options = options_with({{TF_OPTION_PART_BYTES, 50}, {TF_OPTION_THREADS, 1}});
  for (const auto &[option, value] : more)
    EXPECT_EQ(tf_options_set(options.get(), option, value), TF_STATUS_OK);
  return options;
}

tf_status write_weights(const std::string &path, tf_format format, float value, const tf_options *options) {
  const auto dict = weights_of(value);
  tf_writer *writer = nullptr;
  tf_status status = tf_writer_open(&writer, path.c_str(), format, options);
  for (int i = 0; i < 3 && status == TF_STATUS_OK; ++i) {
    const int64_t size = 10;
    status = tf_writer_declare(writer, ("w" + std::to_string(i)).c_str(), SIZE_MAX, TF_DTYPE_FLOAT32, &size, 1);
  }
  for (int i = 0; i < 3 && status == TF_STATUS_OK; ++i) {
    const auto array = array_of(dict.get(), "w" + std::to_string(i));
    status = tf_writer_write(writer, tf_array_data(array.get()), tf_array_nbytes(array.get()));
  }
  if (status == TF_STATUS_OK) status = tf_writer_finish(writer);
  tf_writer_release(writer);
  return status;
}

TEST(SetReplacement, ACancelledSaveLeavesTheOldSet) {
  const TempFolder folder;
  const std::string path = folder.path("m");
  const auto options = in_parts();
  ASSERT_EQ(save_weights_of(path, TF_FORMAT_SAFETENSORS, 1, options.get()), TF_STATUS_OK);
  Canceller canceller{2};
  ASSERT_EQ(tf_options_set_progress(options.get(), Canceller::report, nullptr, &canceller), TF_STATUS_OK);
  ASSERT_EQ(save_weights_of(path, TF_FORMAT_SAFETENSORS, 2, options.get()), TF_STATUS_CANCELLED);
  const LoadedWeights found = load_weights_of(path + ".safetensors.index.json");
  EXPECT_TRUE(found.all_are(1)) << found.message;
}

TEST(SetReplacement, CancelledAtAnyCallOfTheProgressItLeavesTheOldSet) {
  for (const tf_format format : kFormats) {
    for (const bool written : {false, true}) {
      const TempFolder folder;
      const std::string path = folder.path("m");
      ASSERT_EQ(save_weights_of(path, format, 1, in_parts().get()), TF_STATUS_OK);
      const Names names = folder.names();
      tf_status status = TF_STATUS_CANCELLED;
      for (int at = 1; status == TF_STATUS_CANCELLED; ++at) {
        ASSERT_LT(at, 100);
        Canceller canceller{at};
        const auto options = in_parts();
        ASSERT_EQ(tf_options_set_progress(options.get(), Canceller::report, nullptr, &canceller), TF_STATUS_OK);
        status =
            written ? write_weights(path, format, 2, options.get()) : save_weights_of(path, format, 2, options.get());
        EXPECT_EQ(folder.names(), names);
        EXPECT_TRUE(load_weights_of(entry_of(path, format, 3)).all_are(status == TF_STATUS_OK ? 2 : 1)) << at;
        EXPECT_TRUE(expect_no_mixture(folder, "m", format));
        EXPECT_EQ(canceller.total, 120u) << "the whole set is counted once";
        if (status == TF_STATUS_OK) {
          EXPECT_EQ(canceller.done, 120u);
        }
        if (status == TF_STATUS_OK) {
          EXPECT_GE(canceller.calls, 3);
        }
      }
      EXPECT_EQ(status, TF_STATUS_OK);
    }
  }
}

// A save in place cannot keep the old set, but it never leaves a mixture that loads.
TEST(SetReplacement, CancelledInPlaceItDoesNotLoad) {
  for (const tf_format format : kFormats) {
    const TempFolder folder;
    const std::string path = folder.path("m");
    ASSERT_EQ(save_weights_of(path, format, 1, in_parts().get()), TF_STATUS_OK);
    const std::string part = "m-00002-of-00003" + std::string(extension_of(format));
    std::filesystem::create_hard_link(folder.path(part), folder.path("other"));
    for (const int at : {1, 2, 3, 0}) {
      Canceller canceller{at};
      const auto options = in_parts({{TF_OPTION_ATOMIC, 0}});
      ASSERT_EQ(tf_options_set_progress(options.get(), Canceller::report, nullptr, &canceller), TF_STATUS_OK);
      const tf_status status = save_weights_of(path, format, 2, options.get());
      EXPECT_EQ(status, at == 0 ? TF_STATUS_OK : TF_STATUS_CANCELLED);
      const LoadedWeights found = load_weights_of(entry_of(path, format, 3));
      if (at == 0) {
        EXPECT_TRUE(found.all_are(2)) << found.message;
      } else {
        // The last call comes when every byte of the new set has been written.
        EXPECT_TRUE(found.status != TF_STATUS_OK || (at == 3 && found.all_are(2)));
      }
    }
    EXPECT_EQ(folder.read("other"), folder.read(part)) << "written in place, a file stays the same file";
  }
}

TEST(SetReplacement, PartsOfAnOlderSetAreRemoved) {
  for (const tf_format format : kFormats) {
    for (const int64_t atomic : {1, 0}) {
      const TempFolder folder;
      const std::string path = folder.path("m");
      const std::string extension = extension_of(format);
      const auto options = in_parts({{TF_OPTION_ATOMIC, atomic}});
      ASSERT_EQ(save_weights_of(path, format, 1, options.get(), 4), TF_STATUS_OK);
      // Neither index nor split.count lists these.
      folder.write("m-00009-of-00009" + extension, "mine");
      folder.write("m-00005-of-00004" + extension, "mine");
      folder.write("mm-00001-of-00004" + extension, "mine");
      ASSERT_EQ(save_weights_of(path, format, 2, options.get(), 2), TF_STATUS_OK) << tf_error_message();
      Names expected = {"m-00001-of-00002" + extension, "m-00002-of-00002" + extension, "m-00005-of-00004" + extension,
                        "m-00009-of-00009" + extension};
      if (format == TF_FORMAT_SAFETENSORS) expected.push_back("m.safetensors.index.json");
      expected.push_back("mm-00001-of-00004" + extension);
      EXPECT_EQ(folder.names(), expected);
      EXPECT_TRUE(load_weights_of(entry_of(path, format, 2)).all_are(2));
    }
  }
}

TEST(SetReplacement, ASingleFileAndASetReplaceEachOther) {
  for (const tf_format format : kFormats) {
    const TempFolder folder;
    const std::string path = folder.path("m");
    const std::string extension = extension_of(format);
    ASSERT_EQ(save_weights_of(path, format, 1, nullptr), TF_STATUS_OK);
    ASSERT_EQ(save_weights_of(path, format, 2, in_parts().get()), TF_STATUS_OK);
    EXPECT_FALSE(std::filesystem::exists(path + extension)) << "it would load as the old arrays";
    EXPECT_TRUE(load_weights_of(entry_of(path, format, 3)).all_are(2));
    // With a larger limit, the set fits in one file.
    ASSERT_EQ(save_weights_of(path, format, 3, options_with({{TF_OPTION_PART_BYTES, 1000}}).get()), TF_STATUS_OK);
    EXPECT_EQ(folder.names(), Names{"m" + extension});
    EXPECT_TRUE(load_weights_of(path + extension).all_are(3));
  }
}

// A save without TF_OPTION_PART_BYTES writes one file and touches no other.
TEST(SetReplacement, WithoutPartsOnlyOneFileIsTouched) {
  for (const tf_format format : kFormats) {
    const TempFolder folder;
    const std::string path = folder.path("m");
    ASSERT_EQ(save_weights_of(path, format, 1, in_parts().get()), TF_STATUS_OK);
    const size_t before = folder.names().size();
    ASSERT_EQ(save_weights_of(path, format, 2, nullptr), TF_STATUS_OK);
    EXPECT_EQ(folder.names().size(), before + 1);
    EXPECT_TRUE(load_weights_of(entry_of(path, format, 3)).all_are(1));
  }
}

TEST(SetReplacement, OnlyRegularFilesAreRemoved) {
  const TempFolder folder;
  const TempFolder elsewhere;
  const std::string path = folder.path("m");
  const std::string target = elsewhere.write("kept", "kept");
  std::filesystem::create_symlink(target, folder.path("link.safetensors"));
  std::filesystem::create_directory(folder.path("folder.safetensors"));
  folder.write("file.safetensors", "old");
  folder.write("tokenizer.json", "{}");
  folder.write(
      "m.safetensors.index.json",
      R"({"weight_map":{"x":"tokenizer.json","a":"link.safetensors","b":"folder.safetensors","c":"file.safetensors",)"
      R"("d":"none.safetensors","e":"m-00001-of-00002.safetensors"}})");
  ASSERT_EQ(save_weights_of(path, TF_FORMAT_SAFETENSORS, 1, in_parts().get(), 2), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.names(), (Names{"folder.safetensors", "link.safetensors", "m-00001-of-00002.safetensors",
                                   "m-00002-of-00002.safetensors", "m.safetensors.index.json", "tokenizer.json"}));
  EXPECT_EQ(elsewhere.read("kept"), "kept");
  EXPECT_TRUE(load_weights_of(entry_of(path, TF_FORMAT_SAFETENSORS, 2)).all_are(1));
}

TEST(SetReplacement, OnlyRegularPartsOfASplitAreRemoved) {
  const TempFolder folder;
  const TempFolder elsewhere;
  const std::string path = folder.path("m");
  ASSERT_EQ(save_weights_of(path, TF_FORMAT_GGUF, 1, in_parts().get(), 5), TF_STATUS_OK) << tf_error_message();
  const std::string target = elsewhere.write("kept", "kept");
  for (const char *name : {"m-00002-of-00005.gguf", "m-00003-of-00005.gguf", "m-00004-of-00005.gguf"})
    std::filesystem::remove(folder.path(name));
  std::filesystem::create_symlink(target, folder.path("m-00002-of-00005.gguf"));
  std::filesystem::create_directory(folder.path("m-00003-of-00005.gguf"));
  // A first part that is a link, or a folder, makes no set whose parts are removed.
  ASSERT_EQ(save_weights_of(elsewhere.path("m"), TF_FORMAT_GGUF, 1, in_parts().get(), 3), TF_STATUS_OK);
  std::filesystem::create_symlink(elsewhere.path("m-00001-of-00003.gguf"), folder.path("m-00001-of-00003.gguf"));
  folder.write("m-00002-of-00003.gguf", "mine");
  std::filesystem::create_directory(folder.path("m-00001-of-00004.gguf"));
  ASSERT_EQ(save_weights_of(path, TF_FORMAT_GGUF, 2, in_parts().get(), 2), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.names(),
            (Names{"m-00001-of-00002.gguf", "m-00001-of-00003.gguf", "m-00001-of-00004.gguf", "m-00002-of-00002.gguf",
                   "m-00002-of-00003.gguf", "m-00002-of-00005.gguf", "m-00003-of-00005.gguf"}));
  EXPECT_EQ(elsewhere.read("kept"), "kept");
  EXPECT_EQ(elsewhere.names().size(), 4u);
  EXPECT_TRUE(load_weights_of(entry_of(path, TF_FORMAT_GGUF, 2)).all_are(2));
}

TEST(SetReplacement, AnOldIndexOrPartThatIsDamagedListsNothing) {
  const TempFolder folder;
  const std::string path = folder.path("m");
  folder.write("other.safetensors", "other");
  folder.write("m.safetensors.index.json", R"({"weight_map":{"a":"../x","b":"other.safetensors"}})");
  ASSERT_EQ(tf_error_set(TF_STATUS_CANCELLED, "before", SIZE_MAX), TF_STATUS_CANCELLED);
  ASSERT_EQ(save_weights_of(path, TF_FORMAT_SAFETENSORS, 1, in_parts().get(), 2), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.read("other.safetensors"), "other");
  EXPECT_EQ(tf_error_status(), TF_STATUS_CANCELLED) << "a save that succeeds changed the error record";
  EXPECT_TRUE(load_weights_of(entry_of(path, TF_FORMAT_SAFETENSORS, 2)).all_are(1));

  folder.write("m-00001-of-00007.gguf", "no gguf");
  folder.write("m-00002-of-00007.gguf", "no gguf");
  // The metadata of this part contradicts its name.
  ASSERT_EQ(save_weights_of(folder.path("n"), TF_FORMAT_GGUF, 1, in_parts().get(), 2), TF_STATUS_OK);
  std::filesystem::copy_file(folder.path("n-00001-of-00002.gguf"), folder.path("m-00001-of-00008.gguf"));
  ASSERT_EQ(save_weights_of(path, TF_FORMAT_GGUF, 1, in_parts().get(), 2), TF_STATUS_OK) << tf_error_message();
  for (const char *name : {"m-00001-of-00007.gguf", "m-00002-of-00007.gguf", "m-00001-of-00008.gguf"})
    EXPECT_TRUE(std::filesystem::exists(folder.path(name))) << name;
}

TEST(SetReplacement, FilesThatAreLinksAreReplacedWhereTheyLead) {
  for (const tf_format format : kFormats) {
    const TempFolder folder;
    std::filesystem::create_directory(folder.path("blobs"));
    std::filesystem::create_directory(folder.path("set"));
    const std::string path = folder.path("set/m");
    ASSERT_EQ(save_weights_of(path, format, 1, in_parts().get()), TF_STATUS_OK);
    for (const auto &file : std::filesystem::directory_iterator(folder.path("set"))) {
      const auto blob = std::filesystem::path(folder.path("blobs")) / file.path().filename();
      std::filesystem::rename(file.path(), blob);
      std::filesystem::create_symlink("../blobs" / blob.filename(), file.path());
    }
    const auto durable = in_parts({{TF_OPTION_DURABLE, 1}});
    ASSERT_EQ(save_weights_of(path, format, 2, durable.get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_TRUE(load_weights_of(entry_of(path, format, 3)).all_are(2));
    for (const auto &file : std::filesystem::directory_iterator(folder.path("set")))
      EXPECT_TRUE(std::filesystem::is_symlink(file.path())) << file.path();
  }
}

TEST(SetReplacement, RemovesNothingOutsideOfTheFolder) {
  const TempFolder folder;
  const auto one = weights_of(1, 1);
  std::filesystem::create_directories(folder.path("set/deep"));
  std::filesystem::create_directory(folder.path("outside"));
  std::filesystem::create_directory_symlink("../outside", folder.path("set/sub"));
  for (const char *name : {"set/old", "set/older", "set/deep/y", "outside/x"})
    ASSERT_EQ(tf_save_safetensors(folder.path(name).c_str(), one.get(), nullptr, nullptr), TF_STATUS_OK);
  folder.write("set/m.safetensors.index.json", R"({"weight_map":{"a":"old.safetensors","b":"./older.safetensors",
               "c":"sub/x.safetensors","d":"deep/y.safetensors"}})");
  ASSERT_EQ(save_weights_of(folder.path("set/m"), TF_FORMAT_SAFETENSORS, 2, in_parts().get()), TF_STATUS_OK)
      << tf_error_message();
  EXPECT_TRUE(load_weights_of(folder.path("set")).all_are(2));
  EXPECT_FALSE(std::filesystem::exists(folder.path("set/old.safetensors")));
  EXPECT_FALSE(std::filesystem::exists(folder.path("set/older.safetensors")));
  EXPECT_TRUE(std::filesystem::exists(folder.path("outside/x.safetensors")));
  EXPECT_TRUE(std::filesystem::exists(folder.path("set/deep/y.safetensors")));
}

TEST(SetReplacement, ATargetThatCannotBeReplacedIsFoundFirst) {
  for (const tf_format format : kFormats) {
    for (const int64_t atomic : {1, 0}) {
      const TempFolder folder;
      const std::string path = folder.path("m");
      ASSERT_EQ(save_weights_of(path, format, 1, in_parts().get(), 2), TF_STATUS_OK);
      const std::string third = folder.path("m-00003-of-00003" + std::string(extension_of(format)));
      std::filesystem::create_directory(third);
      const Names names = folder.names();
      ASSERT_EQ(save_weights_of(path, format, 2, in_parts({{TF_OPTION_ATOMIC, atomic}}).get()), TF_STATUS_IO);
      EXPECT_EQ(tf_error_message(), third + ": expected a regular file, found a folder");
      EXPECT_EQ(folder.names(), names);
      EXPECT_TRUE(load_weights_of(entry_of(path, format, 2)).all_are(1));
    }
  }
}

class MappedTargets : public ::testing::Test {
 protected:
  // Three arrays of 40 bytes. Only elements of one byte can be mapped on machines of both byte orders.
  static Handle<tf_dict> bytes_of(int value) {
    const int64_t size = 40;
    const auto array = made<tf_array>([&](tf_array **out) { return tf_array_new(out, TF_DTYPE_INT8, &size, 1); });
    void *data = nullptr;
    EXPECT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_OK);
    memset(data, value, 40);
    return dict_of({{"w0", array.get()}, {"w1", array.get()}, {"w2", array.get()}});
  }
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> files;
    for (const std::string &name : folder.names())
      files[name] = TempFolder::read_whole(folder.path(name));
    return files;
  }
  Handle<tf_dict> map(const std::string &path) {
    const auto options = options_with({{TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP}, {TF_OPTION_PARTS, 1}});
    return made<tf_dict>([&](tf_dict **out) { return tf_load(nullptr, out, nullptr, path.c_str(), options.get()); });
  }
  tf_status save(const std::string &path, tf_format format, const tf_dict *arrays, const tf_options *options) {
    return format == TF_FORMAT_GGUF ? tf_save_gguf(path.c_str(), arrays, nullptr, options)
                                    : tf_save_safetensors(path.c_str(), arrays, nullptr, options);
  }

  TempFolder folder;
  Handle<tf_options> in_place = options_with({{TF_OPTION_ATOMIC, 0}, {TF_OPTION_EXACT_PATH, 1}});
};

TEST_F(MappedTargets, AreNotOverwrittenInPlace) {
  for (const tf_format format : kFormats) {
    const std::string path = folder.path("a" + std::string(extension_of(format)));
    ASSERT_EQ(save(path, format, bytes_of(1).get(), nullptr), TF_STATUS_OK);
    const auto mapped = map(path);
    const std::string before = TempFolder::read_whole(path);
    std::filesystem::create_hard_link(path, path + ".hard");
    std::filesystem::create_symlink(path, path + ".soft");
    for (const char *name : {"", ".hard", ".soft"}) {
      EXPECT_EQ(save(path + name, format, mapped.get(), in_place.get()), TF_STATUS_INVALID_ARGUMENT) << name;
      EXPECT_EQ(tf_error_message(), path + name +
                                        ": array 'w0': is mapped from this file, which TF_OPTION_ATOMIC 0 would "
                                        "overwrite; leave that option 1, or load without TF_LOAD_MODE_MAP");
      EXPECT_STREQ(tf_error_name(), "w0");
    }
    EXPECT_EQ(TempFolder::read_whole(path), before);
    // A view of a mapped array has the same bytes.
    const auto whole = array_of(mapped.get(), "w1");
    const auto view = made<tf_array>([&](tf_array **out) {
      const int64_t start = 2;
      return tf_array_slice(out, whole.get(), &start, nullptr, nullptr, 1);
    });
    const auto views = dict_of({{"view", view.get()}});
    EXPECT_EQ(save(path, format, views.get(), in_place.get()), TF_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(TempFolder::read_whole(path), before);
    // Saving another file in place is allowed, and so is replacing this one.
    EXPECT_EQ(save(path + ".copy", format, mapped.get(), in_place.get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(save(path, format, mapped.get(), nullptr), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(TempFolder::read_whole(path), before);
  }
}

TEST_F(MappedTargets, AreNotOverwrittenInPlaceAsAnyPartOfASet) {
  for (const tf_format format : kFormats) {
    const std::string path = folder.path("m");
    ASSERT_EQ(save(path, format, bytes_of(1).get(), in_parts().get()), TF_STATUS_OK);
    const auto before = contents();
    const auto mapped = map(entry_of(path, format, 3));
    for (const char *name : {"w0", "w1", "w2"}) {
      const auto array = array_of(mapped.get(), name);
      auto changed = bytes_of(2);
      ASSERT_EQ(tf_dict_set_array(changed.get(), "w2", SIZE_MAX, array.get()), TF_STATUS_OK);
      EXPECT_EQ(save(path, format, changed.get(), in_parts({{TF_OPTION_ATOMIC, 0}}).get()), TF_STATUS_INVALID_ARGUMENT);
      EXPECT_STREQ(tf_error_name(), "w2");
    }
    EXPECT_EQ(contents(), before);
    EXPECT_EQ(save(path, format, mapped.get(), in_parts().get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(contents(), before);
  }
}

// With an open file for each part, a large set would exceed the limit of a process.
TEST(SetReplacement, NeedsFewDescriptorsHoweverManyPartsThereAre) {
  const TempFolder folder;
  const size_t before = open_descriptors();
  struct Seen {
    size_t most = 0;
    static tf_status report(void *user, uint64_t, uint64_t) {
      auto &self = *static_cast<Seen *>(user);
      self.most = std::max(self.most, open_descriptors());
      return TF_STATUS_OK;
    }
  } seen;
  const auto options = in_parts();
  ASSERT_EQ(tf_options_set_progress(options.get(), Seen::report, nullptr, &seen), TF_STATUS_OK);
  ASSERT_EQ(save_weights_of(folder.path("m"), TF_FORMAT_SAFETENSORS, 1, options.get(), 50), TF_STATUS_OK);
  EXPECT_LE(seen.most, before + 3) << "the folder, a file, and the folder that this test lists";
  EXPECT_EQ(folder.names().size(), 51u);
}

}  // namespace
}  // namespace tfile::testing
