// Encodes block types with an importance matrix: a weight for each element of a row, which says how much an error of that
// element matters. docs/quantizing.md has the rules; the results equal those of ggml byte for byte.
#pragma once

#include "quant/encode.h"

namespace tfile {

// True if the encoder of a block type uses weights. The others ignore them, as in ggml.
bool uses_weights(const Dtype &dtype);

// True if the encoder of a type that uses weights also needs the mean of the squares of the whole row.
bool needs_row_mean(const Dtype &dtype);

// Encodes `blocks` whole blocks of contiguous elements of one row of a type that uses weights. `weights` has one number
// for each element, and row_mean is the mean of the squares of the row for types that need it. Fails with
// INVALID_ARGUMENT if an element or a weight is not finite; its message counts elements from `first`.
Status encode_weighted_blocks(const Dtype &dtype, void *to, const float *from, const float *weights, float row_mean,
                              uint64_t blocks, uint64_t first);

}  // namespace tfile
