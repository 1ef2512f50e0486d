// MLX's form of quantised arrays: packed codes, scales and biases, in groups of 32.
#pragma once

#include "base/options.h"
#include "core/array.h"

namespace tfile {

// Whether MLX has this form for a block type: q4_0, q4_1, q8_0.
bool has_mlx_triple(const Dtype &dtype);

struct MlxTriple {
  Ref<Array> codes;   // uint32, (..., K / 8) of 4 bits or (..., K / 4) of 8, lowest first
  Ref<Array> scales;  // float16, (..., K / 32)
  Ref<Array> biases;  // likewise: value = code * scale + bias
};

// Takes a C-contiguous array of such blocks apart.
Status make_mlx_triple(MlxTriple *out, Memory &memory, const Array &blocks);

}  // namespace tfile
