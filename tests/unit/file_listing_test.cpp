// tf_file_listing(): the same names, dtypes, shapes and sizes as the getters of each array.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/gguf_builder.h"
#include "support/handles.h"
#include "support/memory.h"

namespace tfile::testing {
namespace {

// The columns of a listing, found as the header describes them.
struct Columns {
  explicit Columns(const tf_buffer *buffer) : base(static_cast<const char *>(tf_buffer_data(buffer))) {
    memcpy(head, base, sizeof(head));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(base) % 64, 0u);
    for (const int column : {TF_LISTING_NBYTES, TF_LISTING_SHAPE_STARTS, TF_LISTING_SHAPES, TF_LISTING_NAME_STARTS})
      EXPECT_EQ(head[column] % 8, 0) << column;
    EXPECT_EQ(head[TF_LISTING_DTYPES] % 4, 0);
    EXPECT_EQ(static_cast<uint64_t>(head[TF_LISTING_NAMES] + number(TF_LISTING_NAME_STARTS, count())),
              tf_buffer_size(buffer));
  }

  size_t count() const { return static_cast<size_t>(head[TF_LISTING_COUNT]); }
  int64_t number(int column, size_t i) const {
    int64_t value = 0;
    memcpy(&value, base + head[column] + i * sizeof(value), sizeof(value));
    return value;
  }
  tf_dtype dtype(size_t i) const {
    tf_dtype value = -1;
    memcpy(&value, base + head[TF_LISTING_DTYPES] + i * sizeof(value), sizeof(value));
    return value;
  }
  std::vector<int64_t> shape(size_t i) const {
    std::vector<int64_t> sizes;
    for (int64_t at = number(TF_LISTING_SHAPE_STARTS, i); at < number(TF_LISTING_SHAPE_STARTS, i + 1); ++at)
      sizes.push_back(number(TF_LISTING_SHAPES, static_cast<size_t>(at)));
    return sizes;
  }
  std::string name(size_t i) const {
    const int64_t start = number(TF_LISTING_NAME_STARTS, i);
    return std::string(base + head[TF_LISTING_NAMES] + start,
                       static_cast<size_t>(number(TF_LISTING_NAME_STARTS, i + 1) - start));
  }

  const char *base;
  int64_t head[TF_LISTING_NAMES + 1];
};

Handle<tf_file> open(const std::string &bytes, const tf_options *options = nullptr) {
  return made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options); });
}

Handle<tf_buffer> list(const tf_file *file) {
  return made<tf_buffer>([&](tf_buffer **out) { return tf_file_listing(out, file); });
}

std::string save(tf_format format, const tf_array *array, const tf_dict *arrays) {
  return contents(made<tf_buffer>([&](tf_buffer **out) {
                    return tf_save_memory(out, format, array, arrays, nullptr, nullptr);
                  }).get());
}

// Compares every column with the getters.
void expect_like_getters(const tf_file *file) {
  const auto buffer = list(file);
  const Columns columns(buffer.get());
  ASSERT_EQ(columns.count(), tf_file_count(file));
  for (size_t i = 0; i < columns.count(); ++i) {
    const char *name = nullptr;
    size_t length = 0;
    ASSERT_EQ(tf_file_name(&name, &length, file, i), TF_STATUS_OK);
    EXPECT_EQ(columns.name(i), std::string(name, length));
    EXPECT_EQ(columns.dtype(i), tf_file_dtype(file, i));
    EXPECT_EQ(static_cast<uint64_t>(columns.number(TF_LISTING_NBYTES, i)), tf_file_nbytes(file, i));
    const int64_t *const shape = tf_file_shape(file, i);
    EXPECT_EQ(columns.shape(i), std::vector<int64_t>(shape, shape + tf_file_ndim(file, i)));
  }
}

TEST(FileListing, DescribesArraysOfEveryRank) {
  const auto scalar = random_array(TF_DTYPE_INT16, {});
  const auto row = random_array(TF_DTYPE_FLOAT32, {7});
  const auto empty = random_array(TF_DTYPE_BOOL, {3, 0, 2});
  const auto cube = random_array(TF_DTYPE_UINT8, {2, 3, 5});
  const auto dict =
      dict_of({{"s", scalar.get()}, {"a row", row.get()}, {"empty", empty.get()}, {"\xE2\x82\xAC", cube.get()}});
  for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS}) {
    const auto file = open(save(format, nullptr, dict.get()));
    expect_like_getters(file.get());
    const auto buffer = list(file.get());
    const Columns columns(buffer.get());
    ASSERT_EQ(columns.count(), 4u);
    for (size_t i = 0; i < 4; ++i) {
      if (columns.name(i) != "empty") continue;
      EXPECT_EQ(columns.dtype(i), TF_DTYPE_BOOL);
      EXPECT_EQ(columns.shape(i), (std::vector<int64_t>{3, 0, 2}));
      EXPECT_EQ(columns.number(TF_LISTING_NBYTES, i), 0);
    }
  }
}

TEST(FileListing, DescribesFilesWithoutArraysOrNames) {
  const auto none = open(save(TF_FORMAT_SAFETENSORS, nullptr, new_dict().get()));
  expect_like_getters(none.get());
  EXPECT_EQ(Columns(list(none.get()).get()).count(), 0u);
  const auto npy = open(save(TF_FORMAT_NPY, random_array(TF_DTYPE_INT32, {2, 2}).get(), nullptr));
  expect_like_getters(npy.get());
}

TEST(FileListing, DescribesUnknownDtypes) {
  const std::string bytes = GgufBuilder()
                                .tensor("known", {4}, kGgmlI8, std::string(4, 'x'))
                                .tensor("unknown", {32, 2}, 144, std::string(64, 'y'))
                                .build();
  const auto file = open(bytes);
  expect_like_getters(file.get());
  const Columns columns(list(file.get()).get());
  EXPECT_EQ(columns.count(), 2u);
}

TEST(FileListing, OutlivesTheFile) {
  const auto array = random_array(TF_DTYPE_INT8, {5});
  auto file = open(save(TF_FORMAT_NPZ, nullptr, dict_of({{"a", array.get()}}).get()));
  const auto buffer = list(file.get());
  file = Handle<tf_file>();
  const Columns columns(buffer.get());
  EXPECT_EQ(columns.name(0), "a");
  EXPECT_EQ(columns.shape(0), std::vector<int64_t>{5});
}

TEST(FileListing, RefusesNullAndTooMuchMemory) {
  tf_buffer *out = nullptr;
  EXPECT_EQ(tf_file_listing(&out, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(tf_error_message(), "file is NULL");
  EXPECT_EQ(tf_file_listing(nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(tf_error_message(), "out is NULL");
  const auto array = random_array(TF_DTYPE_INT8, {5});
  auto dict = new_dict();
  for (int i = 0; i < 1000; ++i)
    ASSERT_EQ(tf_dict_set_array(dict.get(), std::to_string(i).c_str(), SIZE_MAX, array.get()), TF_STATUS_OK);
  const std::string bytes = save(TF_FORMAT_SAFETENSORS, nullptr, dict.get());
  const auto file = open(bytes, options_with({{TF_OPTION_MAX_BYTES, 1 << 20}}).get());
  std::vector<Handle<tf_array>> arrays;  // they use up what the limit allows
  for (tf_array *raw = nullptr; tf_file_read(&raw, file.get(), 0) == TF_STATUS_OK;)
    arrays.emplace_back(raw);
  EXPECT_EQ(tf_file_listing(&out, file.get()), TF_STATUS_LIMIT) << tf_error_message();
  EXPECT_EQ(out, nullptr);
}

}  // namespace
}  // namespace tfile::testing
