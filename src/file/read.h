// Reads arrays of an opened file: whole, in part, several at once, into new arrays or into the caller's memory.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// The bounds of a slice, as a caller gives them; see tf_array_slice().
struct SliceBounds {
  const int64_t *start;
  const int64_t *stop;
  const int64_t *step;
  size_t ndim;
};

// Reads one array, or maps it if the file's settings say so and its bytes can serve as they are.
Status read_array(Ref<Array> &out, const OpenedFile &file, const Member &member);
// Reads the bytes of any member as they are stored, inflated, as a 1-d array of uint8.
Status read_raw(Ref<Array> &out, const OpenedFile &file, const Member &member);
Status read_slice(Ref<Array> &out, const OpenedFile &file, const Member &member, const SliceBounds &bounds);

// Into the caller's memory, whose size must be exactly what the elements need; TF_DTYPE_UNSUPPORTED: as stored.
Status read_array_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Member &member);
Status read_slice_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Member &member,
                       const SliceBounds &bounds);
// Each of the arrays into dst[i], which has nbytes[i] bytes.
Status read_arrays_into(void *const *dst, const size_t *nbytes, tf_dtype dtype, const OpenedFile &file,
                        Span<const size_t> indices);

}  // namespace tfile
