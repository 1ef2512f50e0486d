// Casts to float32 many elements at a time, with the vector instructions of the CPU: ggml's block types and the 16-bit
// floats.
#pragma once

#include "quant/kernels.h"

namespace tfile {

// Whether this CPU runs the loops of find_lane_decoder().
bool cpu_has_lanes();

// The loop from a dtype to float32, which gives the bits of the one that every CPU has; NULL: there is none.
CastKernel find_lane_decoder(tf_dtype from);

}  // namespace tfile
