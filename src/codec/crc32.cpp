#include "codec/crc32.h"

#if defined(TENSORFILE_WITH_ISAL)
#include <isa-l.h>
#else
#include <zlib.h>
#endif

namespace tfile {

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t nbytes) {
  // zlib starts anew when it gets no pointer.
  if (nbytes == 0) return crc;
#if defined(TENSORFILE_WITH_ISAL)
  return crc32_gzip_refl(crc, static_cast<const unsigned char *>(bytes), nbytes);
#else
  return static_cast<uint32_t>(crc32_z(crc, static_cast<const Bytef *>(bytes), nbytes));
#endif
}

namespace {

// Polynomials over GF(2) modulo that of CRC-32, whose bits are reversed: bit 31 is x^0.
constexpr uint32_t kPolynomial = 0xEDB88320;

constexpr uint32_t times(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (; a != 0; a <<= 1) {
    if ((a & 0x80000000) != 0) product ^= b;
    b = (b & 1) != 0 ? b >> 1 ^ kPolynomial : b >> 1;
  }
  return product;
}

}  // namespace

uint32_t crc32_join(uint32_t first, uint32_t second, uint64_t nbytes) {
  // The first goes on over nbytes zeros: times x^(8 * nbytes), by squaring.
  uint32_t power = 0x00800000;  // x^8
  for (; nbytes != 0; nbytes >>= 1) {
    if ((nbytes & 1) != 0) first = times(power, first);
    power = times(power, power);
  }
  return first ^ second;
}

}  // namespace tfile
