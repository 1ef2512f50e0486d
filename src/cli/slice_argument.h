// Parses slices as Python writes them: "0:2,::3,-1".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tensorfile.hpp"

namespace cli {

// The slice of an array. A number instead of start:stop:step selects one index and drops the dimension.
struct SliceArgument {
  std::vector<tensorfile::Slice> axes;
  std::vector<bool> dropped;
};

// Parses a slice of an array with this shape. Dimensions that text does not mention are selected whole; "..."
// represents as many of them as necessary. Throws UsageError.
SliceArgument parse_slice(std::string_view text, std::span<const int64_t> shape);

}  // namespace cli
