// Reshaping arrays, copying them to memory of the caller, and setting single elements. tests/peers/test_arrays.py compares
// many more shapes, strides and dtypes with NumPy.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "support/handles.h"

namespace tfile::testing {
namespace {

using Shape = std::vector<int64_t>;

void expect_failure(tf_status status, tf_status expected, const std::string &message) {
  EXPECT_EQ(status, expected);
  EXPECT_EQ(tf_error_message(), message);
}

// Returns an int32 array of 0, 1, 2, ...
Handle<tf_array> counting(const Shape &shape) {
  int64_t size = 1;
  for (const int64_t each : shape)
    size *= each;
  std::vector<int32_t> values(static_cast<size_t>(size));
  std::iota(values.begin(), values.end(), 0);
  return made<tf_array>([&](tf_array **out) {
    return tf_array_copy_from(out, TF_DTYPE_INT32, shape.data(), shape.size(), values.data(), values.size() * 4);
  });
}

Handle<tf_array> transposed(const tf_array *array) {
  return made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, array, nullptr, 0); });
}

Handle<tf_array> reshaped(const tf_array *array, const Shape &shape) {
  return made<tf_array>([&](tf_array **out) { return tf_array_reshape(out, array, shape.data(), shape.size()); });
}

Shape shape_of(const tf_array *array) {
  return Shape(tf_array_shape(array), tf_array_shape(array) + tf_array_ndim(array));
}

std::vector<int32_t> values_of(const tf_array *array) {
  std::vector<int32_t> values(static_cast<size_t>(tf_array_size(array)));
  EXPECT_EQ(tf_array_copy_to(array, TF_DTYPE_INT32, values.data(), nullptr, values.size() * 4), TF_STATUS_OK)
      << tf_error_message();
  return values;
}

double item(const tf_array *array, int64_t index) {
  double value = 0;
  EXPECT_EQ(tf_array_item_double(&value, array, &index, 1), TF_STATUS_OK) << tf_error_message();
  return value;
}

TEST(Reshape, IsAViewOfAContiguousArray) {
  const auto array = counting({2, 6});
  for (const Shape &shape : {Shape{12}, Shape{3, 4}, Shape{1, 2, 3, 2, 1}, Shape{-1}, Shape{4, -1}, Shape{2, 6}}) {
    const auto view = reshaped(array.get(), shape);
    EXPECT_EQ(tf_array_data(view.get()), tf_array_data(array.get()));
    EXPECT_TRUE(tf_array_is_contiguous(view.get()));
    EXPECT_EQ(values_of(view.get()), values_of(array.get()));
  }
  EXPECT_EQ(shape_of(reshaped(array.get(), {4, -1}).get()), (Shape{4, 3}));
  EXPECT_EQ(shape_of(reshaped(array.get(), {-1}).get()), Shape{12});
  void *data = nullptr;
  auto view = reshaped(array.get(), {12});
  expect_failure(tf_array_data_mut(&data, view.get()), TF_STATUS_INVALID_ARGUMENT,
                 "the memory of the array is shared with another array");
}

TEST(Reshape, CopiesOnlyWhenStridesCannotDescribeTheResult) {
  const auto array = counting({2, 6});
  const auto turned = transposed(array.get());  // shape (6, 2), strides (4, 24)
  const auto split = reshaped(turned.get(), {3, 2, 2});
  EXPECT_EQ(tf_array_data(split.get()), tf_array_data(array.get()));
  const int64_t *const strides = tf_array_strides(split.get());
  EXPECT_EQ(Shape(strides, strides + 3), (Shape{8, 4, 24}));
  EXPECT_EQ(values_of(split.get()), values_of(turned.get()));
  const auto flat = reshaped(turned.get(), {12});
  EXPECT_NE(tf_array_data(flat.get()), tf_array_data(array.get()));
  EXPECT_EQ(values_of(flat.get()), (std::vector<int32_t>{0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11}));
}

TEST(Reshape, HandlesScalarsAndEmptyArrays) {
  const auto one = counting({1, 1});
  const auto scalar = made<tf_array>([&](tf_array **out) { return tf_array_reshape(out, one.get(), nullptr, 0); });
  EXPECT_EQ(tf_array_ndim(scalar.get()), 0u);
  EXPECT_EQ(shape_of(reshaped(scalar.get(), {1, -1, 1}).get()), (Shape{1, 1, 1}));
  const auto empty = counting({3, 0});
  EXPECT_EQ(shape_of(reshaped(empty.get(), {0, 7}).get()), (Shape{0, 7}));
  EXPECT_EQ(shape_of(reshaped(empty.get(), {5, -1}).get()), (Shape{5, 0}));
}

TEST(Reshape, KeepsTheBlocksOfBlockTypes) {
  const auto blocks = random_array(TF_DTYPE_Q8_0, {2, 64});
  const auto rows = reshaped(blocks.get(), {4, 32});
  EXPECT_EQ(tf_array_data(rows.get()), tf_array_data(blocks.get()));
  EXPECT_EQ(tf_array_nbytes(rows.get()), tf_array_nbytes(blocks.get()));
  tf_array *out = nullptr;
  const int64_t narrow[] = {8, 16};
  expect_failure(tf_array_reshape(&out, blocks.get(), narrow, 2), TF_STATUS_INVALID_ARGUMENT,
                 "shape (8, 16) of q8_0: the last size is not a multiple of 32");
  const auto packed = random_array(TF_DTYPE_FLOAT4_E2M1FN, {2, 3});
  EXPECT_EQ(shape_of(reshaped(packed.get(), {6}).get()), Shape{6});
}

TEST(Reshape, RefusesOtherNumbersOfElements) {
  const auto array = counting({2, 3});
  const auto empty = counting({0, 3});
  tf_array *out = nullptr;
  const auto expect_refused = [&](const tf_array *from, const Shape &shape, const std::string &message) {
    expect_failure(tf_array_reshape(&out, from, shape.data(), shape.size()), TF_STATUS_INVALID_ARGUMENT, message);
    EXPECT_EQ(out, nullptr);
  };
  expect_refused(array.get(), {4}, "the array and shape (4,) differ in their number of elements: 6 and 4");
  expect_refused(array.get(), {}, "the array and shape () differ in their number of elements: 6 and 1");
  expect_refused(array.get(), {-1, -1}, "shape (-1, -1) has more than one size of -1");
  expect_refused(array.get(), {4, -1},
                 "the -1 in shape (4, -1) does not follow from the number of elements of the array, 6");
  expect_refused(array.get(), {0, -1},
                 "the -1 in shape (0, -1) does not follow from the number of elements of the array, 6");
  expect_refused(empty.get(), {0, -1},
                 "the -1 in shape (0, -1) does not follow from the number of elements of the array, 0");
  expect_refused(array.get(), {-2, -3}, "shape (-2, -3) has a negative size");
  expect_refused(array.get(), {INT64_MAX, INT64_MAX, -1},
                 "shape (9223372036854775807, 9223372036854775807, -1) has a "
                 "negative size");
  expect_refused(array.get(), Shape(65, 1), "65 dimensions are more than 64");
  expect_failure(tf_array_reshape(&out, array.get(), nullptr, 1), TF_STATUS_INVALID_ARGUMENT, "shape is NULL");
  expect_failure(tf_array_reshape(&out, nullptr, nullptr, 0), TF_STATUS_INVALID_ARGUMENT, "array is NULL");
  expect_failure(tf_array_reshape(nullptr, array.get(), nullptr, 0), TF_STATUS_INVALID_ARGUMENT, "out is NULL");
}

TEST(CopyTo, WritesStridesAndNothingElse) {
  const auto array = counting({2, 3});
  std::vector<int32_t> target(20, -1);
  const int64_t strides[] = {10 * 4, -2 * 4};
  // Element [0, 0] is target[4]; the last byte above it belongs to element [1, 0], which is target[14].
  ASSERT_EQ(tf_array_copy_to(array.get(), TF_DTYPE_UNSUPPORTED, &target[4], strides, 11 * 4), TF_STATUS_OK)
      << tf_error_message();
  std::vector<int32_t> expected(20, -1);
  for (size_t i = 0; i < 6; ++i)
    expected[4 + i / 3 * 10 - i % 3 * 2] = static_cast<int32_t>(i);
  EXPECT_EQ(target, expected);
  std::vector<int32_t> again(20, -1);
  const int64_t halves[] = {20, -4};
  std::vector<int16_t> narrow(40, -1);
  ASSERT_EQ(tf_array_copy_to(array.get(), TF_DTYPE_INT16, &narrow[5], halves, 22), TF_STATUS_OK) << tf_error_message();
  for (size_t i = 0; i < 6; ++i)
    EXPECT_EQ(narrow[5 + i / 3 * 10 - i % 3 * 2], static_cast<int16_t>(i));
  expect_failure(tf_array_copy_to(array.get(), TF_DTYPE_INT16, &narrow[5], halves, 21), TF_STATUS_INVALID_ARGUMENT,
                 "shape (2, 3) of int16 needs 22 bytes, there are 21");
}

TEST(CopyTo, NeedsNoAlignment) {
  const auto array = counting({1000, 3});
  const auto turned = transposed(array.get());
  std::vector<char> target(1 + 9 * 3000);
  const int64_t strides[] = {9, 27};
  ASSERT_EQ(tf_array_copy_to(turned.get(), TF_DTYPE_FLOAT64, &target[1], strides, 9 * 3000 - 1), TF_STATUS_OK);
  for (int i = 0; i < 3000; ++i) {
    double value = -1;
    memcpy(&value, &target[1 + 9 * static_cast<size_t>(i)], sizeof(value));
    ASSERT_EQ(value, i);
  }
}

TEST(CopyTo, ChecksEverythingFirst) {
  const auto array = counting({2, 3});
  const auto complex_array = random_array(TF_DTYPE_COMPLEX64, {2});
  const auto blocks = random_array(TF_DTYPE_Q8_0, {32});
  const auto empty = counting({0, 3});
  char target[64];
  const int64_t strides[] = {0, 4};
  const int64_t far[] = {INT64_MAX, INT64_MAX};
  const int64_t farthest[] = {INT64_MIN, 4};
  const auto copy = [&](const tf_array *from, tf_dtype dtype, const int64_t *steps, size_t nbytes) {
    return tf_array_copy_to(from, dtype, target, steps, nbytes);
  };
  expect_failure(copy(array.get(), TF_DTYPE_INT32, nullptr, 23), TF_STATUS_INVALID_ARGUMENT,
                 "shape (2, 3) of int32 needs 24 bytes, there are 23");
  expect_failure(copy(array.get(), TF_DTYPE_INT32, nullptr, 25), TF_STATUS_INVALID_ARGUMENT,
                 "shape (2, 3) of int32 needs 24 bytes, there are 25");
  expect_failure(copy(array.get(), TF_DTYPE_INT32, strides, 64), TF_STATUS_INVALID_ARGUMENT,
                 "the stride of axis 0 is 0, so that its elements would overlap");
  expect_failure(copy(array.get(), TF_DTYPE_INT32, far, 64), TF_STATUS_INVALID_ARGUMENT,
                 "the strides reach 2^63 bytes or more");
  expect_failure(copy(array.get(), TF_DTYPE_INT32, farthest, 64), TF_STATUS_INVALID_ARGUMENT,
                 "the strides reach 2^63 bytes or more");
  expect_failure(copy(array.get(), 1000, nullptr, 24), TF_STATUS_UNSUPPORTED, "there is no dtype 1000 to cast to");
  expect_failure(copy(complex_array.get(), TF_DTYPE_FLOAT32, nullptr, 8), TF_STATUS_TYPE,
                 "cannot cast complex64 to float32: imaginary parts would be lost");
  expect_failure(copy(blocks.get(), TF_DTYPE_UNSUPPORTED, strides, 64), TF_STATUS_INVALID_ARGUMENT,
                 "q8_0 takes no strides");
  EXPECT_EQ(copy(array.get(), TF_DTYPE_Q8_0, nullptr, 34), TF_STATUS_INVALID_ARGUMENT);
  expect_failure(tf_array_copy_to(array.get(), TF_DTYPE_INT32, nullptr, nullptr, 24), TF_STATUS_INVALID_ARGUMENT,
                 "dst is NULL");
  expect_failure(tf_array_copy_to(nullptr, TF_DTYPE_INT32, target, nullptr, 24), TF_STATUS_INVALID_ARGUMENT,
                 "array is NULL");
  EXPECT_EQ(tf_array_copy_to(empty.get(), TF_DTYPE_INT8, nullptr, nullptr, 0), TF_STATUS_OK);
  EXPECT_EQ(tf_array_copy_to(empty.get(), TF_DTYPE_INT8, nullptr, strides, 0), TF_STATUS_OK);
}

TEST(CopyTo, CopiesScalarsBlocksAndLargeArrays) {
  const auto scalar = random_array(TF_DTYPE_FLOAT32, {});
  float value = 0;
  double wide = 0;
  const int64_t none[1] = {0};
  ASSERT_EQ(tf_array_copy_to(scalar.get(), TF_DTYPE_UNSUPPORTED, &value, nullptr, 4), TF_STATUS_OK);
  ASSERT_EQ(tf_array_copy_to(scalar.get(), TF_DTYPE_FLOAT64, &wide, none, 8), TF_STATUS_OK);
  EXPECT_EQ(memcmp(&value, tf_array_data(scalar.get()), 4), 0);
  EXPECT_TRUE(wide == value || std::isnan(value));
  const auto blocks = random_array(TF_DTYPE_Q8_0, {2, 32});
  std::string bytes(68, '\0');
  ASSERT_EQ(tf_array_copy_to(blocks.get(), TF_DTYPE_Q8_0, bytes.data(), nullptr, 68), TF_STATUS_OK);
  EXPECT_EQ(memcmp(bytes.data(), tf_array_data(blocks.get()), 68), 0);
  // Enough elements for several threads, and rows that end within a chunk of the cast.
  const auto large = counting({700, 1500});
  std::vector<int64_t> target(700 * 3000, -1);
  const int64_t strides[] = {3000 * 8, 16};
  ASSERT_EQ(tf_array_copy_to(large.get(), TF_DTYPE_INT64, target.data(), strides, target.size() * 8), TF_STATUS_OK);
  for (size_t i = 0; i < target.size(); ++i)
    ASSERT_EQ(target[i], i % 2 == 0 ? static_cast<int64_t>(i / 2) : -1) << i;
}

TEST(SetItem, Int64ChecksTheRangeOfEveryDtype) {
  const struct {
    tf_dtype dtype;
    int64_t least, most;
  } dtypes[] = {{TF_DTYPE_BOOL, 0, 1},
                {TF_DTYPE_INT8, INT8_MIN, INT8_MAX},
                {TF_DTYPE_UINT8, 0, UINT8_MAX},
                {TF_DTYPE_INT16, INT16_MIN, INT16_MAX},
                {TF_DTYPE_UINT16, 0, UINT16_MAX},
                {TF_DTYPE_INT32, INT32_MIN, INT32_MAX},
                {TF_DTYPE_UINT32, 0, UINT32_MAX},
                {TF_DTYPE_INT64, INT64_MIN, INT64_MAX},
                {TF_DTYPE_UINT64, 0, INT64_MAX}};
  const int64_t shape = 3;
  const int64_t middle = -2;
  for (const auto &each : dtypes) {
    const auto array = made<tf_array>([&](tf_array **out) { return tf_array_new(out, each.dtype, &shape, 1); });
    for (const int64_t value : {each.least, each.most}) {
      ASSERT_EQ(tf_array_set_item_int64(array.get(), &middle, 1, value), TF_STATUS_OK) << tf_error_message();
      int64_t found = -1;
      ASSERT_EQ(tf_array_item_int64(&found, array.get(), &middle, 1), TF_STATUS_OK);
      EXPECT_EQ(found, value);
      ASSERT_EQ(tf_array_set_item_double(array.get(), &middle, 1, 1), TF_STATUS_OK);
      EXPECT_EQ(item(array.get(), 1), 1);
    }
    const auto refused = [&](int64_t value) {
      expect_failure(tf_array_set_item_int64(array.get(), &middle, 1, value), TF_STATUS_INVALID_ARGUMENT,
                     std::string(tf_dtype_name(each.dtype)) + " cannot hold " + std::to_string(value));
    };
    if (each.least != INT64_MIN) refused(each.least - 1);
    if (each.most != INT64_MAX) refused(each.most + 1);
    EXPECT_EQ(item(array.get(), 0), 0);
    EXPECT_EQ(item(array.get(), 1), 1);
    EXPECT_EQ(item(array.get(), 2), 0);
  }
}

TEST(SetItem, DoubleNeedsWholeNumbersForIntegers) {
  const int64_t shape = 1;
  const int64_t first = 0;
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const struct {
    tf_dtype dtype;
    std::vector<double> accepted, refused;
  } dtypes[] = {{TF_DTYPE_BOOL, {0, 1, -0.0}, {-1, 2, 0.5, nan}},
                {TF_DTYPE_INT8, {-128, 127}, {-129, 128, 0.5, inf, nan}},
                {TF_DTYPE_UINT16, {0, 65535}, {-1, 65536, 1e-9}},
                {TF_DTYPE_INT64, {-0x1p63, 0x1.fffffffffffffp62}, {0x1p63, -0x1.0000000000001p63, -inf}},
                {TF_DTYPE_UINT64, {0x1.fffffffffffffp63, 0}, {0x1p64, -1, nan}}};
  for (const auto &each : dtypes) {
    const auto array = made<tf_array>([&](tf_array **out) { return tf_array_new(out, each.dtype, &shape, 1); });
    for (const double value : each.accepted) {
      ASSERT_EQ(tf_array_set_item_double(array.get(), &first, 1, value), TF_STATUS_OK) << tf_error_message();
      EXPECT_EQ(item(array.get(), 0), value);
    }
    for (const double value : each.refused) {
      expect_failure(tf_array_set_item_double(array.get(), &first, 1, value), TF_STATUS_INVALID_ARGUMENT,
                     std::string(tf_dtype_name(each.dtype)) + " takes only whole numbers in its range");
      EXPECT_EQ(item(array.get(), 0), each.accepted.back());
    }
  }
}

TEST(SetItem, DoubleChangesOneElementOfAPackedUnit) {
  const int64_t shape[] = {2, 4};
  for (const tf_dtype dtype : {TF_DTYPE_FLOAT4_E2M1FN, TF_DTYPE_FLOAT6_E2M3FN, TF_DTYPE_FLOAT6_E3M2FN}) {
    const auto array = made<tf_array>([&](tf_array **out) { return tf_array_new(out, dtype, shape, 2); });
    const double values[] = {0.5, 1, 1.5, 2, 3, 4, 6, -0.5};
    for (int64_t i = 7; i >= 0; --i) {
      const int64_t index[] = {i / 4, i % 4};
      ASSERT_EQ(tf_array_set_item_double(array.get(), index, 2, values[i]), TF_STATUS_OK) << tf_error_message();
    }
    for (int64_t i = 0; i < 8; ++i) {
      const int64_t index[] = {i / 4, i % 4};
      double value = 0;
      ASSERT_EQ(tf_array_item_double(&value, array.get(), index, 2), TF_STATUS_OK);
      EXPECT_EQ(value, values[i]) << tf_dtype_name(dtype) << i;
    }
  }
}

TEST(SetItem, RefusesOtherDtypesIndicesAndSharedMemory) {
  const int64_t shape = 2;
  const int64_t first = 0;
  const int64_t outside = 2;
  const auto floats = made<tf_array>([&](tf_array **out) { return tf_array_new(out, TF_DTYPE_FLOAT32, &shape, 1); });
  const auto complex_array =
      made<tf_array>([&](tf_array **out) { return tf_array_new(out, TF_DTYPE_COMPLEX64, &shape, 1); });
  const auto blocks = random_array(TF_DTYPE_Q8_0, {32});
  const auto array = counting({2});
  expect_failure(tf_array_set_item_int64(floats.get(), &first, 1, 1), TF_STATUS_TYPE,
                 "expected an integer dtype, found float32");
  expect_failure(tf_array_set_item_double(complex_array.get(), &first, 1, 1), TF_STATUS_TYPE,
                 "expected a real dtype, found complex64");
  expect_failure(tf_array_set_item_double(blocks.get(), &first, 1, 1), TF_STATUS_TYPE,
                 "expected a real dtype, found q8_0");
  for (const bool wide : {false, true}) {
    const auto set = [&](tf_array *to, const int64_t *index, size_t ndim) {
      return wide ? tf_array_set_item_double(to, index, ndim, 1) : tf_array_set_item_int64(to, index, ndim, 1);
    };
    expect_failure(set(array.get(), &outside, 1), TF_STATUS_INVALID_ARGUMENT,
                   "index 2 is out of range for a dimension of 2");
    expect_failure(set(array.get(), nullptr, 0), TF_STATUS_INVALID_ARGUMENT, "0 indices for 1 dimensions");
    expect_failure(set(array.get(), nullptr, 1), TF_STATUS_INVALID_ARGUMENT, "index is NULL");
    expect_failure(set(nullptr, &first, 1), TF_STATUS_INVALID_ARGUMENT, "array is NULL");
    const auto view = reshaped(array.get(), {1, 2});
    expect_failure(set(array.get(), &first, 1), TF_STATUS_INVALID_ARGUMENT,
                   "the memory of the array is shared with another array");
  }
  EXPECT_EQ(values_of(array.get()), (std::vector<int32_t>{0, 1}));
}

}  // namespace
}  // namespace tfile::testing
