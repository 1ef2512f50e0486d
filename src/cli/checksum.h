// CRC-32 of arrays.
#pragma once

#include <cstdint>
#include <string>

#include "cli/handles.h"

namespace cli {

class Progress;

// Of an array's C-contiguous little-endian bytes: 8 hexadecimal digits. Reads it piece by piece.
std::string array_crc32(const tf_file *file, size_t index, Progress &progress);

}  // namespace cli
