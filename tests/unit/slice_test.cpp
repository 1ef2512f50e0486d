#include "core/slice.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/memory.h"

namespace tfile {
namespace {

constexpr int64_t kOmit = TENSORFILE_SLICE_OMITTED;

using Sizes = std::vector<int64_t>;

struct Case {
  Sizes shape, start, stop, step;
  Sizes result;  // shape
  std::vector<int32_t> values;
};

// The shape and values of numpy.arange(n).reshape(shape)[start:stop:step, ...] in NumPy.
const Case kCases[] = {
    {{7}, {-8}, {6}, {1}, {6}, {0, 1, 2, 3, 4, 5}},
    {{7}, {1}, {7}, {kOmit}, {6}, {1, 2, 3, 4, 5, 6}},
    {{7}, {3}, {kOmit}, {2}, {2}, {3, 5}},
    {{7}, {8}, {kOmit}, {-1}, {7}, {6, 5, 4, 3, 2, 1, 0}},
    {{7}, {kOmit}, {-4}, {kOmit}, {3}, {0, 1, 2}},
    {{7}, {-1}, {5}, {-2}, {1}, {6}},
    {{7}, {0}, {3}, {3}, {1}, {0}},
    {{3, 4}, {5, 3}, {kOmit, kOmit}, {-3, -1}, {1, 4}, {11, 10, 9, 8}},
    {{3, 4}, {-2, 5}, {kOmit, kOmit}, {3, -2}, {1, 2}, {7, 5}},
    {{3, 4}, {-1, 2}, {0, kOmit}, {-2, -1}, {1, 3}, {10, 9, 8}},
    {{3, 4}, {-5, -7}, {4, kOmit}, {2, 3}, {2, 2}, {0, 3, 8, 11}},
    {{3, 4}, {2, 7}, {-3, -7}, {-1, -3}, {2, 2}, {11, 8, 7, 4}},
    {{3, 4}, {4, -5}, {-8, -1}, {kOmit, 1}, {0, 3}, {}},
    {{3, 4}, {-8, -2}, {5, 0}, {1, -1}, {3, 2}, {2, 1, 6, 5, 10, 9}},
    {{2, 3, 5}, {-4, 5, kOmit}, {4, 0, kOmit}, {1, -1, 2}, {2, 2, 3}, {10, 12, 14, 5, 7, 9, 25, 27, 29, 20, 22, 24}},
    {{2, 3, 5}, {kOmit, -3, -4}, {-3, kOmit, -8}, {-3, -2, -3}, {1, 1, 1}, {16}},
    {{2, 3, 5}, {5, 2, kOmit}, {-6, kOmit, 4}, {-2, -1, 3}, {1, 3, 2}, {25, 28, 20, 23, 15, 18}},
    {{2, 3, 5}, {6, -4, 2}, {-3, -1, kOmit}, {-2, 3, -1}, {1, 1, 3}, {17, 16, 15}},
    {{2, 3, 5}, {3, -1, kOmit}, {-7, kOmit, 2}, {-2, -2, kOmit}, {1, 2, 2}, {25, 26, 15, 16}},
    {{2, 3, 5}, {4, -2, 0}, {-4, 4, 5}, {2, -3, 2}, {0, 0, 3}, {}},
    {{2, 3, 5}, {-5, 2, 4}, {-1, -8, kOmit}, {1, -1, 2}, {1, 3, 1}, {14, 9, 4}},
    {{0, 3}, {-5, 6}, {3, kOmit}, {3, -1}, {0, 3}, {}},
    {{0, 3}, {1, 0}, {3, -6}, {1, kOmit}, {0, 0}, {}},
    {{0, 3}, {-8, -2}, {kOmit, 0}, {-1, 1}, {0, 0}, {}},
    {{0, 3}, {7, -4}, {1, 0}, {3, -1}, {0, 0}, {}},
    {{0, 3}, {-8, kOmit}, {4, -5}, {-1, -3}, {0, 1}, {}},
    {{0, 3}, {4, -4}, {-1, 0}, {-2, kOmit}, {0, 0}, {}},
    {{0, 3}, {3, -3}, {1, kOmit}, {-1, kOmit}, {0, 3}, {}},
    {{4, 0, 2}, {4, -8, kOmit}, {-3, -5, kOmit}, {-1, -1, 3}, {2, 0, 1}, {}},
    {{4, 0, 2}, {0, kOmit, -2}, {-1, -3, -2}, {kOmit, 1, kOmit}, {3, 0, 0}, {}},
    {{4, 0, 2}, {-3, -7, 5}, {3, 1, -3}, {-1, -2, 1}, {0, 0, 0}, {}},
    {{4, 0, 2}, {5, -5, kOmit}, {-2, -7, 8}, {2, -1, -1}, {0, 0, 0}, {}},
    {{4, 0, 2}, {4, 1, -8}, {5, -5, 1}, {1, 2, -1}, {0, 0, 0}, {}},
    {{4, 0, 2}, {-8, kOmit, 5}, {6, 6, -1}, {1, -1, 1}, {4, 0, 0}, {}},
    {{4, 0, 2}, {-8, -2, -8}, {-5, -8, 2}, {-2, -2, 1}, {0, 0, 2}, {}},
    {{}, {}, {}, {}, {}, {0}},
};

Ref<Array> counting(const Sizes &shape) {
  Ref<Array> array;
  EXPECT_TRUE(make_array(array, default_memory(), *find_dtype(TF_DTYPE_INT32), {shape.data(), shape.size()}).ok());
  auto *values = reinterpret_cast<int32_t *>(array->data);
  std::iota(values, values + array->size, 0);
  return array;
}

std::vector<int32_t> values_of(const Array &array) {
  Ref<Array> flat;
  EXPECT_TRUE(contiguous(flat, default_memory(), array).ok());
  const auto *values = reinterpret_cast<const int32_t *>(flat->data);
  return std::vector<int32_t>(values, values + flat->size);
}

Sizes shape_of(const Array &array) {
  return Sizes(array.shape().begin(), array.shape().end());
}

TEST(Slice, EqualsNumPy) {
  for (const Case &c : kCases) {
    const Ref<Array> array = counting(c.shape);
    SliceAxis axes[kMaxRank];
    ASSERT_TRUE(resolve_slice(axes, array->shape(), c.start.data(), c.stop.data(), c.step.data(), c.shape.size()).ok());
    Ref<Array> view;
    ASSERT_TRUE(slice(view, default_memory(), *array, axes).ok());
    EXPECT_EQ(shape_of(*view), c.result);
    EXPECT_EQ(values_of(*view), c.values);
    EXPECT_EQ(view->buffer.get(), array->buffer.get());
  }
}

TEST(Slice, OfASliceOfATranspose) {
  // numpy.arange(24).reshape(2, 3, 4).transpose(2, 0, 1)[::-2, :, 1:][1:, ::-1, ::-1]
  const Ref<Array> array = counting({2, 3, 4});
  const size_t order[] = {2, 0, 1};
  Ref<Array> turned;
  ASSERT_TRUE(transpose(turned, default_memory(), *array, order, 3).ok());
  SliceAxis axes[kMaxRank];
  const int64_t start[] = {kOmit, kOmit, 1};
  const int64_t step[] = {-2, kOmit, kOmit};
  ASSERT_TRUE(resolve_slice(axes, turned->shape(), start, nullptr, step, 3).ok());
  Ref<Array> first;
  ASSERT_TRUE(slice(first, default_memory(), *turned, axes).ok());
  const int64_t start2[] = {1, kOmit, kOmit};
  const int64_t step2[] = {1, -1, -1};
  ASSERT_TRUE(resolve_slice(axes, first->shape(), start2, nullptr, step2, 3).ok());
  Ref<Array> second;
  ASSERT_TRUE(slice(second, default_memory(), *first, axes).ok());
  EXPECT_EQ(shape_of(*second), (Sizes{1, 2, 2}));
  EXPECT_EQ(values_of(*second), (std::vector<int32_t>{21, 17, 9, 5}));
}

// Compares with Python's range(n)[start:stop:step] for every combination: the hash (FNV-1a) covers length, first and
// last.
TEST(Slice, ResolvesAsPythonEverywhere) {
  std::vector<int64_t> bounds = {kOmit};
  for (int64_t i = -7; i < 8; ++i)
    bounds.push_back(i);
  bounds.push_back(INT64_MAX);
  bounds.push_back(-INT64_MAX);
  const int64_t steps[] = {kOmit, -INT64_MAX, -7, -3, -2, -1, 1, 2, 3, 7, INT64_MAX};
  uint64_t hash = 0xcbf29ce484222325u;
  const auto absorb = [&hash](int64_t value) {
    for (int i = 0; i < 64; i += 8)
      hash = (hash ^ (static_cast<uint64_t>(value) >> i & 0xFF)) * 0x100000001b3u;
  };
  for (int64_t n = 0; n < 6; ++n) {
    for (const int64_t start : bounds) {
      for (const int64_t stop : bounds) {
        for (const int64_t step : steps) {
          SliceAxis axis;
          ASSERT_TRUE(resolve_slice(&axis, {&n, 1}, &start, &stop, &step, 1).ok());
          absorb(axis.count);
          absorb(axis.first);
          absorb(axis.count > 1 ? axis.first + (axis.count - 1) * axis.step : axis.first);
        }
      }
    }
  }
  EXPECT_EQ(hash, 0xf74bbdcbb2824365u);
}

TEST(Slice, TakesTheLargestSizes) {
  SliceAxis axis;
  const int64_t n = INT64_MAX;
  const int64_t start = -1;
  const int64_t step = -INT64_MAX;
  ASSERT_TRUE(resolve_slice(&axis, {&n, 1}, &start, nullptr, &step, 1).ok());
  EXPECT_EQ(axis.first, INT64_MAX - 1);
  EXPECT_EQ(axis.count, 1);
  // An empty array, for which the product of another size and its stride overflows.
  const Sizes shape = {0, INT64_MAX};
  const Ref<Array> array = counting(shape);
  SliceAxis axes[2];
  const int64_t starts[] = {0, INT64_MAX / 2};
  const int64_t steps[] = {1, INT64_MAX / 4};
  ASSERT_TRUE(resolve_slice(axes, array->shape(), starts, nullptr, steps, 2).ok());
  Ref<Array> view;
  ASSERT_TRUE(slice(view, default_memory(), *array, axes).ok());
  EXPECT_EQ(shape_of(*view), (Sizes{0, 3}));
  EXPECT_EQ(view->data, array->data);
}

TEST(Slice, RefusesAStepOf0AndOtherRanks) {
  SliceAxis axes[2];
  const int64_t shape[] = {3, 4};
  const int64_t step[] = {1, 0};
  EXPECT_EQ(resolve_slice(axes, {shape, 2}, nullptr, nullptr, step, 2).code, TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(error_record().message, "the step of axis 1 is 0");
  EXPECT_EQ(resolve_slice(axes, {shape, 2}, nullptr, nullptr, nullptr, 1).code, TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(error_record().message, "a slice of 1 axes for 2 dimensions");
}

// Makes an array of a packed or block type from the bytes 0, 1, 2, ...
Ref<Array> counting_bytes(tf_dtype dtype, const Sizes &shape) {
  Ref<Array> array;
  EXPECT_TRUE(make_array(array, default_memory(), *find_dtype(dtype), {shape.data(), shape.size()}).ok());
  for (size_t i = 0; i < array->nbytes; ++i)
    array->data[i] = static_cast<char>(i);
  return array;
}

Status slice_of(Ref<Array> &out, const Array &array, const Sizes &start, const Sizes &stop, const Sizes &step) {
  SliceAxis axes[kMaxRank];
  TFILE_TRY(resolve_slice(axes, array.shape(), start.data(), stop.data(), step.data(), start.size()));
  return slice(out, default_memory(), array, axes);
}

std::vector<int> bytes_of(const Array &array) {
  std::vector<int> bytes;
  for (size_t i = 0; i < array.nbytes; ++i)
    bytes.push_back(static_cast<unsigned char>(array.data[i]));
  return bytes;
}

TEST(UnitSlice, ViewsConsecutiveUnits) {
  const Ref<Array> array = counting_bytes(TF_DTYPE_FLOAT4_E2M1FN, {4, 6});
  Ref<Array> view;
  ASSERT_TRUE(slice_of(view, *array, {1, kOmit}, {3, kOmit}, {1, 1}).ok());
  EXPECT_EQ(view->buffer.get(), array->buffer.get());
  EXPECT_EQ(bytes_of(*view), (std::vector<int>{3, 4, 5, 6, 7, 8}));
  ASSERT_TRUE(slice_of(view, *array, {2, 2}, {3, 4}, {-1, -7}).ok());
  EXPECT_EQ(view->size, 0);
}

TEST(UnitSlice, CopiesRunsInTheOrderOfTheResult) {
  const Ref<Array> array = counting_bytes(TF_DTYPE_FLOAT4_E2M1FN, {2, 2, 6});
  Ref<Array> copy;
  ASSERT_TRUE(slice_of(copy, *array, {kOmit, kOmit, 2}, {kOmit, kOmit, 4}, {-1, 1, 1}).ok());
  EXPECT_EQ(shape_of(*copy), (Sizes{2, 2, 2}));
  EXPECT_EQ(bytes_of(*copy), (std::vector<int>{7, 10, 1, 4}));
  EXPECT_NE(copy->buffer.get(), array->buffer.get());
}

TEST(UnitSlice, JoinsRowsThatAreNotWholeUnits) {
  // A row has 1.5 bytes: rows 2 and 3 together fill whole bytes, rows 1 and 2 do not.
  const Ref<Array> array = counting_bytes(TF_DTYPE_FLOAT4_E2M1FN, {4, 3});
  Ref<Array> view;
  ASSERT_TRUE(slice_of(view, *array, {2, kOmit}, {4, kOmit}, {1, 1}).ok());
  EXPECT_EQ(bytes_of(*view), (std::vector<int>{3, 4, 5}));
  EXPECT_EQ(slice_of(view, *array, {1, kOmit}, {3, kOmit}, {1, 1}).code, TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(slice_of(view, *array, {kOmit, kOmit}, {kOmit, kOmit}, {2, 1}).code, TF_STATUS_UNSUPPORTED);
  EXPECT_STREQ(error_record().message, "the slice cuts through a unit of float4_e2m1fn, which is 2 elements");
}

TEST(UnitSlice, StepsAtMostFromUnitToUnit) {
  const Ref<Array> array = counting_bytes(TF_DTYPE_FLOAT6_E2M3FN, {8});
  Ref<Array> view;
  EXPECT_EQ(slice_of(view, *array, {kOmit}, {kOmit}, {2}).code, TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(slice_of(view, *array, {kOmit}, {kOmit}, {-1}).code, TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(slice_of(view, *array, {2}, {6}, {1}).code, TF_STATUS_UNSUPPORTED);
  ASSERT_TRUE(slice_of(view, *array, {4}, {8}, {1}).ok());
  EXPECT_EQ(bytes_of(*view), (std::vector<int>{3, 4, 5}));
}

TEST(UnitSlice, TakesWholeBlocksOfRows) {
  const Ref<Array> array = counting_bytes(TF_DTYPE_Q4_0, {3, 96});
  Ref<Array> copy;
  ASSERT_TRUE(slice_of(copy, *array, {kOmit, 32}, {kOmit, 64}, {-2, 1}).ok());
  EXPECT_EQ(shape_of(*copy), (Sizes{2, 32}));
  std::vector<int> expected(36);
  std::iota(expected.begin(), expected.begin() + 18, 2 * 54 + 18);
  std::iota(expected.begin() + 18, expected.end(), 18);
  EXPECT_EQ(bytes_of(*copy), expected);
  EXPECT_EQ(slice_of(copy, *array, {0, 16}, {1, 48}, {1, 1}).code, TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(slice_of(copy, *array, {0, 0}, {1, 33}, {1, 1}).code, TF_STATUS_UNSUPPORTED);
  // An empty result is allowed even if its rows would cut units.
  EXPECT_EQ(slice_of(copy, *array, {0, 0}, {0, 33}, {1, 1}).code, TF_STATUS_UNSUPPORTED);
  ASSERT_TRUE(slice_of(copy, *array, {0, 0}, {0, 64}, {1, 1}).ok());
  EXPECT_EQ(shape_of(*copy), (Sizes{0, 64}));
}

TEST(UnitSlice, PassesOnWhatRunReturns) {
  const int64_t shape[] = {2, 4};
  SliceAxis axes[2];
  const int64_t stop[] = {2, 2};
  ASSERT_TRUE(resolve_slice(axes, {shape, 2}, nullptr, stop, nullptr, 2).ok());
  std::vector<uint64_t> offsets;
  const RunFn run = [](void *context, uint64_t offset, uint64_t nbytes) -> Status {
    auto &seen = *static_cast<std::vector<uint64_t> *>(context);
    EXPECT_EQ(nbytes, 1u);
    seen.push_back(offset);
    return seen.size() == 2 ? Status(Failure(TF_STATUS_CANCELLED) << "enough") : kOk;
  };
  EXPECT_EQ(for_each_unit_run(*find_dtype(TF_DTYPE_FLOAT4_E2M1FN), {shape, 2}, axes, run, &offsets).code,
            TF_STATUS_CANCELLED);
  EXPECT_EQ(offsets, (std::vector<uint64_t>{0, 2}));
}

}  // namespace
}  // namespace tfile
