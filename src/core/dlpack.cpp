#include "core/dlpack.h"

#include "base/require.h"
#include "core/copy.h"
#include "core/foreign.h"

namespace tfile {

namespace {

struct DlType {
  tf_dtype id;
  uint8_t code;
  uint8_t bits;
};

constexpr DlType kDlTypes[] = {
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

Status type_of(DlDataType *out, const Dtype &dtype) {
  for (const DlType &type : kDlTypes) {
    if (type.id == dtype.id) return *out = {type.code, type.bits, 1}, kOk;
  }
  return Failure(TF_STATUS_UNSUPPORTED) << "DLPack has no type for " << dtype.name;
}

Status dtype_of(const Dtype **out, DlDataType dtype, uint64_t flags) {
  *out = nullptr;
  for (const DlType &type : kDlTypes) {
    if (type.code == dtype.code && type.bits == dtype.bits && dtype.lanes == 1) *out = find_dtype(type.id);
  }
  if (*out == nullptr) {
    return Failure(TF_STATUS_UNSUPPORTED)
           << "there is no dtype for DLPack's type code " << int32_t{dtype.code} << " of " << int32_t{dtype.bits}
           << " bits and " << int32_t{dtype.lanes} << " lanes";
  }
  if ((*out)->kind != DtypeClass::kPacked || (flags & kDlPadded) == 0) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << (*out)->name << " with a byte for each element is not handled";
}

// Computes strides in elements. The stride of an axis with fewer than two elements is never used, so it need not be a
// multiple of the element size.
Status element_strides(int64_t *out, const Array &array) {
  const bool addressable = array.dtype->addressable();
  contiguous_strides(out, array.shape(), 1);
  for (size_t i = 0; i < array.ndim && addressable && array.size > 0; ++i) {
    const int64_t stride = array.strides()[i];
    const int64_t item = array.dtype->block_bytes;
    if (array.shape()[i] == 1) continue;
    if (stride % item != 0) {
      return Failure(TF_STATUS_UNSUPPORTED)
             << "DLPack counts strides in elements, and the stride " << stride << " of axis "
             << static_cast<uint64_t>(i) << " is not a multiple of the " << item << " bytes of " << array.dtype->name;
    }
    out[i] = stride / item;
  }
  return kOk;
}

// The exported tensor, followed by its shape and strides in the same allocation.
template <typename Managed>
struct Export {
  Managed managed;
  Ref<Memory> memory;
  Ref<Buffer> buffer;
  size_t ndim;

  static size_t bytes(size_t ndim) { return sizeof(Export) + 2 * ndim * sizeof(int64_t); }
  int64_t *dims() { return reinterpret_cast<int64_t *>(this + 1); }
  static void destroy(Managed *self) {
    auto *const made = static_cast<Export *>(self->context);
    const Ref<Memory> from = made->memory;
    const size_t size = bytes(made->ndim);
    made->~Export();
    deallocate(*from, made, size, alignof(Export));
  }
};

template <typename Managed>
Status export_array(Managed **out, const Array &array) {
  using Made = Export<Managed>;
  DlDataType type{};
  TFILE_TRY(type_of(&type, *array.dtype));
  int64_t strides[kMaxRank];
  TFILE_TRY(element_strides(strides, array));
  Memory &memory = without_budget(*array.memory);
  void *storage = nullptr;
  TFILE_TRY(allocate(&storage, memory, Made::bytes(array.ndim), alignof(Made)));
  auto *const made = new (storage) Made{{}, Ref<Memory>::share(&memory), array.buffer, array.ndim};
  int64_t *const dims = made->dims();
  for (size_t i = 0; i < array.ndim; ++i) {
    dims[i] = array.shape()[i];
    dims[array.ndim + i] = strides[i];
  }
  made->managed.context = made;
  made->managed.deleter = Made::destroy;
  made->managed.tensor =
      DlTensor{array.data, {kDlCpu, 0}, static_cast<int32_t>(array.ndim), type, dims, dims + array.ndim, 0};
  *out = &made->managed;
  return kOk;
}

// A release callback for an imported tensor.
template <typename Managed>
void call_deleter(void *user) {
  auto *const managed = static_cast<Managed *>(user);
  if (managed->deleter != nullptr) managed->deleter(managed);
}

// Computes strides in bytes. An axis of fewer than two elements gets the stride of C order.
Status byte_strides(int64_t *out, const Form &form, const int64_t *strides) {
  contiguous_strides(out, form.shape, form.dtype->block_bytes);
  for (size_t i = 0; i < form.shape.size() && form.nbytes > 0; ++i) {
    if (form.shape[i] > 1 && __builtin_mul_overflow(strides[i], int64_t{form.dtype->block_bytes}, &out[i])) {
      return Failure(TF_STATUS_INVALID_ARGUMENT) << "the strides reach 2^63 bytes or more";
    }
  }
  return kOk;
}

// Arrays of a packed type have no strides, so the tensor must be in C order.
Status check_packed_strides(const Form &form, const int64_t *strides) {
  int64_t expected[kMaxRank];
  contiguous_strides(expected, form.shape, 1);
  for (size_t i = 0; i < form.shape.size() && form.nbytes > 0; ++i) {
    if (form.shape[i] > 1 && strides[i] != expected[i]) {
      return Failure(TF_STATUS_UNSUPPORTED)
             << form.dtype->name << " must be C-contiguous, and the stride of axis " << static_cast<uint64_t>(i)
             << " is " << strides[i] << ", not " << expected[i];
    }
  }
  return kOk;
}

Status check_device(const DlTensor &tensor) {
  const int32_t type = tensor.device.type;
  if (type == kDlCpu || type == kDlCudaHost || type == kDlRocmHost) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << "the tensor is in the memory of a device (DLPack's type " << type
                                        << "), which the CPU cannot access";
}

Status import_tensor(Ref<Array> &out, const DlTensor &tensor, uint64_t flags, PendingRelease &release) {
  TFILE_TRY(check_device(tensor));
  if (tensor.ndim < 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << tensor.ndim << " dimensions are less than 0";
  }
  const Dtype *dtype = nullptr;
  TFILE_TRY(dtype_of(&dtype, tensor.dtype, flags));
  Form form;
  TFILE_TRY(form.read(dtype->id, tensor.shape, static_cast<size_t>(tensor.ndim)));
  int64_t strides[kMaxRank];
  const bool strided = tensor.strides != nullptr && dtype->addressable();
  if (strided) TFILE_TRY(byte_strides(strides, form, tensor.strides));
  if (tensor.strides != nullptr && !strided) TFILE_TRY(check_packed_strides(form, tensor.strides));
  void *data = nullptr;
  if (form.nbytes > 0) {
    TFILE_TRY(require(tensor.data, "data"));
    data = static_cast<char *>(tensor.data) + tensor.byte_offset;
  }
  uint64_t reach = 0;
  TFILE_TRY(reach_of(&reach, form, strided ? strides : nullptr, data));
  return wrap(out, form, strided ? strides : nullptr, {data, reach, (flags & kDlReadOnly) == 0}, release);
}

}  // namespace

Status to_dlpack(DLManagedTensorVersioned **out, const Array &array) {
  TFILE_TRY(export_array(out, array));
  (*out)->version = kDlVersion;
  (*out)->flags = array.buffer->writable ? 0 : kDlReadOnly;
  return kOk;
}

Status to_dlpack(DLManagedTensor **out, const Array &array) {
  if (array.buffer->writable) return export_array(out, array);
  return Failure(TF_STATUS_UNSUPPORTED)
         << "the memory of the array is read-only, which DLPack's unversioned struct cannot say";
}

Status from_dlpack(Ref<Array> &out, DLManagedTensorVersioned *tensor) {
  PendingRelease pending(call_deleter<DLManagedTensorVersioned>, tensor);
  // In another major version only the fields before the flags are known to be the same.
  if (tensor->version.major != kDlVersion.major) {
    return Failure(TF_STATUS_UNSUPPORTED) << "the tensor is of DLPack " << tensor->version.major << "."
                                          << tensor->version.minor << ", and 1.x is handled";
  }
  return import_tensor(out, tensor->tensor, tensor->flags, pending);
}

Status from_dlpack(Ref<Array> &out, DLManagedTensor *tensor) {
  PendingRelease pending(call_deleter<DLManagedTensor>, tensor);
  return import_tensor(out, tensor->tensor, 0, pending);
}

void delete_tensor(DLManagedTensorVersioned *tensor) {
  if (tensor != nullptr) call_deleter<DLManagedTensorVersioned>(tensor);
}

void delete_tensor(DLManagedTensor *tensor) {
  if (tensor != nullptr) call_deleter<DLManagedTensor>(tensor);
}

}  // namespace tfile
