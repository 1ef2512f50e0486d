// CRC-32 as zip and gzip use it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfile {

// Continues a checksum: returns that of some bytes with the checksum `crc` (0 if there are none), followed by these
// bytes.
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes);

// Returns the checksum of two consecutive parts from their own checksums. The second part has nbytes.
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t nbytes);

}  // namespace tfile
