// Export and import of DLPack's structs. tests/peers tests them with other libraries.
#include "core/dlpack.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "core/array.h"
#include "support/expect_error.h"
#include "support/handles.h"
#include "support/memory.h"

namespace tfile {
namespace {

using testing::Handle;
using testing::made;
using testing::random_array;
using testing::same;

// Sizes and offsets on 64-bit machines, from the dlpack.h of the specification.
static_assert(sizeof(void *) != 8 || sizeof(DlTensor) == 48);
static_assert(sizeof(void *) != 8 || offsetof(DlTensor, byte_offset) == 40);
static_assert(sizeof(void *) != 8 || offsetof(DLManagedTensor, deleter) == 56);
static_assert(sizeof(void *) != 8 || offsetof(DLManagedTensorVersioned, tensor) == 32);

struct Code {
  tf_dtype dtype;
  int code, bits;
};

// The values of DLDataTypeCode in the specification.
const Code kCodes[] = {
    {TF_DTYPE_INT8, 0, 8},
    {TF_DTYPE_INT16, 0, 16},
    {TF_DTYPE_INT32, 0, 32},
    {TF_DTYPE_INT64, 0, 64},
    {TF_DTYPE_UINT8, 1, 8},
    {TF_DTYPE_UINT16, 1, 16},
    {TF_DTYPE_UINT32, 1, 32},
    {TF_DTYPE_UINT64, 1, 64},
    {TF_DTYPE_FLOAT16, 2, 16},
    {TF_DTYPE_FLOAT32, 2, 32},
    {TF_DTYPE_FLOAT64, 2, 64},
    {TF_DTYPE_BFLOAT16, 4, 16},
    {TF_DTYPE_COMPLEX64, 5, 64},
    {TF_DTYPE_COMPLEX128, 5, 128},
    {TF_DTYPE_BOOL, 6, 8},
    {TF_DTYPE_FLOAT8_E4M3FN, 10, 8},
    {TF_DTYPE_FLOAT8_E4M3FNUZ, 11, 8},
    {TF_DTYPE_FLOAT8_E5M2, 12, 8},
    {TF_DTYPE_FLOAT8_E5M2FNUZ, 13, 8},
    {TF_DTYPE_FLOAT8_E8M0FNU, 14, 8},
    {TF_DTYPE_FLOAT6_E2M3FN, 15, 6},
    {TF_DTYPE_FLOAT6_E3M2FN, 16, 6},
    {TF_DTYPE_FLOAT4_E2M1FN, 17, 4},
};

DLManagedTensorVersioned *exported(tf_array *array) {
  DLManagedTensorVersioned *tensor = nullptr;
  EXPECT_EQ(tf_array_to_dlpack(&tensor, array), TF_STATUS_OK) << tf_error_message();
  return tensor;
}

Handle<tf_array> imported(DLManagedTensorVersioned *tensor) {
  return made<tf_array>([&](tf_array **out) { return tf_array_from_dlpack(out, tensor); });
}

// A tensor of another library, which counts the calls of its deleter.
struct Tensor {
  std::vector<int64_t> shape{2, 3};
  std::vector<int64_t> strides{3, 1};
  alignas(16) char bytes[1024] = {};
  int deletions = 0;
  DLManagedTensorVersioned versioned{};
  DLManagedTensor unversioned{};

  Tensor() {
    versioned = {{1, 1}, this, deleted<DLManagedTensorVersioned>, 0, tensor()};
    unversioned = {tensor(), this, deleted<DLManagedTensor>};
  }
  Tensor(const Tensor &) = delete;
  Tensor &operator=(const Tensor &) = delete;

  DlTensor tensor() {
    return {bytes, {kDlCpu, 0}, static_cast<int32_t>(shape.size()), {2, 32, 1}, shape.data(), strides.data(), 0};
  }
  template <typename Managed>
  static void deleted(Managed *self) {
    ++static_cast<Tensor *>(self->context)->deletions;
  }
  void expect_refused(tf_status status, const std::string &message) {
    const int before = deletions;
    tf_array *array = reinterpret_cast<tf_array *>(1);
    EXPECT_EQ(tf_array_from_dlpack(&array, &versioned), status);
    EXPECT_EQ(array, nullptr);
    expect_error(message);
    EXPECT_EQ(deletions, before + 1);
  }
};

TEST(DlPack, ConvertsEveryDtypeBothWays) {
  for (const Code &code : kCodes) {
    SCOPED_TRACE(tf_dtype_name(code.dtype));
    const auto array = random_array(code.dtype, {3, 4});
    DLManagedTensorVersioned *const tensor = exported(array.get());
    EXPECT_EQ(tensor->version.major, 1u);
    EXPECT_EQ(tensor->version.minor, 1u);
    EXPECT_EQ(tensor->flags, 0u);
    EXPECT_EQ(tensor->tensor.dtype.code, code.code);
    EXPECT_EQ(tensor->tensor.dtype.bits, code.bits);
    EXPECT_EQ(tensor->tensor.dtype.lanes, 1);
    EXPECT_EQ(tensor->tensor.data, tf_array_data(array.get()));
    EXPECT_EQ(tensor->tensor.byte_offset, 0u);
    EXPECT_EQ(tensor->tensor.device.type, 1);
    EXPECT_EQ(tensor->tensor.device.id, 0);
    EXPECT_EQ(std::vector<int64_t>(tensor->tensor.shape, tensor->tensor.shape + 2), (std::vector<int64_t>{3, 4}));
    EXPECT_EQ(std::vector<int64_t>(tensor->tensor.strides, tensor->tensor.strides + 2), (std::vector<int64_t>{4, 1}));
    const auto back = imported(tensor);
    EXPECT_EQ(tf_array_data(back.get()), tf_array_data(array.get()));
    EXPECT_TRUE(same(back.get(), array.get()));
  }
}

TEST(DlPack, BlockTypesAreUnsupported) {
  const auto array = random_array(TF_DTYPE_Q4_K, {256});
  DLManagedTensorVersioned *tensor = reinterpret_cast<DLManagedTensorVersioned *>(1);
  EXPECT_EQ(tf_array_to_dlpack(&tensor, array.get()), TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(tensor, nullptr);
  expect_error("DLPack has no type for q4_k");
  DLManagedTensor *old = nullptr;
  EXPECT_EQ(tf_array_to_dlpack_unversioned(&old, array.get()), TF_STATUS_UNSUPPORTED);
  expect_error("DLPack has no type for q4_k");
}

TEST(DlPack, StridesAreInElements) {
  const auto array = random_array(TF_DTYPE_FLOAT64, {4, 6, 5});
  const int64_t start[] = {TENSORFILE_SLICE_OMITTED, 1, TENSORFILE_SLICE_OMITTED};
  const int64_t step[] = {-1, 2, 1};
  const auto view =
      made<tf_array>([&](tf_array **out) { return tf_array_slice(out, array.get(), start, nullptr, step, 3); });
  DLManagedTensorVersioned *const tensor = exported(view.get());
  EXPECT_EQ(std::vector<int64_t>(tensor->tensor.shape, tensor->tensor.shape + 3), (std::vector<int64_t>{4, 3, 5}));
  EXPECT_EQ(std::vector<int64_t>(tensor->tensor.strides, tensor->tensor.strides + 3),
            (std::vector<int64_t>{-30, 10, 1}));
  EXPECT_EQ(tensor->tensor.data, tf_array_data(view.get()));
  EXPECT_TRUE(same(imported(tensor).get(), view.get()));
}

TEST(DlPack, ByteStridesThatCutElementsAreUnsupported) {
  alignas(8) float parts[16] = {};
  const int64_t shape[] = {2, 2};
  const int64_t strides[] = {12, 8};
  const auto array = made<tf_array>([&](tf_array **out) {
    return tf_array_wrap(out, TF_DTYPE_COMPLEX64, shape, 2, strides, parts, sizeof(parts), 1, nullptr, nullptr);
  });
  DLManagedTensorVersioned *tensor = nullptr;
  EXPECT_EQ(tf_array_to_dlpack(&tensor, array.get()), TF_STATUS_UNSUPPORTED);
  expect_error(
      "DLPack counts strides in elements, and the stride 12 of axis 0 is not a multiple of the 8 bytes of complex64");
  EXPECT_EQ(tensor, nullptr);
  // The stride of an axis with one element is not used.
  const int64_t flat[] = {1, 2};
  const auto row = made<tf_array>([&](tf_array **out) {
    return tf_array_wrap(out, TF_DTYPE_COMPLEX64, flat, 2, strides, parts, sizeof(parts), 1, nullptr, nullptr);
  });
  DLManagedTensorVersioned *const of_row = exported(row.get());
  EXPECT_EQ(of_row->tensor.strides[0], 2);
  of_row->deleter(of_row);
}

TEST(DlPack, ScalarsAndEmptyArrays) {
  for (const std::vector<int64_t> &shape : {std::vector<int64_t>{}, {0}, {3, 0, 2}, {1, 1}}) {
    const auto array = random_array(TF_DTYPE_INT32, shape);
    const auto back = imported(exported(array.get()));
    EXPECT_TRUE(same(back.get(), array.get()));
    EXPECT_EQ(tf_array_ndim(back.get()), shape.size());
  }
  Tensor tensor;
  tensor.shape = {0, 5};
  tensor.versioned.tensor.data = nullptr;
  tensor.versioned.tensor.byte_offset = 3;
  const auto empty = imported(&tensor.versioned);
  EXPECT_NE(tf_array_data(empty.get()), nullptr);
  EXPECT_EQ(tf_array_nbytes(empty.get()), 0u);
}

TEST(DlPack, ATensorKeepsTheMemoryAndCountsAsAShare) {
  auto array = random_array(TF_DTYPE_INT32, {1000});
  const std::string expected(static_cast<const char *>(tf_array_data(array.get())), 4000);
  DLManagedTensorVersioned *const tensor = exported(array.get());
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the memory of the array is shared with another array");
  tensor->deleter(tensor);
  EXPECT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_OK);
  DLManagedTensor *old = nullptr;
  ASSERT_EQ(tf_array_to_dlpack_unversioned(&old, array.get()), TF_STATUS_OK);
  array.reset();
  EXPECT_EQ(std::string(static_cast<const char *>(old->tensor.data), 4000), expected);
  old->deleter(old);
}

TEST(DlPack, ReadOnlyMemoryIsFlagged) {
  const float value = 1;
  const auto array = made<tf_array>([&](tf_array **out) {
    return tf_array_wrap(out, TF_DTYPE_FLOAT32, nullptr, 0, nullptr, const_cast<float *>(&value), 4, 0, nullptr,
                         nullptr);
  });
  DLManagedTensorVersioned *const tensor = exported(array.get());
  EXPECT_EQ(tensor->flags, 1u);
  const auto back = imported(tensor);
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, back.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the memory of the array is read-only");
  DLManagedTensor *old = nullptr;
  EXPECT_EQ(tf_array_to_dlpack_unversioned(&old, array.get()), TF_STATUS_UNSUPPORTED);
  expect_error("the memory of the array is read-only, which DLPack's unversioned struct cannot say");
}

TEST(DlPack, ReleasesAnImportedTensorOnce) {
  Tensor tensor;
  for (int i = 0; i < 6; ++i) {
    const auto value = static_cast<float>(i);
    memcpy(tensor.bytes + 64 + 4 * i, &value, 4);
  }
  tensor.versioned.tensor.byte_offset = 64;
  auto array = imported(&tensor.versioned);
  EXPECT_EQ(tf_array_data(array.get()), tensor.bytes + 64);
  double value = 0;
  const int64_t last[] = {1, 2};
  ASSERT_EQ(tf_array_item_double(&value, array.get(), last, 2), TF_STATUS_OK);
  EXPECT_EQ(value, 5);
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_OK);
  auto view = made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, array.get(), nullptr, 0); });
  array.reset();
  EXPECT_EQ(tensor.deletions, 0);
  view.reset();
  EXPECT_EQ(tensor.deletions, 1);

  tf_array *old = nullptr;
  ASSERT_EQ(tf_array_from_dlpack_unversioned(&old, &tensor.unversioned), TF_STATUS_OK);
  EXPECT_EQ(tf_array_data(old), tensor.bytes);
  tf_array_release(old);
  EXPECT_EQ(tensor.deletions, 2);
  // The deleter of a tensor may be NULL.
  tensor.versioned.deleter = nullptr;
  imported(&tensor.versioned).reset();
  EXPECT_EQ(tensor.deletions, 2);
}

TEST(DlPack, StridesMayBeLeftOutOrAnything) {
  Tensor tensor;
  tensor.versioned.tensor.strides = nullptr;
  EXPECT_EQ(tf_array_is_contiguous(imported(&tensor.versioned).get()), 1);
  tensor.shape = {1, 3};
  tensor.strides = {INT64_MAX, 1};
  tensor.versioned.tensor = tensor.tensor();
  EXPECT_EQ(tf_array_is_contiguous(imported(&tensor.versioned).get()), 1);
  tensor.shape = {2, 3};
  tensor.strides = {1, 2};
  tensor.versioned.tensor = tensor.tensor();
  const auto fortran = imported(&tensor.versioned);
  EXPECT_EQ(tf_array_strides(fortran.get())[0], 4);
  EXPECT_EQ(tf_array_strides(fortran.get())[1], 8);
}

TEST(DlPack, MemoryPinnedForADeviceIsAccessible) {
  for (const int32_t type : {kDlCudaHost, kDlRocmHost}) {
    Tensor tensor;
    tensor.versioned.tensor.device = {type, 1};
    EXPECT_EQ(tf_array_data(imported(&tensor.versioned).get()), tensor.bytes);
  }
}

TEST(DlPack, RefusesWhatCannotBeAnArray) {
  {
    Tensor tensor;
    tensor.versioned.version = {2, 0};
    // In an unknown version, the fields after the deleter must not be read.
    tensor.versioned.tensor.ndim = -1;
    tensor.expect_refused(TF_STATUS_UNSUPPORTED, "the tensor is of DLPack 2.0, and 1.x is handled");
  }
  {
    Tensor tensor;
    tensor.versioned.tensor.device = {2, 0};
    tensor.expect_refused(TF_STATUS_UNSUPPORTED,
                          "the tensor is in the memory of a device (DLPack's type 2), which the CPU cannot access");
  }
  {
    Tensor tensor;
    for (const DlDataType type : {DlDataType{3, 64, 1}, {2, 32, 4}, {0, 4, 1}, {7, 8, 1}, {2, 128, 1}}) {
      tensor.versioned.tensor.dtype = type;
      tensor.expect_refused(TF_STATUS_UNSUPPORTED, "there is no dtype for DLPack's type code " +
                                                       std::to_string(type.code) + " of " + std::to_string(type.bits) +
                                                       " bits and " + std::to_string(type.lanes) + " lanes");
    }
  }
  {
    Tensor tensor;
    tensor.versioned.tensor.ndim = -3;
    tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT, "-3 dimensions are less than 0");
    tensor.shape.assign(65, 1);
    tensor.strides.assign(65, 1);
    tensor.versioned.tensor = tensor.tensor();
    tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT, "65 dimensions are more than 64");
    tensor.shape = {2, -3};
    tensor.versioned.tensor = tensor.tensor();
    tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT, "shape (2, -3) has a negative size");
    tensor.versioned.tensor.shape = nullptr;
    tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT, "shape is NULL");
  }
  {
    Tensor tensor;
    tensor.versioned.tensor.byte_offset = 2;
    tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT, "data of float32 must be aligned to 4 bytes");
    tensor.versioned.tensor.data = nullptr;
    tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT, "data is NULL");
  }
  {
    Tensor tensor;
    tensor.strides = {INT64_MAX / 2, 1};
    tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT, "the strides reach 2^63 bytes or more");
  }
}

TEST(DlPack, PackedTypesMustBePackedAndDense) {
  Tensor tensor;
  tensor.shape = {2, 4};
  tensor.strides = {4, 1};
  tensor.versioned.tensor = tensor.tensor();
  tensor.versioned.tensor.dtype = {17, 4, 1};
  EXPECT_EQ(tf_array_nbytes(imported(&tensor.versioned).get()), 4u);
  tensor.versioned.flags = 4;
  tensor.expect_refused(TF_STATUS_UNSUPPORTED, "float4_e2m1fn with a byte for each element is not handled");
  tensor.versioned.flags = 0;
  tensor.strides = {1, 2};
  tensor.expect_refused(TF_STATUS_UNSUPPORTED,
                        "float4_e2m1fn must be C-contiguous, and the stride of axis 0 is 1, not 4");
  tensor.shape = {3, 1};
  tensor.expect_refused(TF_STATUS_INVALID_ARGUMENT,
                        "shape (3, 1) of float4_e2m1fn: the number of elements is not a multiple of 2");
  // If an element has whole bytes, the padding flag has no effect.
  tensor.versioned.tensor.dtype = {1, 8, 1};
  tensor.versioned.flags = 4;
  EXPECT_EQ(tf_array_nbytes(imported(&tensor.versioned).get()), 3u);
}

TEST(DlPack, AcceptsNull) {
  Tensor tensor;
  EXPECT_EQ(tf_array_from_dlpack(nullptr, &tensor.versioned), TF_STATUS_INVALID_ARGUMENT);
  expect_error("out is NULL");
  EXPECT_EQ(tensor.deletions, 1);
  EXPECT_EQ(tf_array_from_dlpack_unversioned(nullptr, &tensor.unversioned), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tensor.deletions, 2);
  tf_array *array = nullptr;
  EXPECT_EQ(tf_array_from_dlpack(&array, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("tensor is NULL");
  EXPECT_EQ(tf_array_from_dlpack_unversioned(&array, nullptr), TF_STATUS_INVALID_ARGUMENT);
  DLManagedTensorVersioned *out = nullptr;
  DLManagedTensor *old = nullptr;
  EXPECT_EQ(tf_array_to_dlpack(&out, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("array is NULL");
  EXPECT_EQ(tf_array_to_dlpack_unversioned(&old, nullptr), TF_STATUS_INVALID_ARGUMENT);
  const auto some = random_array(TF_DTYPE_INT8, {1});
  EXPECT_EQ(tf_array_to_dlpack(nullptr, some.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("out is NULL");
  EXPECT_EQ(tf_array_to_dlpack_unversioned(nullptr, some.get()), TF_STATUS_INVALID_ARGUMENT);
}

TEST(DlPack, ComesFromTheAllocatorOfTheArray) {
  testing::fail_each_allocation([](testing::TestMemory &memory) -> Status {
    Ref<Array> array;
    const int64_t shape[] = {2, 3};
    TFILE_TRY(make_array(array, *memory, *find_dtype(TF_DTYPE_INT8), Span<const int64_t>(shape, 2)));
    const int64_t before = memory.allocations();
    DLManagedTensorVersioned *tensor = nullptr;
    const Status status{tf_array_to_dlpack(&tensor, array.get())};
    if (!status.ok()) return status;
    EXPECT_EQ(memory.allocations(), before + 1);
    array = Ref<Array>();
    EXPECT_GT(memory.blocks(), 0);
    tensor->deleter(tensor);
    return kOk;
  });
}

}  // namespace
}  // namespace tfile
