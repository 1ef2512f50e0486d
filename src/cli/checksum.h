// CRC-32 of arrays and of other bytes.
#pragma once

#include <cstdint>
#include <string>

#include "cli/input_file.h"

namespace cli {

class Progress;

// Returns the CRC-32 of bytes that follow those of `crc`, which is 0 for the first ones.
uint32_t update_crc32(uint32_t crc, const void *bytes, uint64_t count);

// Returns the CRC-32 of the array's bytes, C-contiguous and little-endian, as 8 hexadecimal digits. Reads the array in
// pieces.
std::string array_crc32(const Entry &entry, Progress &progress);

}  // namespace cli
