// Kernels of casts: loops that convert contiguous elements from one dtype to another in one step.
#pragma once

#include "tensorfile.h"

#include <cstddef>

namespace tfile {

// Converts count elements. Neither end needs alignment; of packed and block types count is a multiple of the elements
// in a unit.
using CastKernel = void (*)(void *to, const void *from, size_t count);

// Returns the fastest kernel that this CPU can run, or NULL if there is none and the cast goes through a third dtype.
CastKernel find_cast_kernel(tf_dtype from, tf_dtype to);

// Returns the portable kernel, which gives the same bits.
CastKernel find_scalar_kernel(tf_dtype from, tf_dtype to);

}  // namespace tfile
