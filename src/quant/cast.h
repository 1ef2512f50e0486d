// Casts between dtypes.
#pragma once

#include "base/options.h"
#include "core/array.h"

namespace tfile {

// Fails with TYPE if a cast would drop imaginary parts, and with UNSUPPORTED if `to` is a block type without an encoder.
Status check_cast(const Dtype &from, const Dtype &to);

// Writes the elements of an array as dtype `to`, C-contiguous, to the byte_count(to, array.shape()) bytes at `out`. The
// array may be strided, and neither end needs alignment. Call check_cast(), and check_shape() for `to`, first; then this
// fails only if `to` is a block type and an element is not finite, with INVALID_ARGUMENT.
Status cast_into(void *out, const Dtype &to, const Array &array, const Settings &settings);

// The elements that pass through all steps of a cast together: a multiple of the elements in a unit of every dtype.
inline constexpr size_t kCastChunk = 1024;
// Casts, in the calling thread, count contiguous elements that begin with element `first` of their array. A caller that
// casts an array in parts must make all but the last a multiple of kCastChunk elements.
Status cast_run(void *out, const Dtype &to, const void *from, const Dtype &from_dtype, uint64_t first, uint64_t count);

// Makes a C-contiguous array of another dtype.
Status cast(Ref<Array> &out, const Array &array, const Dtype &to, const Settings &settings);

// Makes a C-contiguous array of the dtype with an id; UNSUPPORTED if there is none. If the array is like that already, the
// result is the array itself.
Status cast(Ref<Array> &out, const Array &array, tf_dtype to, const Settings &settings);

// Reads one element of a real dtype as a double. `index` is as in item_int64(). Fails with TYPE for complex numbers and
// block types.
Status item_double(double *value, const Array &array, Span<const int64_t> index);

}  // namespace tfile
