// Arrays over memory that the user owns.
#pragma once

#include "core/array.h"

namespace tfile {

struct ForeignMemory {
  void *data;       // address of the first element
  uint64_t nbytes;  // bytes that may be accessed from `data` on
  bool writable;
};

// Computes how many bytes an array may access from its first element upwards; NULL strides mean C-contiguous. Fails if
// strides or data are not aligned for the dtype, or if data is NULL although there are elements.
Status reach_of(uint64_t *nbytes, const Form &form, const int64_t *strides, const void *data);

// Checks memory of the caller that is to receive the elements of a form: exactly as many bytes as they need, or at least
// that with strides.
Status check_target(const Form &form, const void *dst, size_t nbytes, const int64_t *strides);

// Makes an array over the user's memory. On success takes ownership of the release callback, which is called when the
// last array on that memory is released.
Status wrap(Ref<Array> &out, const Form &form, const int64_t *strides, const ForeignMemory &memory,
            PendingRelease &release);

}  // namespace tfile
