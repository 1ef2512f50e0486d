// Casts to float32 that handle 16 bytes of a block, or 8 elements of a 16-bit float, at once with the vector
// instructions of the CPU.
#pragma once

#include "quant/cast_kernel.h"

namespace tfile {

// True if this CPU can run the kernels of find_lane_decoder().
bool cpu_has_lanes();

// Returns the kernel from a block type or a 16-bit float to float32, or NULL for other dtypes.
CastKernel find_lane_decoder(tf_dtype from);

}  // namespace tfile
