// Read plans of whole arrays, and loading many arrays: the same values as reading them one by one, and how much work it
// takes. Plans of slices are in read_plan_slices_test.cpp.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "support/counted_source.h"
#include "support/expect_error.h"
#include "support/handles.h"
#include "support/memory.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

struct Storage {
  const char *name;
  tf_format format;
  bool deflated;
};

constexpr Storage kStorages[] = {{"npz", TF_FORMAT_NPZ, false},
                                 {"npz_deflated", TF_FORMAT_NPZ, true},
                                 {"safetensors", TF_FORMAT_SAFETENSORS, false},
                                 {"gguf", TF_FORMAT_GGUF, false}};

std::string save(const Storage &storage, const tf_dict *arrays) {
  const auto options = options_with({{TF_OPTION_COMPRESS, storage.deflated}});
  return contents(made<tf_buffer>([&](tf_buffer **out) {
                    return tf_save_memory(out, storage.format, nullptr, arrays, nullptr, options.get());
                  }).get());
}

Handle<tf_file> open(const std::string &bytes, const tf_options *options = nullptr) {
  return made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options); });
}

// Small arrays, an empty one, one in Fortran order, and one that is read in several pieces.
Handle<tf_dict> mixed_arrays() {
  auto dict = new_dict();
  const auto set = [&](const std::string &name, const tf_array *array) {
    EXPECT_EQ(tf_dict_set_array(dict.get(), name.c_str(), SIZE_MAX, const_cast<tf_array *>(array)), TF_STATUS_OK);
  };
  for (unsigned i = 0; i < 40; ++i)
    set("small" + std::to_string(i), random_array(TF_DTYPE_INT16, {1 + i % 7, 5}, i).get());
  set("empty", random_array(TF_DTYPE_INT32, {3, 0}).get());
  const auto matrix = random_array(TF_DTYPE_INT32, {30, 50}, 7);
  set("turned",
      made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, matrix.get(), nullptr, 0); }).get());
  set("middle", random_array(TF_DTYPE_INT8, {200000}, 8).get());
  set("large", random_array(TF_DTYPE_INT32, {1200000}, 9).get());
  return dict;
}

// Reads whole arrays with a plan.
tf_status read_whole(const tf_file *file, const std::vector<size_t> &indices, const std::vector<void *> &dst,
                     const std::vector<size_t> &nbytes, tf_dtype dtype = TF_DTYPE_AS_STORED) {
  const auto plan = made<tf_read_plan>([&](tf_read_plan **out) { return tf_read_plan_new(out, file); });
  for (size_t i = 0; i < indices.size(); ++i) {
    const tf_status status =
        tf_read_plan_add(plan.get(), indices[i], nullptr, nullptr, nullptr, 0, dtype, dst[i], nullptr, nbytes[i]);
    if (status != TF_STATUS_OK) return status;
  }
  return tf_read_plan_run(plan.get());
}

// Destinations for the arrays of a file, at odd addresses.
struct Destinations {
  Destinations(const tf_file *file, std::vector<size_t> wanted, tf_dtype dtype) : indices(std::move(wanted)) {
    for (const size_t index : indices) {
      uint64_t size = 1;
      for (size_t i = 0; i < tf_file_ndim(file, index); ++i)
        size *= static_cast<uint64_t>(tf_file_shape(file, index)[i]);
      const bool own = dtype == TF_DTYPE_AS_STORED;
      nbytes.push_back(own ? tf_file_nbytes(file, index)
                           : size / tf_dtype_block_size(dtype) * tf_dtype_block_bytes(dtype));
      memory.emplace_back(nbytes.back() + 1);
      dst.push_back(memory.back().data() + 1);
    }
  }
  tf_status read(const tf_file *file, tf_dtype dtype = TF_DTYPE_AS_STORED) const {
    return read_whole(file, indices, dst, nbytes, dtype);
  }

  std::vector<size_t> indices;
  std::vector<size_t> nbytes;
  std::vector<std::vector<char>> memory;
  std::vector<void *> dst;
};

// Expects a destination to have the bytes that tf_file_read() and tf_array_cast() make.
void expect_read(const Destinations &destinations, size_t i, const tf_file *file, tf_dtype dtype) {
  auto one = made<tf_array>([&](tf_array **out) { return tf_file_read(out, file, destinations.indices[i]); });
  if (dtype != TF_DTYPE_AS_STORED) {
    one = made<tf_array>([&](tf_array **out) { return tf_array_cast(out, one.get(), dtype, nullptr); });
  }
  ASSERT_EQ(tf_array_nbytes(one.get()), destinations.nbytes[i]);
  if (destinations.nbytes[i] == 0) return;
  EXPECT_EQ(memcmp(destinations.dst[i], tf_array_data(one.get()), destinations.nbytes[i]), 0) << "array " << i;
}

TEST(ReadPlan, EqualsReadingOneByOne) {
  const auto arrays = mixed_arrays();
  for (const Storage &storage : kStorages) {
    const std::string bytes = save(storage, arrays.get());
    for (const int64_t threads : {1, 2, 5}) {
      const auto options = options_with({{TF_OPTION_THREADS, threads}});
      const auto file = open(bytes, options.get());
      std::vector<size_t> order(tf_file_count(file.get()));
      std::iota(order.begin(), order.end(), size_t{0});
      std::shuffle(order.begin(), order.end(), std::mt19937(1));
      order.push_back(order[3]);
      for (const tf_dtype dtype : {TF_DTYPE_AS_STORED, TF_DTYPE_FLOAT32, TF_DTYPE_INT16, TF_DTYPE_FLOAT64}) {
        Destinations destinations(file.get(), order, dtype);
        ASSERT_EQ(destinations.read(file.get(), dtype), TF_STATUS_OK) << storage.name << tf_error_message();
        for (size_t i = 0; i < order.size(); ++i)
          expect_read(destinations, i, file.get(), dtype);
      }
    }
  }
}

TEST(ReadPlan, EncodesAndDecodesBlocksPieceByPiece) {
  const auto options = options_with({{TF_OPTION_THREADS, 3}});
  const auto floats = random_array(TF_DTYPE_INT8, {1300, 4096}, 3);
  const auto reals =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, floats.get(), TF_DTYPE_FLOAT32, nullptr); });
  for (const tf_dtype block : {TF_DTYPE_Q8_0, TF_DTYPE_Q4_K}) {
    const auto blocks = made<tf_array>([&](tf_array **out) { return tf_array_cast(out, reals.get(), block, nullptr); });
    const auto plain = open(save(kStorages[2], dict_of({{"w", reals.get()}}).get()), options.get());
    Destinations encoded(plain.get(), {0}, block);
    ASSERT_EQ(encoded.read(plain.get(), block), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(memcmp(encoded.dst[0], tf_array_data(blocks.get()), tf_array_nbytes(blocks.get())), 0);
    const auto quantised = open(save(kStorages[3], dict_of({{"w", blocks.get()}}).get()), options.get());
    Destinations decoded(quantised.get(), {0}, TF_DTYPE_FLOAT16);
    ASSERT_EQ(decoded.read(quantised.get(), TF_DTYPE_FLOAT16), TF_STATUS_OK) << tf_error_message();
    expect_read(decoded, 0, quantised.get(), TF_DTYPE_FLOAT16);
  }
}

Handle<tf_dict> equal_arrays(size_t count, int64_t size) {
  auto dict = new_dict();
  for (size_t i = 0; i < count; ++i) {
    const auto array = random_array(TF_DTYPE_INT32, {size}, static_cast<unsigned>(i));
    EXPECT_EQ(tf_dict_set_array(dict.get(), std::to_string(10000 + i).c_str(), SIZE_MAX, array.get()), TF_STATUS_OK);
  }
  return dict;
}

TEST(ReadPlanWork, NeighboursAreReadTogether) {
  CountedSource counted{save(kStorages[2], equal_arrays(1000, 16).get())};
  const auto file = counted.open();
  std::vector<size_t> all(1000);
  std::iota(all.rbegin(), all.rend(), size_t{0});
  Destinations destinations(file.get(), all, TF_DTYPE_AS_STORED);
  ASSERT_EQ(destinations.read(file.get()), TF_STATUS_OK);
  EXPECT_EQ(counted.reads.size(), 4u);
  EXPECT_EQ(counted.read_bytes(), 1000u * 64);
  // If every other array is read, the gaps between them are read too, but nothing after the last one.
  counted.reads.clear();
  std::vector<size_t> some;
  for (size_t i = 0; i < 200; i += 2)
    some.push_back(i);
  Destinations holes(file.get(), some, TF_DTYPE_AS_STORED);
  ASSERT_EQ(holes.read(file.get()), TF_STATUS_OK);
  EXPECT_EQ(counted.reads, (std::vector<uint64_t>{199u * 64}));
  for (size_t i = 0; i < some.size(); ++i)
    expect_read(holes, i, file.get(), TF_DTYPE_AS_STORED);
  // Arrays that are far apart are read separately, without the bytes between them.
  counted.reads.clear();
  Destinations apart(file.get(), {0, 999}, TF_DTYPE_AS_STORED);
  ASSERT_EQ(apart.read(file.get()), TF_STATUS_OK);
  EXPECT_EQ(counted.reads, (std::vector<uint64_t>{64, 64}));
}

TEST(ReadPlanWork, MembersOfAnArchiveAreReadTogether) {
  CountedSource counted{save(kStorages[0], equal_arrays(500, 16).get())};
  const auto file = counted.open();
  tf_dict *loaded = nullptr;
  const auto from = counted.source();
  counted.reads.clear();
  std::vector<size_t> all(500);
  std::iota(all.begin(), all.end(), size_t{0});
  Destinations destinations(file.get(), all, TF_DTYPE_AS_STORED);
  ASSERT_EQ(destinations.read(file.get()), TF_STATUS_OK);
  EXPECT_EQ(counted.reads.size(), 4u);
  // Reads at most the size of the archive: the headers of the members are between their data.
  EXPECT_LE(counted.read_bytes(), counted.bytes.size());
  for (size_t i = 0; i < all.size(); i += 17)
    expect_read(destinations, i, file.get(), TF_DTYPE_AS_STORED);
  ASSERT_EQ(tf_load_source(nullptr, &loaded, nullptr, from.get(), TF_FORMAT_NPZ, nullptr), TF_STATUS_OK);
  tf_dict_release(loaded);
}

TEST(ReadPlanWork, EveryByteOfLargeArraysIsReadOnce) {
  for (const bool concurrent : {false, true}) {
    for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_NPZ}) {
      CountedSource counted{save({"", format, false}, equal_arrays(3, 3000000).get()), concurrent};
      const auto options = options_with({{TF_OPTION_THREADS, 2}});
      const auto file = counted.open(options.get());
      for (const tf_dtype dtype : {TF_DTYPE_AS_STORED, TF_DTYPE_FLOAT64}) {
        counted.reads.clear();
        Destinations destinations(file.get(), {0, 1, 2}, dtype);
        ASSERT_EQ(destinations.read(file.get(), dtype), TF_STATUS_OK);
        EXPECT_EQ(counted.read_bytes(), 3u * 12000000);
      }
    }
  }
}

TEST(ReadPlanWork, CastingNeedsNoSecondCopy) {
  TestMemory memory;
  const std::string bytes = save(kStorages[2], equal_arrays(1, 4000000).get());
  auto options = options_with({{TF_OPTION_THREADS, 2}});
  ASSERT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
            TF_STATUS_OK);
  CountedSource counted{bytes};
  const auto file = counted.open(options.get());
  const int64_t before = memory.bytes();
  Destinations destinations(file.get(), {0}, TF_DTYPE_FLOAT16);
  ASSERT_EQ(destinations.read(file.get(), TF_DTYPE_FLOAT16), TF_STATUS_OK);
  EXPECT_EQ(memory.bytes(), before);
  EXPECT_LT(memory.peak(), int64_t{2} << 20);
}

TEST(LoadWork, SmallArraysShareMemory) {
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF, TF_FORMAT_NPZ}) {
    TestMemory memory;
    CountedSource counted{save({"", format, false}, equal_arrays(5000, 16).get())};
    auto options = options_with({});
    ASSERT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
              TF_STATUS_OK);
    const auto source = counted.source();
    tf_dict *raw = nullptr;
    ASSERT_EQ(tf_load_source(nullptr, &raw, nullptr, source.get(), format, options.get()), TF_STATUS_OK)
        << tf_error_message();
    const Handle<tf_dict> loaded(raw);
    // One allocation for each entry of the dict, and few others.
    EXPECT_LT(memory.allocations(), 5000 + 150);
    // For each array: 64 bytes of data, the objects, the entry with its key, and the index.
    EXPECT_LT(memory.bytes(), 5000 * 500);
    for (size_t i = 0; i < 5000; i += 7) {
      const auto expected = random_array(TF_DTYPE_INT32, {16}, static_cast<unsigned>(i));
      EXPECT_TRUE(same(array_of(loaded.get(), std::to_string(10000 + i)).get(), expected.get())) << i;
    }
  }
}

TEST(LoadWork, AnArrayOfASlabIsIndependentAndOutlivesTheOthers) {
  TestMemory memory;
  Handle<tf_array> kept;
  const auto expected = random_array(TF_DTYPE_INT32, {16}, 4321);
  {
    const std::string bytes = save(kStorages[2], equal_arrays(10000, 16).get());
    auto options = options_with({});
    ASSERT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
              TF_STATUS_OK);
    tf_dict *raw = nullptr;
    ASSERT_EQ(tf_load_memory(nullptr, &raw, nullptr, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options.get()),
              TF_STATUS_OK);
    const Handle<tf_dict> loaded(raw);
    kept = array_of(loaded.get(), "14321");
  }
  EXPECT_LE(memory.bytes(), int64_t{2} << 20);
  EXPECT_TRUE(same(kept.get(), expected.get()));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tf_array_data(kept.get())) % 64, 0u);
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, kept.get()), TF_STATUS_OK) << tf_error_message();
  const auto view = made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, kept.get(), nullptr, 0); });
  EXPECT_EQ(tf_array_data_mut(&data, kept.get()), TF_STATUS_INVALID_ARGUMENT);
  kept.reset();
  EXPECT_TRUE(same(view.get(), expected.get()));
}

TEST(LoadWork, EveryAllocationMayFail) {
  const std::string bytes = save(kStorages[0], mixed_arrays().get());
  fail_each_allocation([&](TestMemory &memory) {
    tf_options *options = nullptr;
    EXPECT_EQ(tf_options_new(&options), TF_STATUS_OK);
    EXPECT_EQ(tf_options_set_allocator(options, TestMemory::allocate, TestMemory::free, nullptr, &memory),
              TF_STATUS_OK);
    EXPECT_EQ(tf_options_set(options, TF_OPTION_THREADS, 1), TF_STATUS_OK);
    tf_dict *loaded = nullptr;
    const tf_status status =
        tf_load_memory(nullptr, &loaded, nullptr, bytes.data(), bytes.size(), TF_FORMAT_NPZ, options);
    EXPECT_EQ(loaded == nullptr, status != TF_STATUS_OK);
    tf_dict_release(loaded);
    tf_options_release(options);
    return Status{status};
  });
}

TEST(ReadPlanErrors, AreFoundBeforeAnythingIsRead) {
  const auto w = random_array(TF_DTYPE_FLOAT32, {4}, 1);
  const auto z = random_array(TF_DTYPE_COMPLEX64, {2}, 2);
  CountedSource counted{save(kStorages[2], dict_of({{"w", w.get()}, {"z", z.get()}}).get())};
  const auto file = counted.open();
  size_t index_w = 0;
  size_t index_z = 0;
  ASSERT_EQ(tf_file_find(&index_w, file.get(), "w", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_file_find(&index_z, file.get(), "z", SIZE_MAX), TF_STATUS_OK);
  char first[16];
  char second[16];
  const auto read = [&](const std::vector<size_t> &indices, const std::vector<void *> &dst,
                        const std::vector<size_t> &nbytes, tf_dtype dtype = TF_DTYPE_AS_STORED) {
    return read_whole(file.get(), indices, dst, nbytes, dtype);
  };
  EXPECT_EQ(read({index_w, 2}, {first, second}, {16, 16}), TF_STATUS_INVALID_ARGUMENT);
  expect_error("there is no array 2; the file has 2");
  EXPECT_EQ(read({index_w, index_z}, {first, second}, {16, 8}), TF_STATUS_INVALID_ARGUMENT);
  expect_error("array 'z': needs 16 bytes as complex64, dst has 8", kNoOffset, "z");
  EXPECT_EQ(read({index_w, index_z}, {first, nullptr}, {16, 16}), TF_STATUS_INVALID_ARGUMENT);
  expect_error("dst is NULL");
  EXPECT_EQ(read({index_w, index_z}, {first, second}, {8, 4}, TF_DTYPE_FLOAT16), TF_STATUS_TYPE);
  expect_error("cannot cast complex64 to float16: imaginary parts would be lost");
  EXPECT_EQ(read({index_w}, {first}, {16}, 999), TF_STATUS_INVALID_ARGUMENT);
  expect_error("there is no dtype with the number 999");
  EXPECT_EQ(read({}, {}, {}), TF_STATUS_OK);
  EXPECT_EQ(counted.reads.size(), 0u);
}

TEST(ReadPlanErrors, AnArrayOfAnUnknownTypeIsNamed) {
  std::string bytes = save(kStorages[2], dict_of({{"w", random_array(TF_DTYPE_FLOAT32, {4}, 1).get()}}).get());
  bytes.replace(bytes.find("\"F32\""), 5, "\"Q77\"");
  const auto file = open(bytes);
  const size_t index = 0;
  char memory[16];
  void *dst = memory;
  const size_t nbytes = 16;
  EXPECT_EQ(read_whole(file.get(), {index}, {dst}, {nbytes}), TF_STATUS_UNSUPPORTED);
  expect_error("array 'w': cannot be read: dtype 'Q77'", kNoOffset, "w");
}

TEST(ReadPlanErrors, ABadChecksumIsNamedWhereverItIs) {
  const auto small = random_array(TF_DTYPE_INT8, {100}, 1);
  const auto large = random_array(TF_DTYPE_INT8, {9000000}, 2);
  const std::string good =
      save(kStorages[0], dict_of({{"a", small.get()}, {"b", large.get()}, {"c", small.get()}}).get());
  const auto options = options_with({{TF_OPTION_THREADS, 2}});
  const struct {
    const char *name;
    size_t byte;
  } cases[] = {{"a", 0}, {"b", 0}, {"b", 4500000}, {"b", 8999999}, {"c", 99}};
  for (const auto &[name, byte] : cases) {
    const auto file = open(good, options.get());
    size_t index = 0;
    uint64_t offset = 0;
    ASSERT_EQ(tf_file_find(&index, file.get(), name, SIZE_MAX), TF_STATUS_OK);
    ASSERT_EQ(tf_file_location(nullptr, &offset, nullptr, nullptr, file.get(), index), TF_STATUS_OK);
    std::string bad = good;
    bad[static_cast<size_t>(offset) + byte] ^= 0x10;
    const auto damaged = open(bad, options.get());
    Destinations destinations(damaged.get(), {0, 1, 2}, TF_DTYPE_AS_STORED);
    EXPECT_EQ(destinations.read(damaged.get()), TF_STATUS_CORRUPT);
    const std::string message = tf_error_message();
    EXPECT_EQ(message.rfind("array '" + std::string(name) + "': CRC-32 of the member should be 0x", 0), 0u) << message;
    EXPECT_EQ(tf_error_offset(), offset);
    EXPECT_STREQ(tf_error_name(), name);
  }
}

class ReadPlanOfFiles : public ::testing::Test {
 protected:
  static Handle<tf_file> open_path(const std::string &path) {
    return made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), nullptr); });
  }
  TempFolder folder_;
};

TEST_F(ReadPlanOfFiles, EqualsReadingOneByOne) {
  const auto arrays = mixed_arrays();
  for (const Storage &storage : kStorages) {
    const auto file = open_path(folder_.write(storage.name, save(storage, arrays.get())));
    std::vector<size_t> some;
    for (size_t i = 0; i < tf_file_count(file.get()); i += 1 + i % 3)
      some.push_back(i);
    Destinations destinations(file.get(), some, TF_DTYPE_AS_STORED);
    ASSERT_EQ(destinations.read(file.get()), TF_STATUS_OK) << storage.name << tf_error_message();
    for (size_t i = 0; i < some.size(); ++i)
      expect_read(destinations, i, file.get(), TF_DTYPE_AS_STORED);
  }
}

TEST_F(ReadPlanOfFiles, AFileThatHasBecomeShorterNamesTheArray) {
  const std::string bytes = save(kStorages[2], equal_arrays(300, 16).get());
  const std::string path = folder_.write("short.safetensors", bytes);
  const auto file = open_path(path);
  uint64_t offset = 0;
  ASSERT_EQ(tf_file_location(nullptr, &offset, nullptr, nullptr, file.get(), 123), TF_STATUS_OK);
  std::filesystem::resize_file(path, offset + 10);
  std::vector<size_t> all(300);
  std::iota(all.begin(), all.end(), size_t{0});
  Destinations destinations(file.get(), all, TF_DTYPE_AS_STORED);
  EXPECT_EQ(destinations.read(file.get()), TF_STATUS_TRUNCATED);
  expect_error(
      path + ": array '10123': expected 64 bytes, the file ends after 10 (byte " + std::to_string(offset) + ")", offset,
      "10123");
}

}  // namespace
}  // namespace tfile::testing
