#include "core/array.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/memory.h"
#include "tensorfile.hpp"

// Makes an allocation that is too large fail under AddressSanitizer, as it does without.
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options() {
  return "allocator_may_return_null=1";
}

namespace tfile {
namespace {

using Handle = tensorfile::Array;
using Sizes = std::vector<int64_t>;

Handle zeros(tf_dtype dtype, const Sizes &shape) {
  tf_array *array = nullptr;
  EXPECT_EQ(tf_array_new(&array, dtype, shape.data(), shape.size()), TF_STATUS_OK) << tf_error_message();
  return Handle(array);
}

template <typename T>
Handle array_of(tf_dtype dtype, const Sizes &shape, const std::vector<T> &values) {
  tf_array *array = nullptr;
  EXPECT_EQ(tf_array_copy_from(&array, dtype, shape.data(), shape.size(), values.data(), values.size() * sizeof(T)),
            TF_STATUS_OK)
      << tf_error_message();
  return Handle(array);
}

int64_t item(const Handle &array, const Sizes &index) {
  int64_t value = -1;
  EXPECT_EQ(tf_array_item_int64(&value, array.get(), index.data(), index.size()), TF_STATUS_OK) << tf_error_message();
  return value;
}

// A status and its error message.
void expect_failure(tf_status status, tf_status expected, const std::string &message) {
  EXPECT_EQ(status, expected);
  EXPECT_EQ(tf_error_message(), message);
}

TEST(ArrayNew, IsZerosInCOrder) {
  const Handle array = zeros(TF_DTYPE_FLOAT64, {2, 3});
  EXPECT_EQ(tf_array_dtype(array.get()), TF_DTYPE_FLOAT64);
  EXPECT_EQ(tf_array_ndim(array.get()), 2u);
  EXPECT_EQ(tf_array_size(array.get()), 6);
  EXPECT_EQ(tf_array_nbytes(array.get()), 48u);
  EXPECT_EQ(tf_array_shape(array.get())[0], 2);
  EXPECT_EQ(tf_array_shape(array.get())[1], 3);
  EXPECT_EQ(tf_array_strides(array.get())[0], 24);
  EXPECT_EQ(tf_array_strides(array.get())[1], 8);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tf_array_data(array.get())) % 64, 0u);
  EXPECT_EQ(tf_array_is_contiguous(array.get()), 1);
  const auto *values = static_cast<const double *>(tf_array_data(array.get()));
  EXPECT_EQ(std::vector<double>(values, values + 6), std::vector<double>(6));
}

TEST(ArrayNew, MakesScalarsAndEmptyArrays) {
  const Handle scalar = zeros(TF_DTYPE_INT16, {});
  EXPECT_EQ(tf_array_size(scalar.get()), 1);
  EXPECT_EQ(tf_array_ndim(scalar.get()), 0u);
  EXPECT_NE(tf_array_shape(scalar.get()), nullptr);
  EXPECT_NE(tf_array_strides(scalar.get()), nullptr);
  EXPECT_EQ(item(scalar, {}), 0);
  const Handle empty = zeros(TF_DTYPE_INT16, {3, 0, 2});
  EXPECT_EQ(tf_array_size(empty.get()), 0);
  EXPECT_EQ(tf_array_nbytes(empty.get()), 0u);
  EXPECT_NE(tf_array_data(empty.get()), nullptr);
  EXPECT_EQ(tf_array_is_contiguous(empty.get()), 1);
}

TEST(ArrayNew, HasNoStridesForBlocks) {
  const Handle array = zeros(TF_DTYPE_Q4_K, {2, 512});
  EXPECT_EQ(tf_array_strides(array.get()), nullptr);
  EXPECT_EQ(tf_array_nbytes(array.get()), 4u * 144);
  EXPECT_EQ(tf_array_is_contiguous(array.get()), 1);
  EXPECT_EQ(tf_array_strides(zeros(TF_DTYPE_FLOAT4_E2M1FN, {2}).get()), nullptr);
}

TEST(ArrayNew, RefusesWrongShapes) {
  tf_array *array = nullptr;
  const auto fails = [&array](tf_dtype dtype, const Sizes &shape, const std::string &message) {
    array = reinterpret_cast<tf_array *>(1);
    expect_failure(tf_array_new(&array, dtype, shape.data(), shape.size()), TF_STATUS_INVALID_ARGUMENT, message);
    EXPECT_EQ(array, nullptr);
  };
  fails(TF_DTYPE_UNSUPPORTED, {1}, "0 is not a dtype that has elements");
  fails(65, {1}, "65 is not a dtype that has elements");
  fails(TF_DTYPE_INT8, {2, -1}, "shape (2, -1) has a negative size");
  fails(TF_DTYPE_INT8, Sizes(65, 1), "65 dimensions are more than 64");
  fails(TF_DTYPE_INT8, {int64_t{1} << 32, int64_t{1} << 31},
        "shape (4294967296, 2147483648) of int8 has 2^63 bytes or more");
  fails(TF_DTYPE_INT8, {0, int64_t{1} << 32, int64_t{1} << 31},
        "shape (0, 4294967296, 2147483648) of int8 has 2^63 bytes or more");
  fails(TF_DTYPE_INT64, {int64_t{1} << 60}, "shape (1152921504606846976,) of int64 has 2^63 bytes or more");
  fails(TF_DTYPE_Q4_0, {32, 33}, "shape (32, 33) of q4_0: the last size is not a multiple of 32");
  fails(TF_DTYPE_FLOAT6_E2M3FN, {3}, "shape (3,) of float6_e2m3fn: the number of elements is not a multiple of 4");
  expect_failure(tf_array_new(&array, TF_DTYPE_INT8, nullptr, 1), TF_STATUS_INVALID_ARGUMENT, "shape is NULL");
  expect_failure(tf_array_new(nullptr, TF_DTYPE_INT8, nullptr, 0), TF_STATUS_INVALID_ARGUMENT, "out is NULL");
}

TEST(ArrayNew, IsOutOfMemoryWhenThereIsTooLittle) {
  tf_array *array = nullptr;
  const int64_t size = int64_t{1} << 60;
  expect_failure(tf_array_new(&array, TF_DTYPE_INT8, &size, 1), TF_STATUS_OUT_OF_MEMORY,
                 sizeof(size_t) > 4 ? "could not allocate 1152921504606846976 bytes"
                                    : "1152921504606846976 bytes do not fit in this process");
  EXPECT_EQ(array, nullptr);
}

TEST(ArrayCopyFrom, CopiesBytesAsTheyAre) {
  const std::vector<uint8_t> bools = {0, 1, 2, 255};
  const Handle array = array_of(TF_DTYPE_BOOL, {4}, bools);
  EXPECT_EQ(memcmp(tf_array_data(array.get()), bools.data(), 4), 0);
  EXPECT_EQ(item(array, {3}), 1);
  tf_array *other = nullptr;
  const int64_t shape[] = {3};
  expect_failure(tf_array_copy_from(&other, TF_DTYPE_INT16, shape, 1, bools.data(), 4), TF_STATUS_INVALID_ARGUMENT,
                 "shape (3,) of int16 needs 6 bytes, there are 4");
  expect_failure(tf_array_copy_from(&other, TF_DTYPE_INT16, shape, 1, nullptr, 6), TF_STATUS_INVALID_ARGUMENT,
                 "src is NULL");
  const int64_t none = 0;
  ASSERT_EQ(tf_array_copy_from(&other, TF_DTYPE_INT16, &none, 1, nullptr, 0), TF_STATUS_OK);
  tf_array_release(other);
}

// Counts how often a release callback ran.
struct Owner {
  int released = 0;
  static void release(void *user) { ++static_cast<Owner *>(user)->released; }
};

TEST(ArrayWrap, SharesTheCallersMemory) {
  Owner owner;
  alignas(8) int32_t values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const int64_t shape[] = {3, 4};
  tf_array *array = nullptr;
  ASSERT_EQ(tf_array_wrap(&array, TF_DTYPE_INT32, shape, 2, nullptr, values, sizeof(values), 1, Owner::release, &owner),
            TF_STATUS_OK);
  tf_array *view = nullptr;
  ASSERT_EQ(tf_array_transpose(&view, array, nullptr, 0), TF_STATUS_OK);
  void *data = nullptr;
  expect_failure(tf_array_data_mut(&data, array), TF_STATUS_INVALID_ARGUMENT,
                 "the memory of the array is shared with another array");
  EXPECT_EQ(data, nullptr);
  tf_array_release(array);
  EXPECT_EQ(owner.released, 0);
  ASSERT_EQ(tf_array_data_mut(&data, view), TF_STATUS_OK);
  EXPECT_EQ(data, values);
  EXPECT_EQ(item(Handle(view), {3, 2}), 11);
  EXPECT_EQ(owner.released, 1);
}

TEST(ArrayWrap, TakesAnyStrides) {
  int32_t values[6] = {0, 1, 2, 3, 4, 5};
  const int64_t shape[] = {2, 3};
  const int64_t fortran[] = {4, 8};
  tf_array *array = nullptr;
  ASSERT_EQ(tf_array_wrap(&array, TF_DTYPE_INT32, shape, 2, fortran, values, sizeof(values), 0, nullptr, nullptr),
            TF_STATUS_OK);
  EXPECT_EQ(tf_array_is_contiguous(array), 0);
  EXPECT_TRUE(is_fortran_contiguous(*array));
  EXPECT_EQ(item(Handle(array), {1, 2}), 5);
  const int64_t backwards[] = {0, -4};
  ASSERT_EQ(tf_array_wrap(&array, TF_DTYPE_INT32, shape, 2, backwards, values + 2, 4, 0, nullptr, nullptr),
            TF_STATUS_OK);
  EXPECT_EQ(item(Handle(array), {1, 2}), 0);
}

TEST(ArrayWrap, ReleasesOnceWhenItFails) {
  alignas(8) char bytes[64] = {};
  const int64_t shape[] = {2, 3};
  const int64_t strides[] = {16, 8};
  const int64_t far[] = {INT64_MAX - 7, 8};
  const int64_t crooked[] = {18, 8};
  tf_array *array = nullptr;
  struct Call {
    tf_array **out;
    tf_dtype dtype;
    const int64_t *shape;
    size_t ndim;
    const int64_t *strides;
    void *data;
    size_t nbytes;
    const char *message;
  };
  const Call calls[] = {
      {nullptr, TF_DTYPE_INT32, shape, 2, nullptr, bytes, 24, "out is NULL"},
      {&array, 1000, shape, 2, nullptr, bytes, 24, "1000 is not a dtype that has elements"},
      {&array, TF_DTYPE_INT32, nullptr, 2, nullptr, bytes, 24, "shape is NULL"},
      {&array, TF_DTYPE_INT32, shape, 2, nullptr, nullptr, 24, "data is NULL"},
      {&array, TF_DTYPE_INT32, shape, 2, nullptr, bytes, 23, "the array reaches 24 bytes, there are 23"},
      {&array, TF_DTYPE_INT32, shape, 2, nullptr, bytes + 2, 24, "data of int32 must be aligned to 4 bytes"},
      {&array, TF_DTYPE_INT32, shape, 2, strides, bytes, 35, "the array reaches 36 bytes, there are 35"},
      {&array, TF_DTYPE_INT32, shape, 2, far, bytes, 64, "the strides reach 2^63 bytes or more"},
      {&array, TF_DTYPE_INT32, shape, 2, crooked, bytes, 64, "stride 18 of axis 0 is not a multiple of 4"},
      {&array, TF_DTYPE_FLOAT4_E2M1FN, shape, 2, strides, bytes, 64, "float4_e2m1fn takes no strides"},
  };
  for (const Call &call : calls) {
    Owner owner;
    expect_failure(tf_array_wrap(call.out, call.dtype, call.shape, call.ndim, call.strides, call.data, call.nbytes, 1,
                                 Owner::release, &owner),
                   TF_STATUS_INVALID_ARGUMENT, call.message);
    EXPECT_EQ(owner.released, 1) << call.message;
    EXPECT_EQ(array, nullptr);
  }
}

TEST(ArrayWrap, TakesNoMemoryForNoElements) {
  Owner owner;
  const int64_t shape[] = {0, 3};
  const int64_t strides[] = {INT64_MAX, INT64_MIN};
  tf_array *array = nullptr;
  ASSERT_EQ(tf_array_wrap(&array, TF_DTYPE_FLOAT64, shape, 2, strides, nullptr, 0, 1, Owner::release, &owner),
            TF_STATUS_OK);
  EXPECT_NE(tf_array_data(array), nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tf_array_data(array)) % 8, 0u);
  tf_array_release(array);
  EXPECT_EQ(owner.released, 1);
}

TEST(ArrayDataMut, RefusesReadOnlyMemory) {
  int8_t value = 7;
  tf_array *array = nullptr;
  ASSERT_EQ(tf_array_wrap(&array, TF_DTYPE_INT8, nullptr, 0, nullptr, &value, 1, 0, nullptr, nullptr), TF_STATUS_OK);
  void *data = &value;
  expect_failure(tf_array_data_mut(&data, array), TF_STATUS_INVALID_ARGUMENT, "the memory of the array is read-only");
  EXPECT_EQ(data, nullptr);
  ASSERT_EQ(tf_array_make_mut(&array), TF_STATUS_OK);
  ASSERT_EQ(tf_array_data_mut(&data, array), TF_STATUS_OK);
  EXPECT_NE(data, &value);
  EXPECT_EQ(item(Handle(array), {}), 7);
}

TEST(ArrayMakeMut, CopiesSharedMemory) {
  Handle array = array_of<int32_t>(TF_DTYPE_INT32, {2, 2}, {1, 2, 3, 4});
  tf_array *mine = array.release();
  tf_array *const before = mine;
  ASSERT_EQ(tf_array_make_mut(&mine), TF_STATUS_OK);
  EXPECT_EQ(mine, before);
  // another reference
  tf_array *other = tf_array_retain(mine);
  ASSERT_EQ(tf_array_make_mut(&mine), TF_STATUS_OK);
  EXPECT_NE(mine, other);
  // a view, and one that is not contiguous
  tf_array *view = nullptr;
  ASSERT_EQ(tf_array_transpose(&view, mine, nullptr, 0), TF_STATUS_OK);
  ASSERT_EQ(tf_array_make_mut(&view), TF_STATUS_OK);
  EXPECT_EQ(tf_array_is_contiguous(view), 1);
  void *data = nullptr;
  ASSERT_EQ(tf_array_data_mut(&data, view), TF_STATUS_OK);
  static_cast<int32_t *>(data)[1] = 30;
  EXPECT_EQ(item(Handle(view), {0, 1}), 30);
  EXPECT_EQ(item(Handle(mine), {1, 0}), 3);
  EXPECT_EQ(item(Handle(other), {1, 0}), 3);
  tf_array *none = nullptr;
  expect_failure(tf_array_make_mut(&none), TF_STATUS_INVALID_ARGUMENT, "*array is NULL");
  expect_failure(tf_array_make_mut(nullptr), TF_STATUS_INVALID_ARGUMENT, "array is NULL");
}

TEST(ArrayMakeMut, CopiesBlocks) {
  const Handle array = array_of<uint8_t>(TF_DTYPE_FLOAT4_E2M1FN, {2, 3}, {1, 2, 3});
  tf_array *copy = tf_array_retain(array.get());
  ASSERT_EQ(tf_array_make_mut(&copy), TF_STATUS_OK);
  EXPECT_NE(copy, array.get());
  int32_t equal = 0;
  ASSERT_EQ(tf_array_equal(&equal, copy, array.get()), TF_STATUS_OK);
  EXPECT_EQ(equal, 1);
  tf_array_release(copy);
}

TEST(ArrayItem, ReadsEveryInteger) {
  EXPECT_EQ(item(array_of<int8_t>(TF_DTYPE_INT8, {2}, {1, -128}), {1}), -128);
  EXPECT_EQ(item(array_of<uint8_t>(TF_DTYPE_UINT8, {2}, {1, 255}), {-1}), 255);
  EXPECT_EQ(item(array_of<int16_t>(TF_DTYPE_INT16, {1}, {-32768}), {0}), -32768);
  EXPECT_EQ(item(array_of<uint16_t>(TF_DTYPE_UINT16, {1}, {65535}), {0}), 65535);
  EXPECT_EQ(item(array_of<int32_t>(TF_DTYPE_INT32, {1}, {INT32_MIN}), {0}), INT32_MIN);
  EXPECT_EQ(item(array_of<uint32_t>(TF_DTYPE_UINT32, {1}, {UINT32_MAX}), {0}), int64_t{UINT32_MAX});
  EXPECT_EQ(item(array_of<int64_t>(TF_DTYPE_INT64, {1}, {INT64_MIN}), {0}), INT64_MIN);
  EXPECT_EQ(item(array_of<uint64_t>(TF_DTYPE_UINT64, {1}, {INT64_MAX}), {0}), INT64_MAX);
}

TEST(ArrayItem, RefusesOtherDtypes) {
  int64_t value = 5;
  const int64_t zero = 0;
  const Handle huge = array_of<uint64_t>(TF_DTYPE_UINT64, {1}, {UINT64_MAX});
  expect_failure(tf_array_item_int64(&value, huge.get(), &zero, 1), TF_STATUS_TYPE,
                 "18446744073709551615 is above the largest int64");
  expect_failure(tf_array_item_int64(&value, zeros(TF_DTYPE_FLOAT32, {1}).get(), &zero, 1), TF_STATUS_TYPE,
                 "expected an integer dtype, found float32");
  const Handle array = zeros(TF_DTYPE_INT8, {2, 3});
  const int64_t index[] = {1, 3};
  expect_failure(tf_array_item_int64(&value, array.get(), index, 2), TF_STATUS_INVALID_ARGUMENT,
                 "index 3 is out of range for a dimension of 3");
  const int64_t below[] = {-3, 0};
  expect_failure(tf_array_item_int64(&value, array.get(), below, 2), TF_STATUS_INVALID_ARGUMENT,
                 "index -3 is out of range for a dimension of 2");
  expect_failure(tf_array_item_int64(&value, array.get(), index, 1), TF_STATUS_INVALID_ARGUMENT,
                 "1 indices for 2 dimensions");
  expect_failure(tf_array_item_int64(&value, array.get(), nullptr, 2), TF_STATUS_INVALID_ARGUMENT, "index is NULL");
  expect_failure(tf_array_item_int64(nullptr, array.get(), index, 2), TF_STATUS_INVALID_ARGUMENT, "value is NULL");
  EXPECT_EQ(value, 5);
}

TEST(ArrayItem, ReadsDoubles) {
  const Handle array = array_of<float>(TF_DTYPE_FLOAT32, {2}, {1.5f, -0.25f});
  double value = 0;
  const int64_t last = -1;
  ASSERT_EQ(tf_array_item_double(&value, array.get(), &last, 1), TF_STATUS_OK);
  EXPECT_EQ(value, -0.25);
  EXPECT_EQ(tf_array_item_double(&value, zeros(TF_DTYPE_COMPLEX64, {2}).get(), &last, 1), TF_STATUS_TYPE);
}

TEST(ArrayTranspose, IsAView) {
  const Handle array = array_of<int16_t>(TF_DTYPE_INT16, {2, 1, 3}, {1, 2, 3, 4, 5, 6});
  tf_array *out = nullptr;
  const size_t order[] = {2, 0, 1};
  ASSERT_EQ(tf_array_transpose(&out, array.get(), order, 3), TF_STATUS_OK);
  Handle turned(out);
  EXPECT_EQ(tf_array_shape(out)[0], 3);
  EXPECT_EQ(tf_array_shape(out)[1], 2);
  EXPECT_EQ(tf_array_shape(out)[2], 1);
  EXPECT_EQ(item(turned, {2, 1, 0}), 6);
  EXPECT_EQ(tf_array_data(out), tf_array_data(array.get()));
  tf_array *flat = nullptr;
  ASSERT_EQ(tf_array_contiguous(&flat, out), TF_STATUS_OK);
  const auto *values = static_cast<const int16_t *>(tf_array_data(flat));
  EXPECT_EQ(std::vector<int16_t>(values, values + 6), (std::vector<int16_t>{1, 4, 2, 5, 3, 6}));
  tf_array *same = nullptr;
  ASSERT_EQ(tf_array_contiguous(&same, flat), TF_STATUS_OK);
  EXPECT_EQ(same, flat);
  tf_array_release(flat);
  tf_array_release(same);
}

TEST(ArrayTranspose, RefusesWrongAxes) {
  const Handle array = zeros(TF_DTYPE_INT8, {2, 3});
  tf_array *out = nullptr;
  const size_t twice[] = {1, 1};
  const size_t beyond[] = {0, 2};
  expect_failure(tf_array_transpose(&out, array.get(), twice, 2), TF_STATUS_INVALID_ARGUMENT, "axis 1 is given twice");
  expect_failure(tf_array_transpose(&out, array.get(), beyond, 2), TF_STATUS_INVALID_ARGUMENT,
                 "axis 2 is out of range");
  expect_failure(tf_array_transpose(&out, array.get(), beyond, 1), TF_STATUS_INVALID_ARGUMENT,
                 "1 axes for 2 dimensions");
  expect_failure(tf_array_transpose(&out, array.get(), nullptr, 2), TF_STATUS_INVALID_ARGUMENT, "axes is NULL");
  const Handle blocks = zeros(TF_DTYPE_Q8_0, {2, 32});
  expect_failure(tf_array_transpose(&out, blocks.get(), nullptr, 0), TF_STATUS_UNSUPPORTED,
                 "the axes of q8_0 cannot change their order");
  const size_t unchanged[] = {0, 1};
  ASSERT_EQ(tf_array_transpose(&out, blocks.get(), unchanged, 2), TF_STATUS_OK);
  tf_array_release(out);
}

TEST(ArraySlice, KeepsTheMemory) {
  Handle array = array_of<int16_t>(TF_DTYPE_INT16, {4}, {10, 11, 12, 13});
  const int64_t start = -1;
  const int64_t step = -2;
  tf_array *out = nullptr;
  ASSERT_EQ(tf_array_slice(&out, array.get(), &start, nullptr, &step, 1), TF_STATUS_OK);
  array.reset();
  EXPECT_EQ(tf_array_strides(out)[0], -4);
  EXPECT_EQ(tf_array_size(out), 2);
  const Handle view(out);
  EXPECT_EQ(item(view, {0}), 13);
  EXPECT_EQ(item(view, {1}), 11);
  const int64_t zero = 0;
  expect_failure(tf_array_slice(&out, view.get(), nullptr, nullptr, &zero, 1), TF_STATUS_INVALID_ARGUMENT,
                 "the step of axis 0 is 0");
  EXPECT_EQ(out, nullptr);
}

bool are_equal(const Handle &a, const Handle &b) {
  int32_t equal = -1;
  EXPECT_EQ(tf_array_equal(&equal, a.get(), b.get()), TF_STATUS_OK);
  return equal == 1;
}

TEST(ArrayEqual, ComparesBytes) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Handle array = array_of<float>(TF_DTYPE_FLOAT32, {2, 2}, {0.f, nan, 1.f, 2.f});
  EXPECT_TRUE(are_equal(array, array_of<float>(TF_DTYPE_FLOAT32, {2, 2}, {0.f, nan, 1.f, 2.f})));
  EXPECT_FALSE(are_equal(array, array_of<float>(TF_DTYPE_FLOAT32, {2, 2}, {-0.f, nan, 1.f, 2.f})));
  EXPECT_FALSE(are_equal(array, array_of<float>(TF_DTYPE_FLOAT32, {4}, {0.f, nan, 1.f, 2.f})));
  EXPECT_FALSE(are_equal(array, array_of<float>(TF_DTYPE_INT32, {2, 2}, {0.f, nan, 1.f, 2.f})));
  // the same elements in another layout
  const Handle turned = array_of<float>(TF_DTYPE_FLOAT32, {2, 2}, {0.f, 1.f, nan, 2.f});
  tf_array *view = nullptr;
  ASSERT_EQ(tf_array_transpose(&view, turned.get(), nullptr, 0), TF_STATUS_OK);
  const Handle back(view);
  EXPECT_TRUE(are_equal(array, back));
  EXPECT_FALSE(are_equal(turned, back));
  int32_t equal = 3;
  EXPECT_EQ(tf_array_equal(&equal, array.get(), nullptr), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_array_equal(&equal, nullptr, array.get()), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_array_equal(nullptr, array.get(), array.get()), TF_STATUS_INVALID_ARGUMENT);
}

TEST(ArrayCast, ReturnsTheSameArrayIfNothingChanges) {
  const Handle array = array_of<int32_t>(TF_DTYPE_INT32, {2}, {3, -4});
  tf_array *out = nullptr;
  ASSERT_EQ(tf_array_cast(&out, array.get(), TF_DTYPE_INT32, nullptr), TF_STATUS_OK);
  EXPECT_EQ(out, array.get());
  tf_array_release(out);
  ASSERT_EQ(tf_array_cast(&out, array.get(), TF_DTYPE_FLOAT64, nullptr), TF_STATUS_OK);
  EXPECT_EQ(static_cast<const double *>(tf_array_data(out))[1], -4.0);
  tf_array_release(out);
  expect_failure(tf_array_cast(&out, array.get(), 60, nullptr), TF_STATUS_UNSUPPORTED,
                 "there is no dtype 60 to cast to");
  EXPECT_EQ(tf_array_cast(&out, nullptr, TF_DTYPE_INT8, nullptr), TF_STATUS_INVALID_ARGUMENT);
}

TEST(Array, GettersAcceptNull) {
  const auto is_null = [](bool result) {
    EXPECT_TRUE(result);
    EXPECT_STREQ(tf_error_message(), "array is NULL");
    const Status other = Failure(TF_STATUS_IO) << "something else";
    EXPECT_EQ(other.code, TF_STATUS_IO);
  };
  is_null(tf_array_dtype(nullptr) == TF_DTYPE_UNSUPPORTED);
  is_null(tf_array_ndim(nullptr) == 0);
  is_null(tf_array_shape(nullptr) == nullptr);
  is_null(tf_array_strides(nullptr) == nullptr);
  is_null(tf_array_size(nullptr) == 0);
  is_null(tf_array_nbytes(nullptr) == 0);
  is_null(tf_array_data(nullptr) == nullptr);
  is_null(tf_array_is_contiguous(nullptr) == 0);
  void *data = nullptr;
  is_null(tf_array_data_mut(&data, nullptr) == TF_STATUS_INVALID_ARGUMENT);
  tf_array *out = nullptr;
  is_null(tf_array_contiguous(&out, nullptr) == TF_STATUS_INVALID_ARGUMENT);
  is_null(tf_array_transpose(&out, nullptr, nullptr, 0) == TF_STATUS_INVALID_ARGUMENT);
  is_null(tf_array_slice(&out, nullptr, nullptr, nullptr, nullptr, 0) == TF_STATUS_INVALID_ARGUMENT);
  int64_t integer = 0;
  is_null(tf_array_item_int64(&integer, nullptr, nullptr, 0) == TF_STATUS_INVALID_ARGUMENT);
  double real = 0;
  is_null(tf_array_item_double(&real, nullptr, nullptr, 0) == TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_array_retain(nullptr), nullptr);
  tf_array_release(nullptr);
}

TEST(Array, EveryFailedAllocationIsClean) {
  testing::fail_each_allocation([](testing::TestMemory &memory) {
    const int64_t shape[] = {3, 4};
    Ref<Array> array;
    TFILE_TRY(make_array(array, *memory, *find_dtype(TF_DTYPE_INT32), {shape, 2}));
    Ref<Array> turned;
    TFILE_TRY(transpose(turned, *memory, *array, nullptr, 0));
    Ref<Array> flat;
    TFILE_TRY(contiguous(flat, *memory, *turned));
    EXPECT_TRUE(is_exclusive(*flat));
    EXPECT_FALSE(is_exclusive(*turned));
    return kOk;
  });
}

}  // namespace
}  // namespace tfile
