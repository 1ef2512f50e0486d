// Arrays over memory that the user owns.
#pragma once

#include "core/array.h"

namespace tfile {

struct ForeignMemory {
  void *data;       // of the first element
  uint64_t nbytes;  // that may be accessed from there on
  bool writable;
};

// Computes the bytes from the first element to the end of the last one that positive strides reach. strides may be
// NULL: C-contiguous. Fails if strides or data are not aligned for the dtype, or if data is NULL and there are
// elements.
Status reach_of(uint64_t *nbytes, const Form &form, const int64_t *strides, const void *data);

// Makes an array over the user's memory. Takes the release callback, to be called when the last array on that memory is
// released, if it succeeds.
Status wrap(Ref<Array> &out, const Form &form, const int64_t *strides, const ForeignMemory &memory,
            PendingRelease &release);

}  // namespace tfile
