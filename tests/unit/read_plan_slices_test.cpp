// Read plans of slices: the same values as tf_file_read_slice(), how much is read, and the callback.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "support/counted_source.h"
#include "support/expect_error.h"
#include "support/handles.h"
#include "support/memory.h"
#include "support/npy_builder.h"

namespace tfile::testing {
namespace {

constexpr int64_t kOmit = TENSORFILE_SLICE_OMITTED;

using Sizes = std::vector<int64_t>;

Handle<tf_file> open(const std::string &bytes, const tf_options *options = nullptr) {
  return made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options); });
}

std::string save(tf_format format, const tf_dict *arrays, bool deflated = false) {
  const auto options = options_with({{TF_OPTION_COMPRESS, deflated}});
  return contents(made<tf_buffer>([&](tf_buffer **out) {
                    return tf_save_memory(out, format, nullptr, arrays, nullptr, options.get());
                  }).get());
}

// One entry of a plan, the memory for it, and the result that tf_file_read_slice() and tf_array_cast() give.
struct Entry {
  size_t index = 0;
  Sizes start, stop, step;  // empty: the whole array
  tf_dtype dtype = TF_DTYPE_AS_STORED;
  Handle<tf_array> expected = {};
  Sizes strides = {};
  std::vector<char> memory = {};
  char *dst = nullptr;

  const int64_t *first(const Sizes &sizes) const { return sizes.empty() ? nullptr : sizes.data(); }

  // Sets what is expected. Returns false if the slice cuts through a unit, which is an error without a cast.
  bool expect(const tf_file *file) {
    const size_t ndim = tf_file_ndim(file, index);
    tf_array *raw = nullptr;
    const tf_status status = step.empty() && start.empty()
                                 ? tf_file_read(&raw, file, index)
                                 : tf_file_read_slice(&raw, file, index, first(start), first(stop), first(step), ndim);
    if (status == TF_STATUS_UNSUPPORTED) return false;
    EXPECT_EQ(status, TF_STATUS_OK) << tf_error_message();
    expected = Handle<tf_array>(raw);
    if (dtype == TF_DTYPE_AS_STORED) return true;
    expected = made<tf_array>([&](tf_array **out) { return tf_array_cast(out, expected.get(), dtype, nullptr); });
    return true;
  }

  // Chooses memory: C order at an odd address, or strides in which the order of axes and their direction vary.
  void choose_memory(std::mt19937 &random) {
    const tf_array *const array = expected.get();
    const size_t ndim = tf_array_ndim(array);
    const tf_dtype to = tf_array_dtype(array);
    if (tf_dtype_block_size(to) > 1 || random() % 2 == 0 || tf_array_size(array) == 0) {
      memory.resize(tf_array_nbytes(array) + 1);
      dst = memory.data() + 1;
      return;
    }
    Sizes order(ndim);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    strides.resize(ndim);
    auto reach = static_cast<int64_t>(tf_dtype_block_bytes(to));
    int64_t before = 0;
    for (const int64_t axis : order) {
      const auto i = static_cast<size_t>(axis);
      strides[i] = reach + static_cast<int64_t>(random() % 3);
      reach = strides[i] * tf_array_shape(array)[i];
      if (random() % 3 == 0) {
        before += strides[i] * (tf_array_shape(array)[i] - 1);
        strides[i] = -strides[i];
      }
    }
    memory.resize(static_cast<size_t>(reach + before));
    dst = memory.data() + before;
  }

  tf_status add(tf_read_plan *plan) {
    const size_t ndim = start.empty() ? 0 : start.size();
    const auto nbytes = static_cast<size_t>(memory.data() + memory.size() - dst);
    return tf_read_plan_add(plan, index, first(start), first(stop), first(step), ndim, dtype, dst, first(strides),
                            nbytes);
  }

  void check() const {
    if (strides.empty()) {
      if (tf_array_nbytes(expected.get()) > 0) {
        EXPECT_EQ(memcmp(dst, tf_array_data(expected.get()), tf_array_nbytes(expected.get())), 0);
      }
      return;
    }
    const size_t ndim = strides.size();
    const size_t item = tf_dtype_block_bytes(tf_array_dtype(expected.get()));
    const auto *from = static_cast<const char *>(tf_array_data(expected.get()));
    Sizes at(ndim, 0);
    for (;;) {
      const char *to = dst;
      for (size_t i = 0; i < ndim; ++i)
        to += at[i] * strides[i];
      ASSERT_EQ(memcmp(to, from, item), 0);
      from += item;
      size_t axis = ndim;
      while (axis > 0 && ++at[axis - 1] == tf_array_shape(expected.get())[axis - 1])
        at[--axis] = 0;
      if (axis == 0) return;
    }
  }
};

// A random slice: rows, columns, steps of both signs, single elements, and nothing.
void choose_slice(Entry &entry, const tf_file *file, std::mt19937 &random) {
  const size_t ndim = tf_file_ndim(file, entry.index);
  if (random() % 6 == 0) return;
  for (size_t i = 0; i < ndim; ++i) {
    const int64_t size = tf_file_shape(file, entry.index)[i];
    const auto any = [&] { return static_cast<int64_t>(random() % static_cast<uint64_t>(size + 1)); };
    const auto kind = random() % 5;
    const bool whole = kind < 2;
    int64_t a = whole ? kOmit : any();
    int64_t b = whole ? kOmit : any();
    if (!whole && a > b) std::swap(a, b);
    int64_t step = 1;
    if (kind == 3) step = 1 + static_cast<int64_t>(random() % 5);
    if (kind == 4) {
      step = -1 - static_cast<int64_t>(random() % 3);
      std::swap(a, b);
    }
    // Blocks of 32 elements are often cut at their borders.
    if (!whole && random() % 2 == 0 && size % 32 == 0 && step == 1) {
      a = a / 32 * 32;
      b = b / 32 * 32;
    }
    entry.start.push_back(a);
    entry.stop.push_back(b);
    entry.step.push_back(step);
  }
}

struct Counted {
  std::vector<int> times;
  std::thread::id thread = std::this_thread::get_id();
  const std::vector<Entry> *entries = nullptr;

  static tf_status complete(void *user, size_t entry) {
    auto &self = *static_cast<Counted *>(user);
    EXPECT_EQ(std::this_thread::get_id(), self.thread);
    ++self.times[entry];
    (*self.entries)[entry].check();
    return TF_STATUS_OK;
  }
};

// Runs plans of random entries. Each entry is checked when it is complete.
void check_random_plans(const tf_file *file, const std::vector<tf_dtype> &dtypes, unsigned seed, int rounds) {
  std::mt19937 random(seed);
  for (int round = 0; round < rounds; ++round) {
    std::vector<Entry> entries(1 + random() % 12);
    for (Entry &entry : entries) {
      do {
        entry = Entry();
        entry.index = random() % tf_file_count(file);
        entry.dtype = dtypes[random() % dtypes.size()];
        choose_slice(entry, file, random);
      } while (!entry.expect(file));
      entry.choose_memory(random);
    }
    Counted counted{std::vector<int>(entries.size(), 0)};
    counted.entries = &entries;
    const auto plan = made<tf_read_plan>([&](tf_read_plan **out) { return tf_read_plan_new(out, file); });
    for (Entry &entry : entries)
      ASSERT_EQ(entry.add(plan.get()), TF_STATUS_OK) << tf_error_message();
    ASSERT_EQ(tf_read_plan_set_complete(plan.get(), Counted::complete, nullptr, &counted), TF_STATUS_OK);
    ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(counted.times, std::vector<int>(entries.size(), 1)) << "round " << round;
  }
}

const std::vector<tf_dtype> kCasts = {TF_DTYPE_AS_STORED, TF_DTYPE_AS_STORED, TF_DTYPE_FLOAT64, TF_DTYPE_INT16,
                                      TF_DTYPE_FLOAT32};

Handle<tf_dict> numbers() {
  return dict_of({{"a", random_array(TF_DTYPE_INT32, {60, 50}, 1).get()},
                  {"b", random_array(TF_DTYPE_INT16, {7, 1, 11, 13}, 2).get()},
                  {"bools", random_array(TF_DTYPE_BOOL, {40, 9}, 3).get()},
                  {"scalar", random_array(TF_DTYPE_INT8, {}, 4).get()},
                  {"line", random_array(TF_DTYPE_UINT8, {5000}, 5).get()},
                  {"wide", random_array(TF_DTYPE_INT16, {12, 20000}, 6).get()},
                  {"tall", random_array(TF_DTYPE_INT8, {60000, 5}, 7).get()}});
}

TEST(ReadPlanSlices, EqualReadingSliceBySlice) {
  const auto arrays = numbers();
  unsigned seed = 0;
  for (const int64_t threads : {1, 3}) {
    const auto options = options_with({{TF_OPTION_THREADS, threads}});
    check_random_plans(open(save(TF_FORMAT_SAFETENSORS, arrays.get()), options.get()).get(), kCasts, ++seed, 30);
    check_random_plans(open(save(TF_FORMAT_NPZ, arrays.get()), options.get()).get(), kCasts, ++seed, 30);
    check_random_plans(open(save(TF_FORMAT_NPZ, arrays.get(), true), options.get()).get(), kCasts, ++seed, 30);
  }
}

// Large enough to be read in several bands and pieces.
TEST(ReadPlanSlices, OfLargeArraysEqualReadingSliceBySlice) {
  const auto wide = random_array(TF_DTYPE_INT16, {2, 350, 6500}, 1);
  const auto turned = made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, wide.get(), nullptr, 0); });
  const auto arrays = dict_of({{"turned", turned.get()}, {"wide", wide.get()}});
  const auto options = options_with({{TF_OPTION_THREADS, 3}});
  for (const bool deflated : {false, true}) {
    const auto npz = save(TF_FORMAT_NPZ, arrays.get(), deflated);
    check_random_plans(open(npz, options.get()).get(), kCasts, 11, 3);
  }
  check_random_plans(open(save(TF_FORMAT_SAFETENSORS, arrays.get()), options.get()).get(), kCasts, 12, 3);
}

// A file of NumPy in another byte order and in Fortran order.
TEST(ReadPlanSlices, OfFortranOrderAndBigEndian) {
  std::string data(size_t{60} * 50 * 4, '\0');
  std::mt19937 random(3);
  for (char &byte : data)
    byte = static_cast<char>(random());
  for (const char *descr : {"<i4", ">i4", ">i2", "|b1"}) {
    for (const char *order : {"True", "False"}) {
      const size_t item = static_cast<size_t>(descr[2] - '0');
      const std::string bytes = npy(npy_text(descr, "(12, 5, 50)", order), data.substr(0, 3000 * item));
      const auto options = options_with({{TF_OPTION_THREADS, 2}});
      check_random_plans(open(bytes, options.get()).get(), kCasts, 17, 40);
    }
  }
}

TEST(ReadPlanSlices, OfBlockTypes) {
  const auto bytes = random_array(TF_DTYPE_INT8, {64, 256}, 8);
  const auto reals =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, bytes.get(), TF_DTYPE_FLOAT32, nullptr); });
  const auto q8 =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, reals.get(), TF_DTYPE_Q8_0, nullptr); });
  const auto q4 =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, reals.get(), TF_DTYPE_Q4_K, nullptr); });
  const auto gguf = save(TF_FORMAT_GGUF, dict_of({{"q8", q8.get()}, {"q4", q4.get()}, {"f", reals.get()}}).get());
  const auto options = options_with({{TF_OPTION_THREADS, 2}});
  const auto file = open(gguf, options.get());
  check_random_plans(file.get(), {TF_DTYPE_AS_STORED, TF_DTYPE_FLOAT16, TF_DTYPE_FLOAT32}, 5, 120);
  // Encoding needs rows of whole blocks.
  for (const Sizes &start : {Sizes{3, 0}, Sizes{0, 64}, Sizes{5, 128}}) {
    Entry entry;
    ASSERT_EQ(tf_file_find(&entry.index, file.get(), "f", SIZE_MAX), TF_STATUS_OK);
    entry.start = start;
    entry.stop = {60, 256};
    entry.step = {start[0] == 5 ? 2 : 1, 1};
    entry.dtype = TF_DTYPE_Q8_0;
    ASSERT_TRUE(entry.expect(file.get()));
    entry.memory.resize(tf_array_nbytes(entry.expected.get()));
    entry.dst = entry.memory.data();
    const auto plan = made<tf_read_plan>([&](tf_read_plan **out) { return tf_read_plan_new(out, file.get()); });
    ASSERT_EQ(entry.add(plan.get()), TF_STATUS_OK) << tf_error_message();
    ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK) << tf_error_message();
    entry.check();
  }
}

TEST(ReadPlanSlices, OfPackedTypes) {
  const auto file =
      open(save(TF_FORMAT_SAFETENSORS, dict_of({{"f4", random_array(TF_DTYPE_FLOAT4_E2M1FN, {6, 10}, 1).get()},
                                                {"f6", random_array(TF_DTYPE_FLOAT6_E3M2FN, {8, 3}, 2).get()}})
                                           .get()));
  check_random_plans(file.get(), {TF_DTYPE_AS_STORED, TF_DTYPE_FLOAT32}, 6, 100);
}

// Adds a slice of array 0 in C order.
void add_slice(const Handle<tf_read_plan> &plan, std::vector<std::vector<char>> &memory, const Sizes &start,
               const Sizes &stop, size_t nbytes, tf_dtype dtype = TF_DTYPE_AS_STORED) {
  memory.emplace_back(nbytes);
  ASSERT_EQ(tf_read_plan_add(plan.get(), 0, start.data(), stop.data(), nullptr, start.size(), dtype,
                             memory.back().data(), nullptr, nbytes),
            TF_STATUS_OK)
      << tf_error_message();
}

class ReadPlanReads : public ::testing::Test {
 protected:
  Handle<tf_read_plan> plan_of(const tf_file *file) {
    return made<tf_read_plan>([&](tf_read_plan **out) { return tf_read_plan_new(out, file); });
  }
  std::vector<std::vector<char>> memory_;
};

TEST_F(ReadPlanReads, SlicesOfNeighbouringRowsAreOneRead) {
  const auto w = random_array(TF_DTYPE_INT32, {64, 1024}, 1);
  CountedSource counted{save(TF_FORMAT_SAFETENSORS, dict_of({{"w", w.get()}}).get())};
  const auto file = counted.open();
  const auto plan = plan_of(file.get());
  for (const int64_t rank : {3, 1, 0, 2})
    add_slice(plan, memory_, {rank * 16, 0}, {rank * 16 + 16, 1024}, 65536);
  ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(counted.reads, (std::vector<uint64_t>{262144}));
  EXPECT_EQ(memcmp(memory_[0].data(), static_cast<const char *>(tf_array_data(w.get())) + 3 * 65536, 65536), 0);
}

// Four columns of a matrix whose rows are close together: the matrix is read once, not once for each.
TEST_F(ReadPlanReads, ColumnSlicesOfOneArrayAreReadInOnePass) {
  const auto w = random_array(TF_DTYPE_INT32, {2048, 1024}, 2);
  CountedSource counted{save(TF_FORMAT_SAFETENSORS, dict_of({{"w", w.get()}}).get()), true};
  for (const tf_dtype dtype : {TF_DTYPE_AS_STORED, TF_DTYPE_FLOAT64}) {
    for (const int64_t threads : {1, 4}) {
      const auto options = options_with({{TF_OPTION_THREADS, threads}});
      const auto file = counted.open(options.get());
      const auto plan = plan_of(file.get());
      for (const int64_t rank : {0, 1, 2, 3}) {
        add_slice(plan, memory_, {0, rank * 256}, {2048, rank * 256 + 256},
                  size_t{2048} * 256 * (dtype == TF_DTYPE_FLOAT64 ? 8 : 4), dtype);
      }
      ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK) << tf_error_message();
      EXPECT_EQ(counted.read_bytes(), 2048u * 4096);
      EXPECT_LE(counted.reads.size(), 12u);
    }
  }
}

// One narrow column of a matrix whose rows are far apart reads little more than the column.
TEST_F(ReadPlanReads, AColumnOfLongRowsDoesNotReadTheRows) {
  const auto w = random_array(TF_DTYPE_INT8, {100, 200000}, 3);
  CountedSource counted{save(TF_FORMAT_SAFETENSORS, dict_of({{"w", w.get()}}).get())};
  const auto file = counted.open();
  const auto plan = plan_of(file.get());
  add_slice(plan, memory_, {0, 1000}, {100, 2000}, 100000);
  ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK);
  EXPECT_EQ(counted.reads, std::vector<uint64_t>(100, 1000));
}

TEST_F(ReadPlanReads, BlocksOfCloseRowsAreReadTogether) {
  const auto bytes = random_array(TF_DTYPE_INT8, {512, 1024}, 4);
  const auto reals =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, bytes.get(), TF_DTYPE_FLOAT32, nullptr); });
  const auto q8 =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, reals.get(), TF_DTYPE_Q8_0, nullptr); });
  CountedSource counted{save(TF_FORMAT_GGUF, dict_of({{"w", q8.get()}}).get())};
  const auto file = counted.open();
  const auto plan = plan_of(file.get());
  add_slice(plan, memory_, {0, 0}, {512, 512}, 512u * 512 * 2, TF_DTYPE_FLOAT16);
  add_slice(plan, memory_, {0, 512}, {512, 1024}, 512u * 512 * 2, TF_DTYPE_FLOAT16);
  ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_EQ(counted.reads, (std::vector<uint64_t>{512u * 1024 / 32 * 34}));
}

// A deflated member is inflated once for all of its slices, although they are far apart and in any order.
TEST_F(ReadPlanReads, ADeflatedMemberIsInflatedOnce) {
  std::string zeros(size_t{3000} * 4096, '\0');
  for (size_t i = 0; i < zeros.size(); ++i)
    zeros[i] = static_cast<char>(i % 251 * (i / 4096 % 7));
  const Sizes shape{3000, 4096};
  const auto w = made<tf_array>([&](tf_array **out) {
    return tf_array_copy_from(out, TF_DTYPE_UINT8, shape.data(), 2, zeros.data(), zeros.size());
  });
  CountedSource counted{save(TF_FORMAT_NPZ, dict_of({{"w", w.get()}}).get(), true)};
  const auto file = counted.open();
  uint64_t stored = 0;
  ASSERT_EQ(tf_file_location(nullptr, nullptr, &stored, nullptr, file.get(), 0), TF_STATUS_OK);
  const auto plan = plan_of(file.get());
  add_slice(plan, memory_, {0, 2048}, {3000, 4096}, size_t{3000} * 2048);
  add_slice(plan, memory_, {2000, 0}, {3000, 4096}, size_t{1000} * 4096);
  add_slice(plan, memory_, {0, 0}, {3000, 2048}, size_t{3000} * 2048 * 2, TF_DTYPE_INT16);
  ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK) << tf_error_message();
  EXPECT_LE(counted.read_bytes(), stored);
  EXPECT_EQ(memcmp(memory_[1].data(), zeros.data() + size_t{2000} * 4096, memory_[1].size()), 0);
}

TEST_F(ReadPlanReads, TheEntriesOfADamagedMemberAreVerifiedTogether) {
  const auto w = random_array(TF_DTYPE_INT8, {100, 64}, 5);
  for (const bool deflated : {false, true}) {
    std::string bytes = save(TF_FORMAT_NPZ, dict_of({{"w", w.get()}}).get(), deflated);
    const size_t directory = bytes.rfind("PK\x01\x02");
    ASSERT_NE(directory, std::string::npos);
    bytes[directory + 16] ^= 1;  // of the CRC-32
    bytes[14] ^= 1;
    const auto file = open(bytes);
    const auto plan = plan_of(file.get());
    add_slice(plan, memory_, {0, 0}, {100, 32}, 3200);
    add_slice(plan, memory_, {0, 32}, {100, 64}, 3200);
    EXPECT_EQ(tf_read_plan_run(plan.get()), deflated ? TF_STATUS_CORRUPT : TF_STATUS_OK);
    const auto whole = plan_of(file.get());
    add_slice(whole, memory_, {kOmit, kOmit}, {kOmit, kOmit}, 6400);
    EXPECT_EQ(tf_read_plan_run(whole.get()), TF_STATUS_CORRUPT);
    EXPECT_STREQ(tf_error_name(), "w");
  }
}

TEST_F(ReadPlanReads, CastsOfColumnsNeedLittleMemory) {
  TestMemory memory;
  const auto w = random_array(TF_DTYPE_INT32, {4096, 2048}, 6);
  auto options = options_with({{TF_OPTION_THREADS, 2}});
  ASSERT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
            TF_STATUS_OK);
  CountedSource counted{save(TF_FORMAT_SAFETENSORS, dict_of({{"w", w.get()}}).get())};
  const auto file = counted.open(options.get());
  const auto plan = plan_of(file.get());
  add_slice(plan, memory_, {0, 0}, {4096, 1024}, size_t{4096} * 1024 * 2, TF_DTYPE_FLOAT16);
  ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK);
  EXPECT_LT(memory.peak(), int64_t{8} << 20);
}

TEST_F(ReadPlanReads, EveryAllocationMayFail) {
  const auto arrays = numbers();
  for (const bool deflated : {false, true}) {
    const std::string bytes = save(TF_FORMAT_NPZ, arrays.get(), deflated);
    char columns[2][60 * 25 * 8];
    fail_each_allocation([&](TestMemory &memory) {
      auto options = options_with({{TF_OPTION_THREADS, 1}});
      EXPECT_EQ(tf_options_set_allocator(options.get(), TestMemory::allocate, TestMemory::free, nullptr, &memory),
                TF_STATUS_OK);
      tf_file *file = nullptr;
      tf_read_plan *plan = nullptr;
      tf_status status = tf_file_open_memory(&file, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options.get());
      if (status == TF_STATUS_OK) status = tf_read_plan_new(&plan, file);
      const Handle<tf_read_plan> owned(plan);
      tf_file_release(file);
      const auto ignore = [](void *, size_t) -> tf_status { return TF_STATUS_OK; };
      if (status == TF_STATUS_OK) status = tf_read_plan_set_complete(plan, ignore, nullptr, nullptr);
      for (const int64_t i : {0, 1}) {
        const int64_t start[] = {0, i * 25};
        const int64_t stop[] = {60, i * 25 + 25};
        if (status != TF_STATUS_OK) break;
        status = tf_read_plan_add(plan, 0, start, stop, nullptr, 2, TF_DTYPE_FLOAT64, columns[i], nullptr,
                                  sizeof(columns[i]));
      }
      if (status == TF_STATUS_OK) status = tf_read_plan_run(plan);
      return Status{status};
    });
  }
}

TEST_F(ReadPlanReads, EntriesAreCheckedWhenTheyAreAdded) {
  const auto w = random_array(TF_DTYPE_FLOAT32, {4, 6}, 1);
  CountedSource counted{save(TF_FORMAT_SAFETENSORS, dict_of({{"w", w.get()}}).get())};
  const auto file = counted.open();
  const auto plan = plan_of(file.get());
  char memory[400];
  const int64_t start[] = {1, 1};
  const int64_t zero[] = {0, 1};
  const auto add = [&](const int64_t *from, const int64_t *step, size_t ndim, tf_dtype dtype, void *dst,
                       const int64_t *strides, size_t nbytes) {
    return tf_read_plan_add(plan.get(), 0, from, nullptr, step, ndim, dtype, dst, strides, nbytes);
  };
  EXPECT_EQ(add(start, nullptr, 1, TF_DTYPE_AS_STORED, memory, nullptr, 60), TF_STATUS_INVALID_ARGUMENT);
  expect_error("a slice of 1 axes for 2 dimensions");
  EXPECT_EQ(add(start, zero, 2, TF_DTYPE_AS_STORED, memory, nullptr, 60), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the step of axis 0 is 0");
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_AS_STORED, memory, nullptr, 61), TF_STATUS_INVALID_ARGUMENT);
  expect_error("array 'w': needs 60 bytes as float32, dst has 61", kNoOffset, "w");
  EXPECT_EQ(add(start, nullptr, 2, 999, memory, nullptr, 60), TF_STATUS_INVALID_ARGUMENT);
  expect_error("there is no dtype with the number 999");
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_AS_STORED, nullptr, nullptr, 60), TF_STATUS_INVALID_ARGUMENT);
  expect_error("dst is NULL");
  const int64_t strides[] = {24, 4};
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_AS_STORED, memory, strides, 67), TF_STATUS_INVALID_ARGUMENT);
  expect_error("shape (3, 5) of float32 needs 68 bytes, there are 67");
  const int64_t huge[] = {INT64_MAX, 4};
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_AS_STORED, memory, huge, 400), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the strides reach 2^63 bytes or more");
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_AS_STORED, memory, zero, 400), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the stride of axis 0 is 0, so that its elements would overlap");
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_Q8_0, memory, nullptr, 400), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_read_plan_add(plan.get(), 1, nullptr, nullptr, nullptr, 0, 0, memory, nullptr, 96),
            TF_STATUS_INVALID_ARGUMENT);
  expect_error("there is no array 1; the file has 1");
  EXPECT_EQ(tf_read_plan_add(nullptr, 0, nullptr, nullptr, nullptr, 0, 0, memory, nullptr, 96),
            TF_STATUS_INVALID_ARGUMENT);
  expect_error("plan is NULL");
  EXPECT_TRUE(counted.reads.empty());
  // None of these changed the plan.
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_AS_STORED, memory, strides, 68), TF_STATUS_OK);
  EXPECT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK);
  EXPECT_EQ(counted.reads.size(), 1u);
  EXPECT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the plan has run; make another one");
  EXPECT_EQ(add(start, nullptr, 2, TF_DTYPE_AS_STORED, memory, strides, 68), TF_STATUS_INVALID_ARGUMENT);
}

TEST_F(ReadPlanReads, ASliceThroughABlockNeedsACast) {
  const auto zeros = made<tf_array>([&](tf_array **out) {
    const int64_t shape[] = {2, 64};
    return tf_array_new(out, TF_DTYPE_FLOAT32, shape, 2);
  });
  const auto q8 =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, zeros.get(), TF_DTYPE_Q8_0, nullptr); });
  const auto file = open(save(TF_FORMAT_GGUF, dict_of({{"w", q8.get()}}).get()));
  const auto plan = plan_of(file.get());
  char memory[512];
  const int64_t start[] = {0, 16};
  const int64_t stop[] = {1, 48};
  EXPECT_EQ(tf_read_plan_add(plan.get(), 0, start, stop, nullptr, 2, TF_DTYPE_AS_STORED, memory, nullptr, 34),
            TF_STATUS_UNSUPPORTED);
  expect_error("the slice cuts through a unit of q8_0, which is 32 elements");
  EXPECT_EQ(tf_read_plan_add(plan.get(), 0, start, stop, nullptr, 2, TF_DTYPE_FLOAT32, memory, nullptr, 128),
            TF_STATUS_OK);
  EXPECT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK);
}

TEST_F(ReadPlanReads, ACallbackEndsTheRun) {
  const auto w = random_array(TF_DTYPE_FLOAT32, {4, 6}, 1);
  const auto file = open(save(TF_FORMAT_SAFETENSORS, dict_of({{"w", w.get()}}).get()));
  int released = 0;
  const auto release = [](void *user) { ++*static_cast<int *>(user); };
  {
    const auto plan = plan_of(file.get());
    add_slice(plan, memory_, {0, 0}, {2, 6}, 48);
    const auto cancel = [](void *, size_t) -> tf_status { return TF_STATUS_CANCELLED; };
    ASSERT_EQ(tf_read_plan_set_complete(plan.get(), cancel, release, &released), TF_STATUS_OK);
    ASSERT_EQ(tf_read_plan_set_complete(plan.get(), cancel, release, &released), TF_STATUS_OK);
    EXPECT_EQ(released, 1);
    EXPECT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_CANCELLED);
    expect_error("the callback for a complete entry returned cancelled for entry 0");
    EXPECT_EQ(tf_read_plan_set_complete(plan.get(), cancel, release, &released), TF_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(released, 2);
  }
  EXPECT_EQ(released, 3);
  EXPECT_EQ(tf_read_plan_set_complete(nullptr, nullptr, release, &released), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(released, 4);
}

TEST_F(ReadPlanReads, ProgressCountsTheSlices) {
  const auto w = random_array(TF_DTYPE_FLOAT32, {4, 6}, 1);
  struct Seen {
    uint64_t done = 0;
    uint64_t total = 0;
  } seen;
  auto options = options_with({});
  const auto progress = [](void *user, uint64_t done, uint64_t total) -> tf_status {
    *static_cast<Seen *>(user) = Seen{done, total};
    return TF_STATUS_OK;
  };
  ASSERT_EQ(tf_options_set_progress(options.get(), progress, nullptr, &seen), TF_STATUS_OK);
  const auto file = open(save(TF_FORMAT_SAFETENSORS, dict_of({{"w", w.get()}}).get()), options.get());
  const auto plan = plan_of(file.get());
  add_slice(plan, memory_, {0, 0}, {2, 6}, 48);
  add_slice(plan, memory_, {0, 5}, {4, 6}, 32, TF_DTYPE_FLOAT64);
  ASSERT_EQ(tf_read_plan_run(plan.get()), TF_STATUS_OK);
  EXPECT_EQ(seen.total, 64u);
  EXPECT_EQ(seen.done, 64u);
}

}  // namespace
}  // namespace tfile::testing
