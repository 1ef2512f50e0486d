#include "codec/crc32.h"

#include <zlib.h>

namespace tfile {

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes) {
  // zlib starts anew when it gets no pointer.
  if (nbytes == 0) return crc;
  return static_cast<uint32_t>(crc32_z(crc, static_cast<const Bytef *>(bytes), nbytes));
}

}  // namespace tfile
