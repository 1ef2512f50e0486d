// Converts arrays of ggml's block types for TF_DECODE_MLX: to the arrays that MLX computes with, under MLX's names.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// True if the member has a block type and the settings of the file request the conversion for MLX.
bool loads_for_mlx(const OpenedFile &file, const Member &member);

// Reads an array of a block type and adds three arrays to `arrays`: the codes under the array's own name, and the
// scales and biases under that name without ".weight" at its end, plus ".scales" and ".biases". A block type that MLX
// does not have is decoded to float16.
Status load_for_mlx(Dict &arrays, const OpenedFile &file, const Member &member);

// Adds the arrays that load_for_mlx() would add, without data. Reads nothing.
Status list_for_mlx(Dict &arrays, const OpenedFile &file, const Member &member);

// Adds an array without data: its name, dtype and shape.
Status add_listed(Dict &arrays, Text name, const Dtype &dtype, Span<const int64_t> shape);

}  // namespace tfile
