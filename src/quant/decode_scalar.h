// Decodes ggml's block types in portable C++, element by element. The lane decoders give the same bits.
#pragma once

#include "quant/cast_kernel.h"

namespace tfile {

// Returns the kernel that decodes a block type to float32, or NULL for a dtype that is not a block type.
CastKernel find_scalar_decoder(tf_dtype from);

}  // namespace tfile
