// Counts the literals of a block.
#pragma once

#include "base/span.h"

namespace tfile {

// Sets counts[i] to the number of bytes that are i, for each of the 256 values.
void count_literals(uint32_t *counts, Bytes bytes);

// Estimates the counts from a quarter of the bytes, which takes a quarter of the time. Fewer bytes than this should be
// counted instead.
inline constexpr size_t kMinSampledBytes = size_t{16} << 10;
void sample_literals(uint32_t *counts, Bytes bytes);

}  // namespace tfile
