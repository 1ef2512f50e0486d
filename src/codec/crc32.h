// CRC-32 as zip and gzip use it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfile {

// Returns the checksum of the bytes before, whose checksum is crc (0 if there are none), followed by these.
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes);

// Returns the checksum of two parts together, given that of each; the second part has nbytes.
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t nbytes);

}  // namespace tfile
