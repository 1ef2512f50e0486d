// Slices as Python writes them: "0:2,::3,-1".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cli {

// For an array of a known shape. A number in place of start:stop:step picks one place, and its dimension vanishes.
struct Slice {
  std::vector<int64_t> start;
  std::vector<int64_t> stop;
  std::vector<int64_t> step;
  std::vector<bool> dropped;
};

// Dimensions that text does not reach are whole; "..." stands for as many whole ones as are missing. Throws UsageError.
Slice parse_slice(std::string_view text, std::span<const int64_t> shape);

}  // namespace cli
