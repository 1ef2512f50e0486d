// Reading through tf_file: slices of every kind of storage compared with slices of the loaded array, casts, the number of
// reads, and threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/handles.h"

namespace tfile::testing {
namespace {

// Returns a random array, in Fortran order if requested.
Handle<tf_array> random_ordered(tf_dtype dtype, std::vector<int64_t> shape, bool fortran, unsigned seed) {
  if (fortran) shape = std::vector<int64_t>(shape.rbegin(), shape.rend());
  auto array = random_array(dtype, shape, seed);
  if (!fortran) return array;
  return made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, array.get(), nullptr, 0); });
}

// Makes a big-endian .npy of a little-endian one.
void make_big_endian(std::string *npy, size_t data_bytes, size_t item) {
  if (item == 1) return;
  const size_t order = npy->find("'<") + 1;
  (*npy)[order] = '>';
  for (size_t at = npy->size() - data_bytes; at < npy->size(); at += item) {
    std::reverse(npy->begin() + static_cast<std::ptrdiff_t>(at), npy->begin() + static_cast<std::ptrdiff_t>(at + item));
  }
}

struct Storage {
  const char *name;
  tf_format format;
  bool fortran;
  bool deflated;
  bool big_endian;
};

constexpr Storage kStorages[] = {
    {"npy", TF_FORMAT_NPY, false, false, false},
    {"npy_fortran", TF_FORMAT_NPY, true, false, false},
    {"npy_big_endian", TF_FORMAT_NPY, false, false, true},
    {"npy_fortran_big_endian", TF_FORMAT_NPY, true, false, true},
    {"npz", TF_FORMAT_NPZ, false, false, false},
    {"npz_fortran", TF_FORMAT_NPZ, true, false, false},
    {"npz_deflated", TF_FORMAT_NPZ, false, true, false},
    {"npz_deflated_fortran", TF_FORMAT_NPZ, true, true, false},
    {"safetensors", TF_FORMAT_SAFETENSORS, false, false, false},
    {"gguf", TF_FORMAT_GGUF, false, false, false},
};

std::string save(const Storage &storage, const tf_array *array) {
  auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
  EXPECT_EQ(tf_options_set(options.get(), TF_OPTION_COMPRESS, storage.deflated), TF_STATUS_OK);
  auto dict = made<tf_dict>([](tf_dict **out) { return tf_dict_new(out); });
  EXPECT_EQ(tf_dict_set_array(dict.get(), "w", SIZE_MAX, const_cast<tf_array *>(array)), TF_STATUS_OK);
  const bool npy = storage.format == TF_FORMAT_NPY;
  auto buffer = made<tf_buffer>([&](tf_buffer **out) {
    return tf_save_memory(out, storage.format, npy ? array : nullptr, npy ? nullptr : dict.get(), nullptr,
                          options.get());
  });
  std::string bytes = contents(buffer.get());
  if (storage.big_endian) {
    const size_t item = tf_dtype_block_bytes(tf_array_dtype(array));
    make_big_endian(&bytes, static_cast<size_t>(tf_array_nbytes(array)), item);
  }
  return bytes;
}

class ReadSlices : public ::testing::TestWithParam<Storage> {};

struct Shape {
  tf_dtype dtype;
  std::vector<int64_t> sizes;
};

// Small shapes for the corner cases, large ones for windows, direct runs and gaps.
const Shape kShapes[] = {
    {TF_DTYPE_FLOAT32, {}},        {TF_DTYPE_INT16, {7}},         {TF_DTYPE_FLOAT32, {5, 6, 7}},
    {TF_DTYPE_INT8, {3, 1, 4, 2}}, {TF_DTYPE_INT64, {0, 4}},      {TF_DTYPE_FLOAT32, {300, 70, 41}},
    {TF_DTYPE_INT16, {3, 300000}}, {TF_DTYPE_INT32, {400, 9001}}, {TF_DTYPE_INT8, {2, 3, 1300000}},
};

TEST_P(ReadSlices, EqualSlicesOfTheLoadedArray) {
  const Storage storage = GetParam();
  std::mt19937 random(1);
  for (const Shape &shape : kShapes) {
    const auto array = random_ordered(shape.dtype, shape.sizes, storage.fortran, 3);
    const std::string bytes = save(storage, array.get());
    const auto file = made<tf_file>(
        [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), storage.format, nullptr); });
    const auto loaded = made<tf_array>([&](tf_array **out) { return tf_file_read(out, file.get(), 0); });
    int32_t equal = 0;
    ASSERT_EQ(tf_array_equal(&equal, array.get(), loaded.get()), TF_STATUS_OK);
    ASSERT_EQ(equal, 1) << storage.name;
    EXPECT_EQ(tf_array_is_contiguous(loaded.get()), 1);
    const size_t ndim = shape.sizes.size();
    for (int round = 0; round < 10; ++round) {
      std::vector<int64_t> start(ndim), stop(ndim), step(ndim);
      for (size_t i = 0; i < ndim; ++i) {
        const auto pick = [&](int64_t reach) {
          const int64_t size = shape.sizes[i] + 2;
          return random() % 4 == 0 ? TENSORFILE_SLICE_OMITTED
                                   : static_cast<int64_t>(random() % uint64_t(2 * size)) - reach;
        };
        start[i] = pick(shape.sizes[i] + 2);
        stop[i] = pick(shape.sizes[i] + 2);
        const int64_t steps[] = {1, 1, 1, -1, 2, -3, 7, TENSORFILE_SLICE_OMITTED, 4099};
        step[i] = steps[random() % 9];
      }
      const auto expected = made<tf_array>([&](tf_array **out) {
        return tf_array_slice(out, array.get(), start.data(), stop.data(), step.data(), ndim);
      });
      const auto slice = made<tf_array>([&](tf_array **out) {
        return tf_file_read_slice(out, file.get(), 0, start.data(), stop.data(), step.data(), ndim);
      });
      ASSERT_EQ(tf_array_equal(&equal, expected.get(), slice.get()), TF_STATUS_OK);
      ASSERT_EQ(equal, 1) << storage.name << " round " << round;
      EXPECT_EQ(tf_array_is_contiguous(slice.get()), 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Storages, ReadSlices, ::testing::ValuesIn(kStorages),
                         [](const auto &info) { return std::string(info.param.name); });

// Large slices are read in parts, between which progress is reported, and are the same as those of an array in memory.
TEST(ReadLargeSlices, ReportProgressAndCanBeCancelled) {
  const auto array = random_array(TF_DTYPE_FLOAT32, {1500, 2000}, 7);
  const std::string bytes = save(kStorages[0], array.get());
  struct Watch {
    std::vector<uint64_t> done;
    size_t cancel_after = SIZE_MAX;
  } watch;
  const auto options = options_with({});
  const auto report = [](void *user, uint64_t done, uint64_t total) -> tf_status {
    auto &self = *static_cast<Watch *>(user);
    EXPECT_EQ(total, 750u * 1000u * 4u);
    self.done.push_back(done);
    return self.done.size() > self.cancel_after ? TF_STATUS_CANCELLED : TF_STATUS_OK;
  };
  ASSERT_EQ(tf_options_set_progress(options.get(), report, nullptr, &watch), TF_STATUS_OK);
  const auto file = made<tf_file>([&](tf_file **out) {
    return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_NPY, options.get());
  });
  const int64_t step[] = {-2, 2}, all[] = {TENSORFILE_SLICE_OMITTED, TENSORFILE_SLICE_OMITTED};
  const auto expected =
      made<tf_array>([&](tf_array **out) { return tf_array_slice(out, array.get(), all, all, step, 2); });
  const auto slice =
      made<tf_array>([&](tf_array **out) { return tf_file_read_slice(out, file.get(), 0, all, all, step, 2); });
  int32_t equal = 0;
  ASSERT_EQ(tf_array_equal(&equal, expected.get(), slice.get()), TF_STATUS_OK);
  EXPECT_EQ(equal, 1);
  ASSERT_FALSE(watch.done.empty());
  EXPECT_EQ(watch.done.back(), 750u * 1000u * 4u);
  watch.done.clear();
  watch.cancel_after = 0;
  tf_array *none = nullptr;
  EXPECT_EQ(tf_file_read_slice(&none, file.get(), 0, all, all, step, 2), TF_STATUS_CANCELLED);
  EXPECT_EQ(none, nullptr);
}

// A source that counts its reads and can fail.
struct CountedSource {
  std::string bytes;
  size_t reads = 0;
  uint64_t read_bytes = 0;
  tf_status fail_with = TF_STATUS_OK;
  size_t fail_after = SIZE_MAX;
  int releases = 0;

  static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
    auto *self = static_cast<CountedSource *>(user);
    if (self->reads++ >= self->fail_after) return self->fail_with;
    self->read_bytes += nbytes;
    memcpy(dst, self->bytes.data() + offset, nbytes);
    return TF_STATUS_OK;
  }
  static void release(void *user) { ++static_cast<CountedSource *>(user)->releases; }
  Handle<tf_source> open() {
    return made<tf_source>(
        [&](tf_source **out) { return tf_source_new(out, bytes.size(), 0, read_at, nullptr, release, this); });
  }
};

TEST(ReadThroughSource, SliceReadsOnlyItsBytes) {
  const auto array = random_array(TF_DTYPE_FLOAT32, {1000, 1000}, 5);
  CountedSource counted;
  counted.bytes = save(kStorages[0], array.get());
  const auto source = counted.open();
  const auto file =
      made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, source.get(), TF_FORMAT_NPY, nullptr); });
  EXPECT_LE(counted.reads, 4u);
  const uint64_t opened = counted.read_bytes;
  const int64_t start[] = {10, 20}, stop[] = {30, 40}, step[] = {1, 1};
  const auto slice =
      made<tf_array>([&](tf_array **out) { return tf_file_read_slice(out, file.get(), 0, start, stop, step, 2); });
  // 20 rows of 80 bytes, and at most the small gaps between them.
  EXPECT_LE(counted.read_bytes - opened, 20u * 4000u);
  EXPECT_GE(counted.read_bytes - opened, 20u * 80u);
}

TEST(ReadThroughSource, ReturnsTheStatusOfTheCallback) {
  const auto array = random_array(TF_DTYPE_FLOAT32, {10}, 5);
  for (const Storage &storage : kStorages) {
    CountedSource counted;
    counted.bytes = save(storage, array.get());
    counted.fail_with = TF_STATUS_CANCELLED;
    {
      const auto source = counted.open();
      for (size_t after = 0;; ++after) {
        counted.reads = 0;
        counted.fail_after = after;
        tf_dict *arrays = nullptr;
        const tf_status status = tf_load_source(nullptr, &arrays, nullptr, source.get(), storage.format, nullptr);
        if (status == TF_STATUS_OK) {
          EXPECT_GT(after, 0u);
          tf_dict_release(arrays);
          break;
        }
        EXPECT_EQ(status, TF_STATUS_CANCELLED) << storage.name << " read " << after;
        EXPECT_EQ(arrays, nullptr);
      }
    }
    EXPECT_EQ(counted.releases, 1);
  }
}

TEST(ReadInto, CastsAndChecksTheSize) {
  const float values[] = {1.5f, -2.25f, 1e10f, 0.0f};
  const int64_t shape[] = {4};
  const auto array = made<tf_array>(
      [&](tf_array **out) { return tf_array_copy_from(out, TF_DTYPE_FLOAT32, shape, 1, values, sizeof(values)); });
  const std::string bytes = save(kStorages[8], array.get());
  const auto file = made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, nullptr); });
  double doubles[4] = {};
  ASSERT_EQ(tf_file_read_into(file.get(), 0, TF_DTYPE_FLOAT64, doubles, sizeof(doubles)), TF_STATUS_OK)
      << tf_error_message();
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(doubles[i], static_cast<double>(values[i]));
  EXPECT_EQ(tf_file_read_into(file.get(), 0, TF_DTYPE_FLOAT64, doubles, 16), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(tf_error_message(), "array 'w': needs 32 bytes as float64, dst has 16");
  EXPECT_EQ(tf_file_read_into(file.get(), 0, 9999, doubles, sizeof(doubles)), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_file_read_into(file.get(), 1, TF_DTYPE_FLOAT64, doubles, sizeof(doubles)), TF_STATUS_INVALID_ARGUMENT);
  // The destination needs no alignment.
  char odd[17] = {};
  ASSERT_EQ(tf_file_read_into(file.get(), 0, TF_DTYPE_FLOAT32, odd + 1, 16), TF_STATUS_OK);
  EXPECT_EQ(memcmp(odd + 1, values, 16), 0);
  const int64_t start[] = {3}, stop[] = {TENSORFILE_SLICE_OMITTED}, step[] = {-2};
  double two[2] = {};
  ASSERT_EQ(tf_file_read_slice_into(file.get(), 0, start, stop, step, 1, TF_DTYPE_FLOAT64, two, sizeof(two)),
            TF_STATUS_OK);
  EXPECT_EQ(two[0], 0.0);
  EXPECT_EQ(two[1], -2.25);
}

TEST(ReadInto, BigEndianAndFortranAtOddAddresses) {
  for (const Storage &storage : kStorages) {
    const auto array = random_ordered(TF_DTYPE_INT32, {5, 6}, storage.fortran, 9);
    const std::string bytes = save(storage, array.get());
    const auto file = made<tf_file>(
        [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), storage.format, nullptr); });
    std::vector<char> odd(121);
    ASSERT_EQ(tf_file_read_into(file.get(), 0, TF_DTYPE_UNSUPPORTED, odd.data() + 1, 120), TF_STATUS_OK);
    const auto dense = made<tf_array>([&](tf_array **out) { return tf_array_contiguous(out, array.get()); });
    EXPECT_EQ(memcmp(odd.data() + 1, tf_array_data(dense.get()), 120), 0) << storage.name;
  }
}

TEST(LoadInThreads, GivesTheSameArraysAndReportsOnTheCallingThread) {
  auto dict = made<tf_dict>([](tf_dict **out) { return tf_dict_new(out); });
  uint64_t total = 0;
  for (int i = 0; i < 6; ++i) {
    const auto array = random_array(TF_DTYPE_INT32, {1 + i * 900000}, static_cast<unsigned>(i));
    total += tf_array_nbytes(array.get());
    ASSERT_EQ(tf_dict_set_array(dict.get(), std::to_string(i).c_str(), SIZE_MAX, array.get()), TF_STATUS_OK);
  }
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_NPZ}) {
    const auto buffer = made<tf_buffer>(
        [&](tf_buffer **out) { return tf_save_memory(out, format, nullptr, dict.get(), nullptr, nullptr); });
    for (const int64_t threads : {1, 2, 7}) {
      struct Seen {
        const void *thread;
        uint64_t done;
        uint64_t total;
      } seen{tf_error_message(), 0, 0};
      auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
      ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_THREADS, threads), TF_STATUS_OK);
      const auto progress = [](void *user, uint64_t done, uint64_t whole) -> tf_status {
        auto *state = static_cast<Seen *>(user);
        // Each thread has an error record at another address.
        EXPECT_EQ(state->thread, tf_error_message());
        EXPECT_GE(done, state->done);
        state->done = done;
        state->total = whole;
        return TF_STATUS_OK;
      };
      ASSERT_EQ(tf_options_set_progress(options.get(), progress, nullptr, &seen), TF_STATUS_OK);
      tf_dict *raw = nullptr;
      ASSERT_EQ(tf_load_memory(nullptr, &raw, nullptr, tf_buffer_data(buffer.get()), tf_buffer_size(buffer.get()),
                               format, options.get()),
                TF_STATUS_OK)
          << tf_error_message();
      const Handle<tf_dict> loaded(raw);
      EXPECT_EQ(seen.done, total);
      EXPECT_EQ(seen.total, total);
      for (int i = 0; i < 6; ++i) {
        const std::string name = std::to_string(i);
        const auto a =
            made<tf_array>([&](tf_array **out) { return tf_dict_get_array(out, dict.get(), name.c_str(), SIZE_MAX); });
        const auto b = made<tf_array>(
            [&](tf_array **out) { return tf_dict_get_array(out, loaded.get(), name.c_str(), SIZE_MAX); });
        int32_t equal = 0;
        ASSERT_EQ(tf_array_equal(&equal, a.get(), b.get()), TF_STATUS_OK);
        EXPECT_EQ(equal, 1);
      }
    }
  }
}

TEST(LoadInThreads, CancelEndsTheCall) {
  const auto array = random_array(TF_DTYPE_INT32, {5000000}, 1);
  const std::string bytes = save(kStorages[8], array.get());
  auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
  const auto cancel = [](void *, uint64_t, uint64_t) -> tf_status { return TF_STATUS_CANCELLED; };
  ASSERT_EQ(tf_options_set_progress(options.get(), cancel, nullptr, nullptr), TF_STATUS_OK);
  tf_dict *arrays = nullptr;
  EXPECT_EQ(tf_load_memory(nullptr, &arrays, nullptr, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options.get()),
            TF_STATUS_CANCELLED);
  EXPECT_EQ(arrays, nullptr);
  tf_buffer *buffer = nullptr;
  EXPECT_EQ(tf_save_memory(&buffer, TF_FORMAT_NPY, array.get(), nullptr, nullptr, options.get()), TF_STATUS_CANCELLED);
  EXPECT_EQ(buffer, nullptr);
}

}  // namespace
}  // namespace tfile::testing
