// The decoder's loops for x86-64 with BMI2, whose shifts by a variable are one instruction, and SSSE3, whose shuffle
// repeats the short patterns of arrays.
#include "codec/inflate_fast.h"

#if defined(TENSORFILE_INFLATE_BMI2)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("bmi2,ssse3"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("bmi2,ssse3")
#endif

namespace tfile {

namespace {

// Shuffle patterns: row d contains the indices that repeat the first d of 16 bytes.
struct RepeatPatterns {
  uint8_t rows[17][16];
  uint8_t strides[17];  // the largest multiple of d up to 16
};

constexpr RepeatPatterns make_repeat_patterns() {
  RepeatPatterns made{};
  for (unsigned d = 1; d <= 16; ++d) {
    for (unsigned i = 0; i < 16; ++i)
      made.rows[d][i] = static_cast<uint8_t>(i % d);
    made.strides[d] = static_cast<uint8_t>(16 - 16 % d);
  }
  return made;
}

constexpr RepeatPatterns kRepeatPatterns = make_repeat_patterns();

TENSORFILE_INLINE uint64_t lowest_bits(uint64_t bits, uint32_t n) {
  return _bzhi_u64(bits, n & 63);
}

TENSORFILE_INLINE __m128i load_16(const uint8_t *from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i *>(from));
}

TENSORFILE_INLINE void store_16(uint8_t *to, __m128i bytes) {
  _mm_storeu_si128(reinterpret_cast<__m128i *>(to), bytes);
}

// Copies a match. The first three vectors, enough for most matches, are copied without a branch on the distance, because
// a mispredicted branch would cost more.
TENSORFILE_INLINE void copy_match(uint8_t *out, size_t distance, size_t length) {
  const size_t row = distance < 16 ? distance : 16;
  const size_t step = kRepeatPatterns.strides[row];
  const __m128i pattern = _mm_shuffle_epi8(load_16(out - distance), load_16(kRepeatPatterns.rows[row]));
  store_16(out, pattern);
  const size_t back = distance < 16 ? step : distance;
  store_16(out + step, load_16(out + step - back));
  store_16(out + 2 * step, load_16(out + 2 * step - back));
  if (length <= 3 * step) return;
  uint8_t *const end = out + length;
  out += 3 * step;
  if (distance < 16) {
    do {
      store_16(out, pattern);
      out += step;
    } while (out < end);
    return;
  }
  do {
    store_16(out, load_16(out - distance));
    out += 16;
  } while (out < end);
}

#include "codec/inflate_fast.inc"

}  // namespace

const InflateLoops kBmi2Loops = {decode_lane, literals_of_all};

}  // namespace tfile

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
