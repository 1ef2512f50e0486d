// DLPack 1.1: its structs, in the layout that the specification fixes for all versions 1.x, and both conversions.
#pragma once

#include "core/array.h"

namespace tfile {

struct DlDevice {
  int32_t type;
  int32_t id;
};

struct DlDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
};

struct DlTensor {
  void *data;
  DlDevice device;
  int32_t ndim;
  DlDataType dtype;
  int64_t *shape;
  int64_t *strides;  // in elements; NULL: C-contiguous
  uint64_t byte_offset;
};

struct DlVersion {
  uint32_t major;
  uint32_t minor;
};

inline constexpr DlVersion kDlVersion{1, 1};
inline constexpr uint64_t kDlReadOnly = 1;
inline constexpr uint64_t kDlPadded = 4;  // each element of fewer than 8 bits is padded to a whole byte

// Devices whose memory the CPU can access: its own, and pinned memory of CUDA and ROCm.
inline constexpr int32_t kDlCpu = 1;
inline constexpr int32_t kDlCudaHost = 3;
inline constexpr int32_t kDlRocmHost = 11;

}  // namespace tfile

struct DLManagedTensor {
  tfile::DlTensor tensor;
  void *context;
  void (*deleter)(DLManagedTensor *self);
};

struct DLManagedTensorVersioned {
  tfile::DlVersion version;
  void *context;
  void (*deleter)(DLManagedTensorVersioned *self);
  uint64_t flags;
  tfile::DlTensor tensor;
};

namespace tfile {

// Makes a tensor that shares the array's memory. The consumer releases it by calling its deleter.
Status to_dlpack(DLManagedTensorVersioned **out, const Array &array);
// The unversioned struct has no flag for read-only memory, so such arrays are UNSUPPORTED.
Status to_dlpack(DLManagedTensor **out, const Array &array);

// Makes an array that shares the tensor's memory and calls its deleter when the last array on it is released, or at
// once if this fails. The tensor must not be NULL.
Status from_dlpack(Ref<Array> &out, DLManagedTensorVersioned *tensor);
Status from_dlpack(Ref<Array> &out, DLManagedTensor *tensor);
// Calls the deleter of a tensor from which no array was made. The tensor may be NULL.
void delete_tensor(DLManagedTensorVersioned *tensor);
void delete_tensor(DLManagedTensor *tensor);

}  // namespace tfile
