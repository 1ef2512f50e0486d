// Decoding of ggml's block types.
#pragma once

#include "core/dtype.h"
#include "quant/kernels.h"

namespace tfile {

// The loop that decodes a block type to float32, or NULL: it is none. Its count is of elements, whole blocks.
CastKernel find_block_decoder(tf_dtype from);

// Decodes whole blocks, which need no alignment, to as many float32 times the elements of a block.
void decode_blocks(const Dtype &dtype, float *to, const void *from, uint64_t blocks);

}  // namespace tfile
