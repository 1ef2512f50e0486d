// Casts between dtypes.
#pragma once

#include "base/options.h"
#include "core/array.h"

namespace tfile {

// kOk when a rule is given for casting from one dtype to the other; else TYPE (complex to real) or UNSUPPORTED.
Status check_cast(const Dtype &from, const Dtype &to);

// Writes the elements of array as dtype `to`, C-contiguous, to `out` (any alignment), which has room for
// byte_count(to, array.shape()) bytes; check_cast has passed, and so has check_shape for `to`. The array may be strided
// and its data need no alignment. Fails only for a block dtype: INVALID_ARGUMENT, an element is not finite.
Status cast_into(void *out, const Dtype &to, const Array &array, const Settings &settings);

// Elements that go through a cast at once; whole units of every dtype.
inline constexpr size_t kCastChunk = 1024;
// A part of that, by the calling thread: count contiguous elements at `from`, which begin with element `first` of their
// array. Parts are kCastChunk elements each, or several times that, but for the last.
Status cast_run(void *out, const Dtype &to, const void *from, const Dtype &from_dtype, uint64_t first, uint64_t count);

// A C-contiguous array of another dtype.
Status cast(Ref<Array> &out, const Array &array, const Dtype &to, const Settings &settings);

// One element of any real dtype as a double; index as in item_int64().
Status item_double(double *value, const Array &array, Span<const int64_t> index);

}  // namespace tfile
