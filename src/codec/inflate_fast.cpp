#include "codec/inflate_fast.h"

namespace tfile {

namespace {

TENSORFILE_INLINE uint64_t lowest_bits(uint64_t bits, uint32_t n) {
  return bits & ((uint64_t{1} << (n & 63)) - 1);
}

TENSORFILE_INLINE void copy_match(uint8_t *out, size_t distance, size_t length) {
  const uint8_t *from = out - distance;
  uint8_t *const end = out + length;
  if (distance >= 8) {
    do {
      memcpy(out, from, 8);
      out += 8;
      from += 8;
    } while (out < end);
    return;
  }
  // Fills 8 bytes with the repeated pattern, and stores them repeatedly, each time advancing by a multiple of the
  // distance.
  const auto bits = static_cast<unsigned>(8 * distance);
  uint64_t pattern = load_le<uint64_t>(from) & ((uint64_t{1} << bits) - 1);
  for (unsigned shift = bits; shift < 64; shift *= 2)
    pattern |= pattern << shift;
  const size_t stride = 8 - 8 % distance;
  do {
    store_le(out, pattern);
    out += stride;
  } while (out < end);
}

#include "codec/inflate_fast.inc"

}  // namespace

const InflateLoops kPortableLoops = {decode_lane, literals_of_all};

}  // namespace tfile
