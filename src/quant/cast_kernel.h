// Kernels of casts: loops that convert contiguous elements from one dtype to another in one step.
#pragma once

#include "tensorfile.h"

#include <cstddef>

namespace tfile {

// Converts count elements. Neither pointer needs alignment. For packed and block types, count is a multiple of the
// elements in a unit.
using CastKernel = void (*)(void *to, const void *from, size_t count);

// Returns the fastest kernel that this CPU can run, or NULL if no kernel does the cast in one step.
CastKernel find_cast_kernel(tf_dtype from, tf_dtype to);

// Returns the portable kernel, whose results are bit for bit the same.
CastKernel find_scalar_kernel(tf_dtype from, tf_dtype to);

}  // namespace tfile
