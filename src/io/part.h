// ReadPart: one of several buffers that one read fills.
#pragma once

#include <cstddef>

namespace tfile {

// Its bytes follow those of the previous part in the file.
struct ReadPart {
  void *to;
  size_t nbytes;  // not 0
};

inline constexpr size_t kMaxParts = 256;

}  // namespace tfile
