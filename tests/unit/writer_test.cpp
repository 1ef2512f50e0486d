// Tests tf_writer: it writes the same bytes as a save of the same arrays, and refuses what a save refuses.
#include <algorithm>
#include <cstring>

#include "support/foreign.h"
#include "support/handles.h"
#include "support/memory.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

using Writer = tensorfile::Writer;

struct Named {
  std::string name;
  Handle<tf_array> array;
};

class WriterTest : public ::testing::Test {
 protected:
  void add(const std::string &name, tf_dtype dtype, const std::vector<int64_t> &shape) {
    arrays.push_back({name, random_array(dtype, shape, static_cast<unsigned>(arrays.size()) + 1)});
  }
  // Small, large and empty arrays, in an order that differs from the sorted order of every format.
  void add_several(bool large) {
    add("zebra", TF_DTYPE_UINT8, {3});
    add("none", TF_DTYPE_FLOAT32, {0, 4});
    add("big", TF_DTYPE_FLOAT32, {large ? 2500 : 5, 1000});
    add("double", TF_DTYPE_FLOAT64, {7});
    add("apple", TF_DTYPE_INT16, {2, 3, 4});
    add("scalar", TF_DTYPE_INT32, {});
    add("last none", TF_DTYPE_INT8, {0});
  }
  Writer open(const std::string &path, tf_format format, const tf_options *options = nullptr) {
    tf_writer *writer = nullptr;
    EXPECT_EQ(tf_writer_open(&writer, path.c_str(), format, options), TF_STATUS_OK) << tf_error_message();
    return Writer(writer);
  }
  Writer open_sink(ForeignSink &user, tf_format format, const tf_options *options = nullptr) {
    const auto sink =
        made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, ForeignSink::write, ForeignSink::release, &user); });
    tf_writer *writer = nullptr;
    EXPECT_EQ(tf_writer_open_sink(&writer, sink.get(), format, options), TF_STATUS_OK) << tf_error_message();
    return Writer(writer);
  }
  static tf_status declare(tf_writer *writer, const std::string &name, tf_dtype dtype,
                           const std::vector<int64_t> &shape) {
    return tf_writer_declare(writer, name.data(), name.size(), dtype, shape.data(), shape.size());
  }
  void declare_all(tf_writer *writer) {
    for (const Named &named : arrays) {
      const tf_array *array = named.array.get();
      const int64_t *shape = tf_array_shape(array);
      ASSERT_EQ(declare(writer, named.name, tf_array_dtype(array), {shape, shape + tf_array_ndim(array)}), TF_STATUS_OK)
          << tf_error_message();
    }
  }
  // Writes all data in pieces, each longer than the one before it.
  void write_all(tf_writer *writer, size_t first = 1) {
    std::string data;
    for (const Named &named : arrays) {
      data.append(static_cast<const char *>(tf_array_data(named.array.get())), tf_array_nbytes(named.array.get()));
    }
    size_t piece = first;
    for (size_t at = 0; at < data.size(); at += piece, piece += piece / 2 + 1) {
      ASSERT_EQ(tf_writer_write(writer, data.data() + at, std::min(piece, data.size() - at)), TF_STATUS_OK)
          << tf_error_message();
    }
  }
  Handle<tf_dict> dict() const {
    auto all = new_dict();
    for (const Named &named : arrays)
      EXPECT_EQ(tf_dict_set_array(all.get(), named.name.data(), named.name.size(), named.array.get()), TF_STATUS_OK);
    return all;
  }
  std::string saved(tf_format format, const tf_dict *metadata = nullptr, const tf_options *options = nullptr) {
    const auto buffer = made<tf_buffer>([&](tf_buffer **out) {
      const bool npy = format == TF_FORMAT_NPY;
      const auto all = dict();
      return tf_save_memory(out, format, npy ? arrays[0].array.get() : nullptr, npy ? nullptr : all.get(), metadata,
                            options);
    });
    return contents(buffer.get());
  }
  void expect_loads(const std::string &bytes) {
    tf_dict *loaded = nullptr;
    ASSERT_EQ(tf_load_memory(nullptr, &loaded, nullptr, bytes.data(), bytes.size(), TF_FORMAT_AUTO, nullptr),
              TF_STATUS_OK)
        << tf_error_message();
    const Handle<tf_dict> found(loaded);
    ASSERT_EQ(tf_dict_size(loaded), arrays.size());
    for (const Named &named : arrays) {
      EXPECT_TRUE(same(array_of(loaded, named.name).get(), named.array.get())) << named.name;
    }
  }
  static void expect_error(tf_status status, tf_status expected, const std::string &message,
                           const std::string &name = "") {
    EXPECT_EQ(tf_status_name(status), std::string(tf_status_name(expected)));
    EXPECT_EQ(tf_error_message(), message);
    EXPECT_EQ(tf_error_name(), name);
  }

  TempFolder folder;
  std::vector<Named> arrays;
};

TEST_F(WriterTest, WritesToAPathWhatASaveWrites) {
  const auto metadata = new_dict();
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "k", 1, "v", 1), TF_STATUS_OK);
  for (const bool large : {false, true}) {
    arrays.clear();
    add_several(large);
    for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
      if (format == TF_FORMAT_GGUF) {
        std::erase_if(arrays, [](const Named &named) { return tf_array_dtype(named.array.get()) == TF_DTYPE_UINT8; });
      }
      for (const int64_t atomic : {1, 0}) {
        const auto options = options_with({{TF_OPTION_ATOMIC, atomic}});
        const Writer writer = open(folder.path("a"), format, options.get());
        declare_all(writer.get());
        const tf_dict *given = metadata.get();
        ASSERT_EQ(tf_writer_set_metadata(writer.get(), given), TF_STATUS_OK);
        write_all(writer.get());
        ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
        EXPECT_TRUE(folder.read(std::string("a.") + tf_format_name(format)) == saved(format, given))
            << tf_format_name(format) << large << atomic;
      }
    }
  }
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"a.gguf", "a.npz", "a.safetensors"}));
}

// Changes to the metadata after tf_writer_set_metadata() do not change the file.
TEST_F(WriterTest, WritesTheMetadataAsTheyWereWhenTheyWereSet) {
  add_several(false);
  std::erase_if(arrays, [](const Named &named) { return tf_array_dtype(named.array.get()) == TF_DTYPE_UINT8; });
  const auto metadata = new_dict();
  const auto nested = new_dict();
  const int64_t two = 2;
  const auto numbers = made<tf_array>([&](tf_array **out) { return tf_array_new(out, TF_DTYPE_INT16, &two, 1); });
  ASSERT_EQ(tf_dict_set_array(nested.get(), "0", 1, numbers.get()), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_dict(metadata.get(), "nested", SIZE_MAX, nested.get()), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_int64(metadata.get(), "n", 1, 5), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string_list(metadata.get(), "list", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_string_list_append(metadata.get(), "list", SIZE_MAX, "one", 3), TF_STATUS_OK);
  const std::string expected = saved(TF_FORMAT_GGUF, metadata.get());
  const Writer writer = open(folder.path("a"), TF_FORMAT_GGUF);
  declare_all(writer.get());
  ASSERT_EQ(tf_writer_set_metadata(writer.get(), metadata.get()), TF_STATUS_OK);
  const int64_t first = 0;
  EXPECT_EQ(tf_array_set_item_int64(numbers.get(), &first, 1, 7), TF_STATUS_INVALID_ARGUMENT);  // shared with the copy
  ASSERT_EQ(tf_dict_set_int64(metadata.get(), "n", 1, 6), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_string_list_append(metadata.get(), "list", SIZE_MAX, "two", 3), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_remove(nested.get(), "0", 1), TF_STATUS_OK);
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "new", SIZE_MAX, "text", SIZE_MAX), TF_STATUS_OK);
  write_all(writer.get());
  ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_TRUE(folder.read("a.gguf") == expected);
}

// A writer of a set writes the same files as a save, including the index, and none of them appears before the end.
TEST_F(WriterTest, WritesThePartsThatASaveWrites) {
  add("none", TF_DTYPE_FLOAT32, {0, 4});
  add("big", TF_DTYPE_FLOAT32, {2500, 1000});
  add("apple", TF_DTYPE_INT16, {2, 3, 4});
  add("scalar", TF_DTYPE_INT32, {});
  add("double", TF_DTYPE_FLOAT64, {7});
  add("last none", TF_DTYPE_INT8, {0});
  const auto options = options_with({{TF_OPTION_PART_BYTES, 60}});
  const auto all = dict();
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    SCOPED_TRACE(tf_format_name(format));
    const TempFolder folder;
    const TempFolder expected;
    const auto save = format == TF_FORMAT_GGUF ? tf_save_gguf : tf_save_safetensors;
    ASSERT_EQ(save(expected.path("m").c_str(), all.get(), nullptr, options.get()), TF_STATUS_OK) << tf_error_message();
    for (const bool finished : {false, true}) {
      const Writer writer = open(folder.path("m"), format, options.get());
      declare_all(writer.get());
      write_all(writer.get());
      if (!finished) continue;
      ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
    }
    ASSERT_GE(folder.names().size(), 3u);
    EXPECT_EQ(folder.names(), expected.names());
    for (const std::string &name : expected.names())
      EXPECT_EQ(folder.read(name), expected.read(name)) << name;
  }
}

TEST_F(WriterTest, ReleasedBetweenPartsItChangesNothing) {
  add_several(true);
  const TempFolder folder;
  const auto options = options_with({{TF_OPTION_PART_BYTES, 60}});
  {
    const Writer writer = open(folder.path("m.safetensors"), TF_FORMAT_SAFETENSORS, options.get());
    declare_all(writer.get());
    write_all(writer.get());
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>());
}

TEST_F(WriterTest, WritesANpy) {
  add("", TF_DTYPE_FLOAT32, {300, 1000});
  const Writer writer = open(folder.path("a.npy"), TF_FORMAT_AUTO);
  declare_all(writer.get());
  expect_error(declare(writer.get(), "b", TF_DTYPE_INT8, {1}), TF_STATUS_INVALID_ARGUMENT,
               "array 'b': npy holds one array, and it is declared", "b");
  write_all(writer.get());
  ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.read("a.npy"), saved(TF_FORMAT_NPY));
  ForeignSink user;
  const Writer streamed = open_sink(user, TF_FORMAT_NPY);
  declare_all(streamed.get());
  write_all(streamed.get());
  ASSERT_EQ(tf_writer_finish(streamed.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(user.bytes, saved(TF_FORMAT_NPY));
}

TEST_F(WriterTest, WritesToASinkFromFirstToLast) {
  add_several(true);
  for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS}) {
    ForeignSink user;
    const Writer writer = open_sink(user, format);
    declare_all(writer.get());
    write_all(writer.get(), 1000);
    ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
    expect_loads(user.bytes);
    EXPECT_EQ(user.releases, 0) << "the writer has a reference to its sink";
  }
  std::erase_if(arrays, [](const Named &named) { return tf_array_dtype(named.array.get()) == TF_DTYPE_UINT8; });
  ForeignSink user;
  Writer writer = open_sink(user, TF_FORMAT_GGUF);
  declare_all(writer.get());
  write_all(writer.get());
  ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_TRUE(user.bytes == saved(TF_FORMAT_GGUF));
  writer.reset();
  EXPECT_EQ(user.releases, 1);
}

TEST_F(WriterTest, CollectsSmallArraysOfOneCall) {
  constexpr size_t kArrays = 5000;
  const std::vector<float> data(16 * kArrays, 0.5f);
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF, TF_FORMAT_NPZ}) {
    ForeignSink user;
    const Writer writer = open_sink(user, format);
    for (size_t i = 0; i < kArrays; ++i)
      ASSERT_EQ(declare(writer.get(), std::to_string(i), TF_DTYPE_FLOAT32, {4, 4}), TF_STATUS_OK);
    ASSERT_EQ(tf_writer_write(writer.get(), data.data(), data.size() * sizeof(float)), TF_STATUS_OK);
    ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_LE(static_cast<size_t>(user.writes), 3 + user.bytes.size() / (size_t{64} << 10)) << tf_format_name(format);
  }
}

TEST_F(WriterTest, DeflatesWhenAsked) {
  add_several(true);
  const auto options = options_with({{TF_OPTION_COMPRESS, 1}, {TF_OPTION_COMPRESSION_LEVEL, 1}});
  const Writer writer = open(folder.path("a"), TF_FORMAT_NPZ, options.get());
  declare_all(writer.get());
  write_all(writer.get(), 5000);
  ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_TRUE(folder.read("a.npz") == saved(TF_FORMAT_NPZ, nullptr, options.get()));
  expect_loads(folder.read("a.npz"));
  ForeignSink user;
  const Writer streamed = open_sink(user, TF_FORMAT_NPZ, options.get());
  declare_all(streamed.get());
  write_all(streamed.get(), 5000);
  ASSERT_EQ(tf_writer_finish(streamed.get()), TF_STATUS_OK) << tf_error_message();
  expect_loads(user.bytes);
}

TEST_F(WriterTest, ReleasedUnfinishedItChangesNothing) {
  add_several(true);
  folder.write("a.npz", "old");
  const size_t before = open_descriptors();
  for (const bool written : {false, true}) {
    Writer writer = open(folder.path("a"), TF_FORMAT_NPZ);
    declare_all(writer.get());
    if (written) write_all(writer.get());
    EXPECT_EQ(folder.names().size(), written ? 2u : 1u) << "no file is created before the first byte is written";
    writer.reset();
    EXPECT_EQ(folder.read("a.npz"), "old");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"a.npz"});
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(WriterTest, TakesNoMoreAndNoLessThanWasDeclared) {
  add("a", TF_DTYPE_INT16, {2});
  add("b", TF_DTYPE_INT16, {3});
  const Writer writer = open(folder.path("x.safetensors"), TF_FORMAT_AUTO);
  const std::string path = folder.path("x.safetensors");
  declare_all(writer.get());
  const std::string bytes(11, 'x');
  expect_error(tf_writer_write(writer.get(), bytes.data(), 11), TF_STATUS_INVALID_ARGUMENT,
               path + ": 11 bytes are more than the 10 that the arrays declared still lack");
  EXPECT_TRUE(folder.names().empty());
  expect_error(tf_writer_write(writer.get(), nullptr, 1), TF_STATUS_INVALID_ARGUMENT, "src is NULL");
  ASSERT_EQ(tf_writer_write(writer.get(), nullptr, 0), TF_STATUS_OK);
  ASSERT_EQ(tf_writer_write(writer.get(), bytes.data(), 5), TF_STATUS_OK);
  expect_error(tf_writer_finish(writer.get()), TF_STATUS_INVALID_ARGUMENT,
               path + ": array 'b': 5 bytes of its data are missing", "b");
  expect_error(tf_writer_write(writer.get(), bytes.data(), 6), TF_STATUS_INVALID_ARGUMENT,
               path + ": 6 bytes are more than the 5 that the arrays declared still lack");
  expect_error(declare(writer.get(), "c", TF_DTYPE_INT8, {1}), TF_STATUS_INVALID_ARGUMENT,
               path + ": declarations come before the first byte of data");
  expect_error(tf_writer_set_metadata(writer.get(), nullptr), TF_STATUS_INVALID_ARGUMENT,
               path + ": metadata come before the first byte of data");
  ASSERT_EQ(tf_writer_write(writer.get(), bytes.data(), 5), TF_STATUS_OK);
  ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
  for (const tf_status status : {tf_writer_finish(writer.get()), tf_writer_write(writer.get(), nullptr, 0),
                                 declare(writer.get(), "c", TF_DTYPE_INT8, {1})}) {
    expect_error(status, TF_STATUS_INVALID_ARGUMENT, path + ": the writer is finished");
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.safetensors"});
}

TEST_F(WriterTest, RefusesBadDeclarations) {
  const Writer writer = open(folder.path("x.npz"), TF_FORMAT_AUTO);
  ASSERT_EQ(declare(writer.get(), "a", TF_DTYPE_INT16, {2}), TF_STATUS_OK);
  expect_error(declare(writer.get(), "a", TF_DTYPE_INT16, {2}), TF_STATUS_DUPLICATE, "array 'a': is declared twice",
               "a");
  expect_error(declare(writer.get(), "b", TF_DTYPE_INT16, {-2}), TF_STATUS_INVALID_ARGUMENT,
               "shape (-2,) has a negative size");
  expect_error(declare(writer.get(), "b", 9999, {2}), TF_STATUS_INVALID_ARGUMENT,
               "9999 is not a dtype that has elements");
  const auto metadata = new_dict();
  ASSERT_EQ(tf_dict_set_string(metadata.get(), "key", SIZE_MAX, "text", SIZE_MAX), TF_STATUS_OK);
  const Writer npy = open(folder.path("x.npy"), TF_FORMAT_AUTO);
  ASSERT_EQ(declare(npy.get(), "a", TF_DTYPE_INT8, {0}), TF_STATUS_OK);
  ASSERT_EQ(tf_writer_set_metadata(npy.get(), metadata.get()), TF_STATUS_OK);
  expect_error(tf_writer_finish(npy.get()), TF_STATUS_UNSUPPORTED,
               "npy cannot hold: 'key' (the format has no metadata)", "key");
  ASSERT_EQ(tf_writer_write(writer.get(), "abcd", 4), TF_STATUS_OK);
  ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK) << tf_error_message();
}

TEST_F(WriterTest, ReportsEverythingThatTheFormatCannotHoldBeforeItWrites) {
  folder.write("x.npz", "old");
  const Writer writer = open(folder.path("x"), TF_FORMAT_NPZ);
  ASSERT_EQ(declare(writer.get(), "good", TF_DTYPE_INT8, {1}), TF_STATUS_OK);
  ASSERT_EQ(declare(writer.get(), "f8", TF_DTYPE_FLOAT8_E5M2, {1}), TF_STATUS_OK);
  ASSERT_EQ(declare(writer.get(), "q", TF_DTYPE_Q4_0, {32}), TF_STATUS_OK);
  const char *const message = "npz cannot hold: 'f8' (float8_e5m2), 'q' (q4_0)";
  expect_error(tf_writer_write(writer.get(), "x", 1), TF_STATUS_UNSUPPORTED, message, "f8");
  expect_error(tf_writer_finish(writer.get()), TF_STATUS_UNSUPPORTED, message, "f8");
  EXPECT_EQ(folder.read("x.npz"), "old");
  const Writer empty = open(folder.path("x"), TF_FORMAT_NPY);
  expect_error(tf_writer_finish(empty.get()), TF_STATUS_INVALID_ARGUMENT,
               folder.path("x.npy") + ": npy holds one array, and none is declared");
  const auto limited = options_with({{TF_OPTION_MAX_ARRAYS, 1}});
  const Writer many = open(folder.path("x"), TF_FORMAT_NPZ, limited.get());
  ASSERT_EQ(declare(many.get(), "a", TF_DTYPE_INT8, {1}), TF_STATUS_OK);
  ASSERT_EQ(declare(many.get(), "b", TF_DTYPE_INT8, {1}), TF_STATUS_OK);
  expect_error(tf_writer_finish(many.get()), TF_STATUS_LIMIT, "2 arrays are more than the limit (max_arrays) of 1");
}

TEST_F(WriterTest, NeedsAFormatAndHandles) {
  tf_writer *writer = nullptr;
  expect_error(
      tf_writer_open(&writer, folder.path("a").c_str(), TF_FORMAT_AUTO, nullptr), TF_STATUS_INVALID_ARGUMENT,
      folder.path("a") + ": no format to save in is given: the extension names none, and the option (format) is auto");
  EXPECT_EQ(writer, nullptr);
  const auto gguf = options_with({{TF_OPTION_FORMAT, TF_FORMAT_GGUF}});
  const Writer named = open(folder.path("a"), TF_FORMAT_AUTO, gguf.get());
  ASSERT_EQ(tf_writer_finish(named.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.gguf"});
  expect_error(tf_writer_open(nullptr, "a", TF_FORMAT_NPZ, nullptr), TF_STATUS_INVALID_ARGUMENT, "out is NULL");
  expect_error(tf_writer_open(&writer, nullptr, TF_FORMAT_NPZ, nullptr), TF_STATUS_INVALID_ARGUMENT, "path is NULL");
  expect_error(tf_writer_open_sink(&writer, nullptr, TF_FORMAT_NPZ, nullptr), TF_STATUS_INVALID_ARGUMENT,
               "sink is NULL");
  for (const tf_status status :
       {tf_writer_declare(nullptr, "a", 1, TF_DTYPE_INT8, nullptr, 0), tf_writer_set_metadata(nullptr, nullptr),
        tf_writer_write(nullptr, "a", 1), tf_writer_finish(nullptr)}) {
    expect_error(status, TF_STATUS_INVALID_ARGUMENT, "writer is NULL");
  }
  EXPECT_EQ(tf_writer_retain(nullptr), nullptr);
  tf_writer_release(nullptr);
  tf_writer *const more = tf_writer_retain(named.get());
  EXPECT_EQ(more, named.get());
  tf_writer_release(more);
}

TEST_F(WriterTest, FailsOnceAndSaysSoAfterwards) {
  add("a", TF_DTYPE_INT8, {100});
  ForeignSink user;
  user.most = 150;
  user.answer = -7;
  const Writer writer = open_sink(user, TF_FORMAT_SAFETENSORS);
  declare_all(writer.get());
  EXPECT_EQ(tf_writer_write(writer.get(), std::string(100, 'x').data(), 100), -7);
  EXPECT_EQ(std::string(tf_error_message()), "the sink's write returned unknown for 228 bytes (byte 0)");
  for (const tf_status status : {tf_writer_write(writer.get(), "x", 1), tf_writer_finish(writer.get())}) {
    expect_error(status, TF_STATUS_INVALID_ARGUMENT, "the writer has failed before, and can only be released");
  }
  const Writer lost = open(folder.path("none/a.npz"), TF_FORMAT_NPZ);
  declare_all(lost.get());
  EXPECT_EQ(tf_writer_finish(lost.get()), TF_STATUS_NOT_FOUND);
}

TEST_F(WriterTest, ReportsProgressAndObeysIt) {
  add("a", TF_DTYPE_INT8, {3 << 20});
  struct Reported {
    uint64_t done = 0;
    uint64_t total = 0;
    uint64_t stop = UINT64_MAX;
  } reported;
  const tf_progress_fn report = [](void *user, uint64_t done, uint64_t total) -> tf_status {
    auto &self = *static_cast<Reported *>(user);
    self.done = done;
    self.total = total;
    return done >= self.stop ? TF_STATUS_CANCELLED : TF_STATUS_OK;
  };
  const auto options = options_with({});
  ASSERT_EQ(tf_options_set_progress(options.get(), report, nullptr, &reported), TF_STATUS_OK);
  const Writer writer = open(folder.path("a.npy"), TF_FORMAT_NPY, options.get());
  declare_all(writer.get());
  write_all(writer.get(), 100000);
  ASSERT_EQ(tf_writer_finish(writer.get()), TF_STATUS_OK);
  EXPECT_EQ(reported.done, uint64_t{3} << 20);
  EXPECT_EQ(reported.total, uint64_t{3} << 20);
  reported.stop = 1;
  const Writer stopped = open(folder.path("b.npy"), TF_FORMAT_NPY, options.get());
  declare_all(stopped.get());
  EXPECT_EQ(tf_writer_write(stopped.get(), "x", 1), TF_STATUS_CANCELLED);
}

// Writes 64 MiB through a writer and returns the peak of the library's memory.
int64_t peak_of_writing(const std::string &path, const tf_options *given, TestMemory &memory) {
  tf_options *options = nullptr;
  EXPECT_EQ(tf_options_new(&options), TF_STATUS_OK);
  const Handle<tf_options> owner(options);
  int64_t compress = 0;
  EXPECT_EQ(tf_options_get(&compress, given, TF_OPTION_COMPRESS), TF_STATUS_OK);
  EXPECT_EQ(tf_options_set(options, TF_OPTION_COMPRESS, compress), TF_STATUS_OK);
  EXPECT_EQ(tf_options_set_allocator(options, TestMemory::allocate, TestMemory::free, nullptr, &memory), TF_STATUS_OK);
  tf_writer *writer = nullptr;
  EXPECT_EQ(tf_writer_open(&writer, path.c_str(), TF_FORMAT_AUTO, options), TF_STATUS_OK);
  const int64_t shape[] = {64, 1 << 20};
  EXPECT_EQ(tf_writer_declare(writer, "a", 1, TF_DTYPE_UINT8, shape, 2), TF_STATUS_OK);
  std::string row(1 << 20, 'r');
  for (int i = 0; i < 64; ++i) {
    row[static_cast<size_t>(i)] = 'x';
    EXPECT_EQ(tf_writer_write(writer, row.data(), row.size()), TF_STATUS_OK) << tf_error_message();
  }
  EXPECT_EQ(tf_writer_finish(writer), TF_STATUS_OK) << tf_error_message();
  tf_writer_release(writer);
  return memory.peak();
}

TEST_F(WriterTest, NeedsLittleMemoryForArraysOfAnySize) {
  for (const char *const name : {"a.npy", "a.npz", "a.safetensors"}) {
    TestMemory memory;
    EXPECT_LT(peak_of_writing(folder.path(name), options_with({}).get(), memory), 2 << 20) << name;
  }
}

TEST_F(WriterTest, EveryFailedAllocationIsClean) {
  for (const int64_t choice : {0, 1}) {
    for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS}) {
      fail_each_allocation([&](TestMemory &memory) -> Status {
        tf_options *options = nullptr;
        EXPECT_EQ(tf_options_new(&options), TF_STATUS_OK);
        const Handle<tf_options> owner(options);
        EXPECT_EQ(tf_options_set(options, TF_OPTION_COMPRESS, choice), TF_STATUS_OK);
        EXPECT_EQ(tf_options_set(options, TF_OPTION_PART_BYTES, 2 * choice), TF_STATUS_OK);
        EXPECT_EQ(tf_options_set(options, TF_OPTION_THREADS, 1), TF_STATUS_OK);
        EXPECT_EQ(tf_options_set_allocator(options, TestMemory::allocate, TestMemory::free, nullptr, &memory),
                  TF_STATUS_OK);
        tf_writer *made = nullptr;
        if (const tf_status status = tf_writer_open(&made, folder.path("a").c_str(), format, options)) {
          return Status{status};
        }
        const Writer writer(made);
        if (const tf_status status = declare(made, "a", TF_DTYPE_INT8, {2})) return Status{status};
        if (const tf_status status = declare(made, "b", TF_DTYPE_INT8, {2})) return Status{status};
        if (const tf_status status = tf_writer_write(made, "abcd", 4)) return Status{status};
        return Status{tf_writer_finish(made)};
      });
      const bool parts = choice == 1 && format == TF_FORMAT_SAFETENSORS;
      EXPECT_EQ(folder.names().size(), parts ? 3u : 1u) << "only the files of the save";
      for (const std::string &name : folder.names())
        std::filesystem::remove(folder.path(name));
    }
  }
}

}  // namespace
}  // namespace tfile::testing
