// Encodes float32 as ggml's block types.
#pragma once

#include "core/dtype.h"

namespace tfile {

// Returns NULL if encode_blocks() knows a block type, else why it does not, to end a message.
const char *why_decoded_only(const Dtype &dtype);

// Encodes `blocks` whole blocks of contiguous elements with the fastest encoder that the CPU can run. Fails with
// INVALID_ARGUMENT if an element is not finite; its message counts elements from `first`, the index of from[0] in the
// whole array.
Status encode_blocks(const Dtype &dtype, void *to, const float *from, uint64_t blocks, uint64_t first);

// Fails with INVALID_ARGUMENT if an element is not finite. The message counts elements from `first`.
Status check_finite_elements(const Dtype &dtype, const float *from, uint64_t count, uint64_t first);

// Returns the index of the first number that is not finite, or `count` if there is none.
uint64_t find_not_finite(const float *from, uint64_t count);

}  // namespace tfile
