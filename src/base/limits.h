// Limits for arrays and trees in memory. For files, options can lower them but not raise them.
#pragma once

#include <cstddef>

namespace tfile {

inline constexpr size_t kMaxRank = 64;
// The maximum number of dicts on the path to a leaf, including the outermost; also the maximum number of parts in a
// flat name.
inline constexpr size_t kMaxNesting = 64;

}  // namespace tfile
