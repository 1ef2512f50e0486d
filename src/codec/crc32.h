// CRC-32 as zip, gzip and zlib have it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfile {

// Goes on from crc (0 to begin with).
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes);

// Of two pieces, from what each has by itself; the second has `nbytes`.
uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t nbytes);

}  // namespace tfile
