// Casts between dtypes.
#pragma once

#include "base/options.h"
#include "core/array.h"

namespace tfile {

// kOk when a rule is given for casting from one dtype to the other; else TYPE (complex to real) or UNSUPPORTED.
Status check_cast(const Dtype &from, const Dtype &to);

// Casts count elements (whole units of both dtypes), contiguous at both ends; check_cast has passed. Any alignment.
void cast_elements(void *to, const Dtype &to_dtype, const void *from, const Dtype &from_dtype, uint64_t count);

// A C-contiguous array of another dtype.
Status cast(Ref<Array> &out, const Array &array, const Dtype &to, const Settings &settings);

// One element of any real dtype as a double; index as in item_int64().
Status item_double(double *value, const Array &array, Span<const int64_t> index);

}  // namespace tfile
