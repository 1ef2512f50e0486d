// Encoding float32 into ggml's block types.
#pragma once

#include "core/dtype.h"

namespace tfile {

// Whether encode_blocks() knows a block type.
bool can_encode(const Dtype &dtype);

// Encodes `blocks` whole blocks, of which `from` has the elements, contiguous. The bytes are those that gguf-py and
// ggml write: every operation is rounded once, in the order written. INVALID_ARGUMENT when an element is not finite;
// first is the place of from[0] in the whole array, for the message.
Status encode_blocks(const Dtype &dtype, void *to, const float *from, uint64_t blocks, uint64_t first);

}  // namespace tfile
