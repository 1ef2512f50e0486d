// Casts between dtypes.
#pragma once

#include "base/options.h"
#include "core/array.h"

namespace tfile {

// Fails with TYPE if a cast would drop imaginary parts, and with UNSUPPORTED if `to` is a block type without an
// encoder.
Status check_cast(const Dtype &from, const Dtype &to);

// Converts the elements of an array to dtype `to` and writes them in C order to `out`, which has byte_count(to,
// array.shape()) bytes. The array may be strided; neither `out` nor the array needs alignment. Call check_cast(), and
// check_shape() for `to`, first. Then the only possible failure is INVALID_ARGUMENT, if `to` is a block type and an
// element is not finite.
Status cast_into(void *out, const Dtype &to, const Array &array, const Settings &settings);

// Converts the elements of an array like cast_into(), and writes them to the caller's memory with strides, or in C order
// if they are NULL. TF_DTYPE_UNSUPPORTED means the array's own dtype. Fails with INVALID_ARGUMENT if the strides or the
// number of bytes are wrong, and like check_cast() and check_shape().
Status copy_to(void *dst, size_t nbytes, const int64_t *strides, tf_dtype to, const Array &array,
               const Settings &settings);

// The number of elements that go through all steps of a cast together: a multiple of the unit of every dtype.
inline constexpr size_t kCastChunk = 1024;
// Casts `count` contiguous elements on the calling thread, starting with element `first` of their array. A caller that
// casts an array in parts must pass a multiple of kCastChunk elements in each call but the last.
Status cast_run(void *out, const Dtype &to, const void *from, const Dtype &from_dtype, uint64_t first, uint64_t count);

// Makes a C-contiguous array of another dtype.
Status cast(Ref<Array> &out, const Array &array, const Dtype &to, const Settings &settings);

// Makes a C-contiguous array of the dtype with an id. Fails with UNSUPPORTED if there is no such dtype. Returns the
// array itself if it already has that dtype and is C-contiguous.
Status cast(Ref<Array> &out, const Array &array, tf_dtype to, const Settings &settings);

// Reads one element of a real dtype as a double. Negative index entries count from the end. Fails with TYPE for complex
// numbers and block types.
Status item_double(double *value, const Array &array, Span<const int64_t> index);
// Sets one element of a real dtype. The array must be the only user of its memory (is_exclusive()). Fails with
// INVALID_ARGUMENT if a bool or integer dtype cannot hold the value exactly.
Status set_item_double(Array &array, Span<const int64_t> index, double value);

}  // namespace tfile
