// Converts blocks to the quantized arrays of MLX: packed codes, scales and biases, in groups of 32.
#pragma once

#include "base/options.h"
#include "core/array.h"

namespace tfile {

// True if MLX can represent a block type as packed codes, scales and biases.
bool has_mlx_triple(const Dtype &dtype);

struct MlxTriple {
  Ref<Array> codes;   // uint32: (..., K / 8) with 4-bit codes or (..., K / 4) with 8-bit codes, lowest bits first
  Ref<Array> scales;  // float16, (..., K / 32)
  Ref<Array> biases;  // float16, (..., K / 32): value = code * scale + bias
};

// The shapes of the arrays of a triple.
struct MlxShapes {
  size_t ndim;
  int64_t codes[kMaxRank];
  int64_t groups[kMaxRank];  // of the scales and of the biases
};
MlxShapes mlx_shapes(const Dtype &dtype, Span<const int64_t> shape);

// Converts a C-contiguous array of shape (..., K) and of a block type for which has_mlx_triple() is true.
Status make_mlx_triple(MlxTriple *out, Memory &memory, const Array &blocks);

}  // namespace tfile
