// The structs of DLPack 1.1, in the layout that its specification fixes for all versions 1.x.
#pragma once

#include "tensorfile.h"

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
inline constexpr uint64_t kDlPadded = 4;  // elements of fewer than 8 bits have a byte each

// Devices whose memory the host can use: its own, and what it has pinned for CUDA and for ROCm.
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
