// Arrays over memory that somebody else owns.
#pragma once

#include "api/arguments.h"
#include "core/array.h"

namespace tfile {

// A dtype and shape of the ABI, checked.
struct Form {
  const Dtype *dtype = nullptr;
  Span<const int64_t> shape;
  uint64_t nbytes = 0;  // in C order

  Status read(tf_dtype id, const int64_t *sizes, size_t ndim);
};

// The address of the first element, and how many bytes from there on may be touched.
struct Foreign {
  void *data;
  uint64_t nbytes;
  bool writable;
};

// Bytes from the first element to the end of the last one that positive strides reach. strides NULL: C-contiguous. Refuses
// strides that are not multiples of the item's alignment, data that are not aligned to it, and NULL for data of elements.
Status reach_of(uint64_t *nbytes, const Form &form, const int64_t *strides, const void *data);

// An array over that memory, whose release is called with the last array on it, or when this fails.
Status wrap(tf_array **out, const Form &form, const int64_t *strides, const Foreign &memory, PendingRelease &release,
            void *user);

}  // namespace tfile
