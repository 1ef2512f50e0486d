// Casts to block types with an importance matrix.
#pragma once

#include "quant/cast.h"

namespace tfile {

// Makes a C-contiguous array of a dtype, in which the elements that have larger weights are encoded more exactly. The
// weights are float32, with a shape that broadcasts to that of the array but for the last size, which must be equal.
// Dtypes whose encoders use no weights are cast without them. Fails like cast(), with TYPE if the weights are not
// float32, and with INVALID_ARGUMENT if their shape does not fit or one is not finite.
Status cast_weighted(Ref<Array> &out, const Array &array, tf_dtype to, const Array &weights, const Settings &settings);

}  // namespace tfile
