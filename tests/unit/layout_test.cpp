// The layout of saved files: large gaps between arrays, and files that would be too large to exist.
#include "format/layout.h"

#include <gtest/gtest.h>

#include <map>

#include "format/npz/npz.h"
#include "support/foreign.h"
#include "support/handles.h"
#include "support/save.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

constexpr tf_format kFormats[] = {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};

class LargeGaps : public ::testing::TestWithParam<tf_format> {
 protected:
  // npz stores the size of a padding in 16 bits.
  int64_t alignment() const { return GetParam() == TF_FORMAT_NPZ ? 32768 : 65536; }

  tf_status write(tf_writer *raw) const {
    const tensorfile::Writer writer(raw);
    for (const auto &[name, array] : arrays) {
      const tf_array *const a = array.get();
      const tf_status status =
          tf_writer_declare(raw, name, SIZE_MAX, tf_array_dtype(a), tf_array_shape(a), tf_array_ndim(a));
      if (status != TF_STATUS_OK) return status;
    }
    for (const auto &[name, array] : arrays) {
      const tf_status status = tf_writer_write(raw, tf_array_data(array.get()), tf_array_nbytes(array.get()));
      if (status != TF_STATUS_OK) return status;
    }
    return tf_writer_finish(raw);
  }

  // Checks that the data of each array begin at a multiple of the alignment, and that the gaps are zero.
  void expect_aligned(const std::string &bytes) const {
    const auto file = made<tf_file>(
        [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), GetParam(), options.get()); });
    ASSERT_EQ(tf_file_count(file.get()), std::size(arrays));
    std::map<uint64_t, uint64_t> extents;
    for (size_t i = 0; i < std::size(arrays); ++i) {
      size_t index = 0;
      uint64_t offset = 0;
      uint64_t stored = 0;
      ASSERT_EQ(tf_file_find(&index, file.get(), arrays[i].first, SIZE_MAX), TF_STATUS_OK);
      ASSERT_EQ(tf_file_location(nullptr, &offset, &stored, nullptr, file.get(), index), TF_STATUS_OK);
      // In a safetensors file the whole data section is aligned. There are no gaps between its arrays.
      if (GetParam() != TF_FORMAT_SAFETENSORS || extents.empty()) extents[offset] = stored;
      const auto read = made<tf_array>([&](tf_array **out) { return tf_file_read(out, file.get(), index); });
      EXPECT_TRUE(same(read.get(), arrays[i].second.get()));
    }
    for (const auto &[offset, stored] : extents) {
      if (GetParam() == TF_FORMAT_SAFETENSORS) continue;
      EXPECT_EQ(offset % static_cast<uint64_t>(alignment()), 0u);
    }
    if (GetParam() != TF_FORMAT_GGUF) return;
    for (auto extent = extents.begin(); std::next(extent) != extents.end(); ++extent) {
      const uint64_t end = extent->first + extent->second;
      EXPECT_EQ(bytes.substr(end, std::next(extent)->first - end).find_first_not_of('\0'), std::string::npos);
    }
  }

  std::pair<const char *, Handle<tf_array>> arrays[3] = {
      {"a", random_array(TF_DTYPE_INT32, {3}, 1)},
      {"big", random_array(TF_DTYPE_INT8, {5 << 20}, 2)},
      {"c", random_array(TF_DTYPE_INT16, {70001}, 3)},
  };
  Handle<tf_dict> dict =
      dict_of({{"a", arrays[0].second.get()}, {"big", arrays[1].second.get()}, {"c", arrays[2].second.get()}});
  Handle<tf_options> options = options_with({{TF_OPTION_ALIGNMENT, alignment()}, {TF_OPTION_EXACT_PATH, 1}});
};

TEST_P(LargeGaps, AreTheSameForEveryDestination) {
  const auto buffer = made<tf_buffer>(
      [&](tf_buffer **out) { return tf_save_memory(out, GetParam(), nullptr, dict.get(), nullptr, options.get()); });
  const std::string expected = contents(buffer.get());
  expect_aligned(expected);

  const TempFolder folder;
  ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_FORMAT, GetParam()), TF_STATUS_OK);
  for (const int64_t threads : {1, 4}) {
    ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_THREADS, threads), TF_STATUS_OK);
    ASSERT_EQ(tf_save_weights(folder.path("saved").c_str(), dict.get(), options.get()), TF_STATUS_OK)
        << tf_error_message();
    EXPECT_TRUE(folder.read("saved") == expected);
  }
  // A writer that receives the arrays in the order of the file makes the same bytes. Only npz has descriptors if the sink
  // cannot change what has been written.
  ForeignSink user;
  const auto sink = made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, ForeignSink::write, nullptr, &user); });
  ASSERT_EQ(tf_save_sink(sink.get(), GetParam(), nullptr, dict.get(), nullptr, options.get()), TF_STATUS_OK);
  expect_aligned(user.bytes);
  tf_writer *writer = nullptr;
  ASSERT_EQ(tf_writer_open(&writer, folder.path("written").c_str(), GetParam(), options.get()), TF_STATUS_OK);
  ASSERT_EQ(write(writer), TF_STATUS_OK) << tf_error_message();
  expect_aligned(folder.read("written"));
  user.bytes.clear();
  ASSERT_EQ(tf_writer_open_sink(&writer, sink.get(), GetParam(), options.get()), TF_STATUS_OK);
  ASSERT_EQ(write(writer), TF_STATUS_OK) << tf_error_message();
  expect_aligned(user.bytes);
}

INSTANTIATE_TEST_SUITE_P(Formats, LargeGaps, ::testing::ValuesIn(kFormats),
                         [](const auto &info) { return std::string(tf_format_name(info.param)); });

// An array whose elements are all the same one needs no memory, so an array of 2^62 bytes is possible. Two of them are too
// much for a file.
TEST(TooLong, FilesAreRefusedBeforeTheyAreWritten) {
  const int64_t shape[] = {int64_t{1} << 62};
  const int64_t strides[] = {0};
  int8_t element = 7;
  const auto huge = made<tf_array>([&](tf_array **out) {
    return tf_array_wrap(out, TF_DTYPE_INT8, shape, 1, strides, &element, 1, 0, nullptr, nullptr);
  });
  const auto dict = dict_of({{"a", huge.get()}, {"b", huge.get()}});
  const struct {
    tf_format format;
    const char *message;
  } rows[] = {
      {TF_FORMAT_NPZ, "the data of all arrays do not fit in a file"},
      {TF_FORMAT_SAFETENSORS, "safetensors cannot hold 2^63 bytes or more"},
      {TF_FORMAT_GGUF, "array 'b': the data of all arrays do not fit in a file"},
  };
  const TempFolder folder;
  const std::string path = folder.write("target", "old");
  const auto options = options_with({{TF_OPTION_EXACT_PATH, 1}});
  for (const auto &row : rows) {
    ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_FORMAT, row.format), TF_STATUS_OK);
    EXPECT_EQ(tf_save_weights(path.c_str(), dict.get(), options.get()), TF_STATUS_UNSUPPORTED) << tf_error_message();
    EXPECT_NE(std::string(tf_error_message()).find(row.message), std::string::npos) << tf_error_message();
    EXPECT_EQ(folder.read("target"), "old");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"target"});
  }
}

// The keys of a dict are always UTF-8, but names also come from other callers.
TEST(Names, ThatAreNotUtf8AreNotWrittenToNpz) {
  Save save(kNpzFormat);
  save.add("\xFF", array_of<int8_t>(TF_DTYPE_INT8, {1}, {1}));
  EXPECT_EQ(save.bytes(), "");
  EXPECT_EQ(save.error.status, TF_STATUS_UNSUPPORTED);
  EXPECT_NE(save.error.message.find("(a name that is not UTF-8)"), std::string::npos) << save.error.message;
  EXPECT_EQ(save.error.name, "\\xff");  // escaped as in the message
}

}  // namespace
}  // namespace tfile::testing
