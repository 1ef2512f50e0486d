// Limits that arrays and trees have in memory, and that options can only lower for files.
#pragma once

#include <cstddef>

namespace tfile {

inline constexpr size_t kMaxRank = 64;
// Dicts on the way to a leaf, the outermost included. A flat name has at most as many parts.
inline constexpr size_t kMaxNesting = 64;

}  // namespace tfile
