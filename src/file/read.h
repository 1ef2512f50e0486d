// Reads arrays of an opened file: whole, in part, several at once, into new arrays or into the caller's memory.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// The bounds of a slice as passed to the C functions; see tf_array_slice().
struct SliceBounds {
  const int64_t *start;
  const int64_t *stop;
  const int64_t *step;
  size_t ndim;
};

// Reads one array, or maps it if the file's settings request that and its bytes need no conversion.
Status read_array(Ref<Array> &out, const OpenedFile &file, const Member &member);
// Reads the stored bytes of any member as a 1-d array of uint8, inflated but not converted.
Status read_raw(Ref<Array> &out, const OpenedFile &file, const Member &member);
Status read_slice(Ref<Array> &out, const OpenedFile &file, const Member &member, const SliceBounds &bounds);

// Reads one array into the caller's memory, which must have exactly the size of the elements in that dtype.
// TF_DTYPE_UNSUPPORTED means the stored dtype.
Status read_array_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Member &member);
Status read_slice_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Member &member,
                       const SliceBounds &bounds);

}  // namespace tfile
