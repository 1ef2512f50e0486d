// What TF_DECODE_MLX makes of ggml's block types: the arrays that MLX computes with, under the names that MLX gives them.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// True if the settings of the file ask for this form of the member.
bool loads_for_mlx(const OpenedFile &file, const Member &member);

// Reads an array of a block type and adds its MLX form to `arrays`: the codes under the array's own name, and under the
// name without ".weight" at its end the scales (".scales") and biases (".biases"). A block type that has no such form is
// decoded to float16.
Status load_for_mlx(Dict &arrays, const OpenedFile &file, const Member &member);

// Adds the arrays that load_for_mlx() would add, without data. Reads nothing.
Status list_for_mlx(Dict &arrays, const OpenedFile &file, const Member &member);

// Adds an array without data: its name, dtype and shape.
Status add_listed(Dict &arrays, Text name, const Dtype &dtype, Span<const int64_t> shape);

}  // namespace tfile
