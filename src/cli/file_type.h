// The metadata that describe the types of the tensors of a .gguf: general.file_type and general.quantization_version.
#pragma once

#include <vector>

#include "cli/convert.h"

namespace cli {

// Sets both keys to what fits the dtypes of the arrays in OUT, and removes a key that nothing fits. general.file_type is only
// added if `add` is true.
void update_file_type(tensorfile::Dict &metadata, const std::vector<PlannedArray> &arrays, bool add);

// Sets both keys to what llama-quantize sets them to.
void set_file_type(tensorfile::Dict &metadata, tensorfile::Preset preset);

}  // namespace cli
