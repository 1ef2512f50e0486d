// ReadPart: one of several places in memory that are filled by one read.
#pragma once

#include <cstddef>

namespace tfile {

// What follows the part before it in the file.
struct ReadPart {
  void *to;
  size_t nbytes;  // not 0
};

inline constexpr size_t kMaxParts = 256;

}  // namespace tfile
