// The single steps of a cast: loops from one dtype to another.
#pragma once

#include "tensorfile.h"

#include <cstddef>

namespace tfile {

// Converts count elements, contiguous at both ends, of any alignment; of a packed type whole units.
using CastKernel = void (*)(void *to, const void *from, size_t count);

// The loop from one dtype to another, or NULL: there is none, and the cast goes through a third dtype.
CastKernel find_cast_kernel(tf_dtype from, tf_dtype to);

// The one for every CPU, which the others are tested against.
CastKernel find_plain_kernel(tf_dtype from, tf_dtype to);

}  // namespace tfile
