// Names, hints and resolvers of sources: sets of files that are not in a folder.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>

#include "support/counted_source.h"
#include "support/expect_error.h"
#include "support/memory.h"
#include "support/sets.h"

namespace tfile::testing {
namespace {

// Files in memory, such as the objects of a store.
struct Store {
  std::map<std::string, std::string> files;
  std::vector<std::string> asked;  // names that the library wanted
  tf_status failure = TF_STATUS_NOT_FOUND;
  int released = 0;
  const char *name = nullptr;  // for resolved sources; NULL: none

  static tf_status resolve(void *user, const char *name, tf_source **out) {
    auto &self = *static_cast<Store *>(user);
    self.asked.emplace_back(name);
    const auto found = self.files.find(name);
    if (found == self.files.end()) return self.failure;
    EXPECT_EQ(tf_source_from_memory(out, found->second.data(), found->second.size(), nullptr, nullptr), TF_STATUS_OK);
    return self.name == nullptr ? TF_STATUS_OK : tf_source_set_name(*out, self.name, SIZE_MAX);
  }
  static void release(void *user) { ++static_cast<Store *>(user)->released; }

  Handle<tf_source> source(const std::string &file, const std::string &name) {
    const std::string &bytes = files.at(file);
    auto made_source = made<tf_source>(
        [&](tf_source **out) { return tf_source_from_memory(out, bytes.data(), bytes.size(), nullptr, nullptr); });
    EXPECT_EQ(tf_source_set_name(made_source.get(), name.data(), name.size()), TF_STATUS_OK);
    EXPECT_EQ(tf_source_set_resolver(made_source.get(), resolve, release, this), TF_STATUS_OK);
    return made_source;
  }
  // Takes the files of a folder.
  explicit Store(const TempFolder &folder) {
    for (const std::string &file : folder.names())
      files[file] = folder.read(file);
  }
};

class SourceSets : public ::testing::Test {
 protected:
  // Saves the five arrays as a set of five parts, and takes the files.
  Store store_of(tf_format format) {
    const auto options = options_with({{TF_OPTION_PART_BYTES, 40}});
    const auto save = format == TF_FORMAT_GGUF ? tf_save_gguf : tf_save_safetensors;
    EXPECT_EQ(save(folder_.path("w").c_str(), arrays_.get(), nullptr, options.get()), TF_STATUS_OK);
    return Store(folder_);
  }
  void expect_all(const Handle<tf_source> &source, const tf_options *options, tf_format format = TF_FORMAT_AUTO) {
    tf_dict *raw = nullptr;
    ASSERT_EQ(tf_load_source(nullptr, &raw, nullptr, source.get(), format, options), TF_STATUS_OK)
        << tf_error_message();
    const Handle<tf_dict> loaded(raw);
    ASSERT_EQ(tf_dict_size(raw), tf_dict_size(arrays_.get()));
    for (const char *name : {"a", "b", "c"})
      EXPECT_TRUE(same(array_of(raw, name).get(), array_of(arrays_.get(), name).get())) << name;
  }
  tf_status open(const Handle<tf_source> &source, const tf_options *options = nullptr) {
    tf_file *file = nullptr;
    const tf_status status = tf_file_open_source(&file, source.get(), TF_FORMAT_AUTO, options);
    tf_file_release(file);
    return status;
  }

  TempFolder folder_;
  Handle<tf_dict> arrays_ = dict_of({{"a", random_array(TF_DTYPE_FLOAT32, {10}, 1).get()},
                                     {"b", random_array(TF_DTYPE_FLOAT32, {10}, 2).get()},
                                     {"c", random_array(TF_DTYPE_FLOAT32, {10}, 3).get()}});
  Handle<tf_options> parts_ = options_with({{TF_OPTION_PARTS, 1}});
};

TEST_F(SourceSets, AnIndexOpensItsShards) {
  Store store = store_of(TF_FORMAT_SAFETENSORS);
  {
    const auto index = store.source("w.safetensors.index.json", "bucket/w.safetensors.index.json");
    expect_all(index, nullptr);
    EXPECT_EQ(store.asked, (std::vector<std::string>{"w-00001-of-00003.safetensors", "w-00002-of-00003.safetensors",
                                                     "w-00003-of-00003.safetensors"}));
    expect_all(index, nullptr, TF_FORMAT_SAFETENSORS);
    const auto file =
        made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, index.get(), TF_FORMAT_AUTO, nullptr); });
    const char *path = nullptr;
    ASSERT_EQ(tf_file_location(&path, nullptr, nullptr, nullptr, file.get(), 0), TF_STATUS_OK);
    EXPECT_STREQ(path, "bucket/w-00001-of-00003.safetensors");
    EXPECT_EQ(store.released, 0);
  }
  EXPECT_EQ(store.released, 1);
}

TEST_F(SourceSets, AResolvedSourceKeepsItsName) {
  Store store = store_of(TF_FORMAT_SAFETENSORS);
  store.name = "https://host/shard";
  const auto index = store.source("w.safetensors.index.json", "w.safetensors.index.json");
  const auto file =
      made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, index.get(), TF_FORMAT_AUTO, nullptr); });
  const char *path = nullptr;
  ASSERT_EQ(tf_file_location(&path, nullptr, nullptr, nullptr, file.get(), 0), TF_STATUS_OK);
  EXPECT_STREQ(path, "https://host/shard");
}

TEST_F(SourceSets, AnyPartOpensTheSet) {
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    Store store = store_of(format);
    const std::string part = std::string("w-00002-of-00003") + extension_of(format);
    expect_all(store.source(part, "models/" + part), parts_.get());
    // Without the index, the parts are found by their numbers.
    store.files.erase("w.safetensors.index.json");
    expect_all(store.source(part, part), parts_.get());
    // By itself, a part says that there are others.
    const auto source = store.source(part, part);
    const auto file =
        made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, source.get(), TF_FORMAT_AUTO, nullptr); });
    EXPECT_EQ(tf_file_count(file.get()), 1u);
    EXPECT_EQ(tf_file_note_count(file.get()), 1u);
  }
}

TEST_F(SourceSets, OfASourceWithAPathAreInItsFolder) {
  store_of(TF_FORMAT_SAFETENSORS);
  const std::string path = folder_.path("w.safetensors.index.json");
  const auto index = made<tf_source>([&](tf_source **out) { return tf_source_from_path(out, path.c_str()); });
  expect_all(index, nullptr);
  const auto part = made<tf_source>(
      [&](tf_source **out) { return tf_source_from_path(out, folder_.path("w-00001-of-00003.safetensors").c_str()); });
  expect_all(part, parts_.get());
}

TEST_F(SourceSets, WeightsAreLoadedFromThem) {
  Store store = store_of(TF_FORMAT_GGUF);
  const auto source = store.source("w-00001-of-00003.gguf", "w-00001-of-00003.gguf");
  tf_dict *raw = nullptr;
  ASSERT_EQ(tf_load_weights_source(&raw, source.get(), TF_FORMAT_AUTO, arrays_.get(), parts_.get()), TF_STATUS_OK)
      << tf_error_message();
  const Handle<tf_dict> tree(raw);
  EXPECT_TRUE(same(array_of(raw, "b").get(), array_of(arrays_.get(), "b").get()));
  EXPECT_EQ(tf_load_weights_source(&raw, source.get(), TF_FORMAT_AUTO, arrays_.get(), nullptr), TF_STATUS_MISMATCH);
  expect_error("w-00001-of-00003.gguf: the weights are not the expected ones: 2 missing ('b', 'c')", kNoOffset, "b");
  EXPECT_EQ(tf_load_weights_source(nullptr, source.get(), TF_FORMAT_AUTO, nullptr, nullptr),
            TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_load_weights_source(&raw, nullptr, TF_FORMAT_AUTO, nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("source is NULL");
}

TEST_F(SourceSets, FailuresOfTheResolverAreReported) {
  Store store = store_of(TF_FORMAT_SAFETENSORS);
  store.files.erase("w-00002-of-00003.safetensors");
  const auto index = store.source("w.safetensors.index.json", "a/w.safetensors.index.json");
  EXPECT_EQ(open(index), TF_STATUS_NOT_FOUND);
  expect_error("a/w-00002-of-00003.safetensors: the resolver of the source returned not_found");
  store.failure = TF_STATUS_IO;
  EXPECT_EQ(open(index), TF_STATUS_IO);
  store.failure = TF_STATUS_OK;
  EXPECT_EQ(open(index), TF_STATUS_INVALID_ARGUMENT);
  expect_error("a/w-00002-of-00003.safetensors: the resolver of the source returned no source");
  // If looking for the index fails, the load fails too: the set is not treated as one without an index.
  store.failure = TF_STATUS_IO;
  store.files.erase("w.safetensors.index.json");
  const auto part = store.source("w-00001-of-00003.safetensors", "w-00001-of-00003.safetensors");
  EXPECT_EQ(open(part, parts_.get()), TF_STATUS_IO);
  expect_error("w.safetensors.index.json: the resolver of the source returned io");
}

TEST_F(SourceSets, NamesThatLeadOutOfTheFolderAreNotResolved) {
  Store store = store_of(TF_FORMAT_SAFETENSORS);
  for (const char *name : {"../w.safetensors", "/w.safetensors", "a/../../w.safetensors", "C:w", "a\\\\w"}) {
    store.files["evil.safetensors.index.json"] = std::string(R"({"weight_map": {"a": ")") + name + "\"}}";
    const auto index = store.source("evil.safetensors.index.json", "evil.safetensors.index.json");
    EXPECT_EQ(open(index), TF_STATUS_CORRUPT) << name;
  }
  EXPECT_TRUE(store.asked.empty());
}

TEST_F(SourceSets, WithoutAResolverAnIndexHasNoFiles) {
  Store store = store_of(TF_FORMAT_SAFETENSORS);
  const auto index = store.source("w.safetensors.index.json", "w.safetensors.index.json");
  ASSERT_EQ(tf_source_set_resolver(index.get(), nullptr, nullptr, nullptr), TF_STATUS_OK);
  EXPECT_EQ(store.released, 1);
  EXPECT_EQ(open(index), TF_STATUS_INVALID_ARGUMENT);
  expect_error(
      "w.safetensors.index.json: is one file of a set, and the source has no resolver that finds the others: "
      "tf_source_set_resolver()");
  // A part is opened by itself.
  const auto part = store.source("w-00001-of-00003.safetensors", "w-00001-of-00003.safetensors");
  ASSERT_EQ(tf_source_set_resolver(part.get(), nullptr, nullptr, nullptr), TF_STATUS_OK);
  EXPECT_EQ(open(part, parts_.get()), TF_STATUS_OK);
}

TEST_F(SourceSets, EveryAllocationMayFail) {
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    Store store = store_of(format);
    const std::string part = std::string("w-00001-of-00003") + extension_of(format);
    fail_each_allocation([&](TestMemory &memory) {
      auto options = options_with({{TF_OPTION_PARTS, 1}, {TF_OPTION_THREADS, 1}});
      EXPECT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
                TF_STATUS_OK);
      return Status{open(store.source(part, part), options.get())};
    });
  }
}

TEST(SourceNames, ChooseTheFormatAndBeginMessages) {
  const auto w = random_array(TF_DTYPE_INT8, {4}, 1);
  std::string bytes = contents(made<tf_buffer>([&](tf_buffer **out) {
                                 return tf_save_memory(out, TF_FORMAT_NPY, w.get(), nullptr, nullptr, nullptr);
                               }).get());
  const auto source = made<tf_source>(
      [&](tf_source **out) { return tf_source_from_memory(out, bytes.data(), bytes.size(), nullptr, nullptr); });
  ASSERT_EQ(tf_source_set_name(source.get(), "x.gguf and more", 6), TF_STATUS_OK);
  tf_file *file = nullptr;
  EXPECT_EQ(tf_file_open_source(&file, source.get(), TF_FORMAT_AUTO, nullptr), TF_STATUS_FORMAT);
  expect_error("x.gguf: is not gguf; it seems to be npy, and TF_FORMAT_BY_CONTENT reads it as that (byte 0)", 0);
  ASSERT_EQ(tf_source_set_name(source.get(), nullptr, 0), TF_STATUS_OK);
  ASSERT_EQ(tf_file_open_source(&file, source.get(), TF_FORMAT_AUTO, nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_source_set_name(source.get(), "late", SIZE_MAX), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the source is in use: only its creator may have a reference to it");
  EXPECT_EQ(tf_source_set_hints(source.get(), 0, 0, 0), TF_STATUS_INVALID_ARGUMENT);
  int released = 0;
  const auto release = [](void *user) { ++*static_cast<int *>(user); };
  EXPECT_EQ(tf_source_set_resolver(source.get(), Store::resolve, release, &released), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(released, 1);
  tf_file_release(file);
  EXPECT_EQ(tf_source_set_name(nullptr, "x", 1), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_source_set_name(source.get(), nullptr, 1), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_source_set_hints(nullptr, 0, 0, 0), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_source_set_resolver(nullptr, Store::resolve, release, &released), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(released, 2);
}

class SourceHints : public ::testing::Test {
 protected:
  // Reads arrays or rows of the file, and returns the sizes of the reads.
  std::vector<uint64_t> reads_of(const std::vector<size_t> &arrays, uint64_t gap, uint64_t piece) {
    const auto source = counted_.source();
    EXPECT_EQ(tf_source_set_hints(source.get(), gap, piece, 0), TF_STATUS_OK);
    const auto file =
        made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, source.get(), TF_FORMAT_AUTO, nullptr); });
    counted_.reads.clear();
    const auto plan = made<tf_read_plan>([&](tf_read_plan **out) { return tf_read_plan_new(out, file.get()); });
    std::vector<std::vector<char>> memory;
    for (const size_t index : arrays) {
      memory.emplace_back(tf_file_nbytes(file.get(), index));
      EXPECT_EQ(tf_read_plan_add(plan.get(), index, nullptr, nullptr, nullptr, 0, TF_DTYPE_AS_STORED,
                                 memory.back().data(), nullptr, memory.back().size()),
                TF_STATUS_OK);
    }
    EXPECT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK) << tf_error_message();
    std::sort(counted_.reads.begin(), counted_.reads.end());
    return counted_.reads;
  }
  static std::string saved(const tf_dict *arrays) {
    return contents(made<tf_buffer>([&](tf_buffer **out) {
                      return tf_save_memory(out, TF_FORMAT_SAFETENSORS, nullptr, arrays, nullptr, nullptr);
                    }).get());
  }
  using Sizes = std::vector<uint64_t>;

  CountedSource counted_;
};

TEST_F(SourceHints, SayWhichGapsToRead) {
  const auto far = random_array(TF_DTYPE_INT8, {102400}, 1);
  const auto small = random_array(TF_DTYPE_INT8, {6400}, 2);
  counted_.bytes = saved(dict_of({{"a", small.get()}, {"b", far.get()}, {"c", small.get()}}).get());
  EXPECT_EQ(reads_of({0, 2}, UINT64_MAX, 0), (Sizes{6400, 6400}));
  EXPECT_EQ(reads_of({0, 2}, 1 << 20, 0), (Sizes{6400 + 102400 + 6400}));
  EXPECT_EQ(reads_of({0, 2}, 102399, 0), (Sizes{6400, 6400}));
  EXPECT_EQ(reads_of({0, 1, 2}, 0, 0), (Sizes{6400 + 102400 + 6400}));
}

TEST_F(SourceHints, SayHowMuchToReadAtOnce) {
  const auto large = random_array(TF_DTYPE_INT8, {12 << 20}, 1);
  const auto middle = random_array(TF_DTYPE_INT8, {1 << 20}, 2);
  counted_.bytes = saved(dict_of({{"a", middle.get()}, {"b", middle.get()}, {"c", large.get()}}).get());
  EXPECT_EQ(reads_of({2}, 0, 5 << 20), (Sizes{2 << 20, 5 << 20, 5 << 20}));
  EXPECT_EQ(reads_of({0, 1}, 0, 5 << 20), (Sizes{2 << 20}));
  EXPECT_EQ(reads_of({0, 1}, 0, 0), (Sizes{1 << 20, 1 << 20}));
}

// A column slice of rows that are 100 KB apart.
TEST_F(SourceHints, ApplyToSlices) {
  const auto w = random_array(TF_DTYPE_INT8, {50, 100000}, 1);
  counted_.bytes = saved(dict_of({{"w", w.get()}}).get());
  const int64_t start[] = {0, 0};
  const int64_t stop[] = {50, 1000};
  std::vector<char> column(50000);
  for (const bool bridged : {false, true}) {
    const auto source = counted_.source();
    ASSERT_EQ(tf_source_set_hints(source.get(), bridged ? 1 << 20 : UINT64_MAX, bridged ? 8 << 20 : 0, 0),
              TF_STATUS_OK);
    const auto file =
        made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, source.get(), TF_FORMAT_AUTO, nullptr); });
    counted_.reads.clear();
    ASSERT_EQ(tf_file_read_slice_into(file.get(), 0, start, stop, nullptr, 2, TF_DTYPE_AS_STORED, column.data(),
                                      column.size()),
              TF_STATUS_OK);
    EXPECT_EQ(counted_.reads, bridged ? Sizes{4901000} : Sizes(50, 1000));
    EXPECT_EQ(memcmp(column.data() + 49000, static_cast<const char *>(tf_array_data(w.get())) + 4900000, 1000), 0);
  }
}

// A source in which each read waits until as many others have begun as there should be, or a second has passed.
struct Waiting {
  std::string bytes;
  size_t expected;
  std::mutex mutex = {};
  std::condition_variable changed = {};
  size_t now = 0;
  size_t most = 0;
  bool waits = false;

  static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
    auto &self = *static_cast<Waiting *>(user);
    memcpy(dst, self.bytes.data() + offset, nbytes);
    std::unique_lock<std::mutex> lock(self.mutex);
    if (!self.waits) return TF_STATUS_OK;
    self.most = std::max(self.most, ++self.now);
    self.changed.notify_all();
    self.changed.wait_for(lock, std::chrono::seconds(1), [&] { return self.most >= self.expected; });
    --self.now;
    return TF_STATUS_OK;
  }
};

TEST_F(SourceHints, SayHowManyReadsToMakeAtTheSameTime) {
  const auto w = random_array(TF_DTYPE_INT8, {1 << 20}, 1);
  const std::string bytes = saved(dict_of({{"w", w.get()}}).get());
  const struct {
    int64_t threads;
    uint32_t requests;
    size_t expected;
  } cases[] = {{0, 6, 6}, {3, 6, 3}, {4, 2, 2}};
  for (const auto &[threads, requests, expected] : cases) {
    Waiting waiting{bytes, expected};
    const auto source = made<tf_source>([&](tf_source **out) {
      return tf_source_new(out, bytes.size(), 1, Waiting::read_at, nullptr, nullptr, &waiting);
    });
    ASSERT_EQ(tf_source_set_hints(source.get(), 0, 64 << 10, requests), TF_STATUS_OK);
    const auto options = options_with({{TF_OPTION_THREADS, threads}});
    const auto file = made<tf_file>(
        [&](tf_file **out) { return tf_file_open_source(out, source.get(), TF_FORMAT_AUTO, options.get()); });
    waiting.waits = true;
    std::vector<char> memory(1 << 20);
    ASSERT_EQ(tf_file_read_into(file.get(), 0, TF_DTYPE_AS_STORED, memory.data(), memory.size()), TF_STATUS_OK);
    EXPECT_EQ(waiting.most, expected) << threads << " threads, " << requests << " requests";
  }
  const auto source = made<tf_source>(
      [&](tf_source **out) { return tf_source_from_memory(out, bytes.data(), bytes.size(), nullptr, nullptr); });
  EXPECT_EQ(tf_source_set_hints(source.get(), 0, 0, 1025), TF_STATUS_INVALID_ARGUMENT);
  expect_error("requests is 1025, more than 1024");
}

// Opening takes few reads: the first ones of a header are as long as the hint.
TEST_F(SourceHints, ApplyToHeaders) {
  auto dict = new_dict();
  const auto one = random_array(TF_DTYPE_FLOAT32, {1}, 1);
  for (int i = 0; i < 4000; ++i)
    ASSERT_EQ(
        tf_dict_set_array(dict.get(), ("array_with_a_long_name_" + std::to_string(i)).c_str(), SIZE_MAX, one.get()),
        TF_STATUS_OK);
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    counted_.bytes = contents(made<tf_buffer>([&](tf_buffer **out) {
                                return tf_save_memory(out, format, nullptr, dict.get(), nullptr, nullptr);
                              }).get());
    const auto source = counted_.source();
    ASSERT_EQ(tf_source_set_hints(source.get(), 0, 1 << 20, 0), TF_STATUS_OK);
    counted_.reads.clear();
    tf_file *file = nullptr;
    ASSERT_EQ(tf_file_open_source(&file, source.get(), format, nullptr), TF_STATUS_OK);
    tf_file_release(file);
    EXPECT_EQ(counted_.reads.size(), 1u) << format;
  }
}

}  // namespace
}  // namespace tfile::testing
