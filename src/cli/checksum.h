// CRC-32 of arrays.
#pragma once

#include <string>

#include "cli/input_file.h"

namespace cli {

class Progress;

// Returns the CRC-32 of the array's bytes, C-contiguous and little-endian, as 8 hexadecimal digits. Reads the array in
// pieces.
std::string array_crc32(const Entry &entry, Progress &progress);

}  // namespace cli
