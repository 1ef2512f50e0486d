// How ggml's block types store scales, codes and signs, and which values the codes represent.
#pragma once

#include "base/endian.h"
#include "quant/small_floats.h"

namespace tfile {

// Fields of a block are little-endian on all machines.
inline float load_half(const uint8_t *from) {
  return float_of(float_of_half(load_le<uint16_t>(from)));
}
inline int low_nibble(uint8_t byte) {
  return byte & 15;
}
inline int high_nibble(uint8_t byte) {
  return byte >> 4;
}
// Returns nibble i; the low nibble of each byte comes first.
inline int nibble(const uint8_t *bytes, int i) {
  return (bytes[i / 2] >> (4 * (i % 2))) & 15;
}
inline int bit(const uint8_t *bytes, int i) {
  return (bytes[i / 8] >> (i % 8)) & 1;
}
inline float times(float scale, int value) {
  return scale * static_cast<float>(value);
}

// The values of the codes of IQ4_NL and IQ4_XS, ascending.
inline constexpr int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// The values of the codes of float4_e2m1, doubled so that they are integers. Code 8, negative zero, has the value 0.
inline constexpr int8_t kFp4Doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// Returns half the value of a float8_e4m3 without sign, because it is multiplied by doubled values. The NaN code gives
// 0.
inline float half_ue4m3(uint8_t code) {
  const uint32_t exponent = (code >> 3) & 15u;
  const uint32_t mantissa = code & 7u;
  if (code == 0x7F) return 0;
  if (exponent == 0) return times(float_power(-10), static_cast<int>(mantissa));
  return float_of((exponent + 119) << 23 | mantissa << 20);
}

// Returns scale i of the 16 scales of a Q3_K block. They have 6 bits each, in 12 bytes: first the low 4 bits of all
// scales in 8 bytes, then the high 2 bits in 4 bytes.
inline int q3_k_scale(const uint8_t *scales, int i) {
  const int low_bits = i < 8 ? low_nibble(scales[i]) : high_nibble(scales[i - 8]);
  return low_bits | ((scales[8 + i % 4] >> (2 * (i / 4))) & 3) << 4;
}

// One of the 8 pairs of a scale and a minimum in a Q4_K or Q5_K block, which have 6 bits each, in 12 bytes.
struct ScaleAndMin {
  int scale;
  int min;
};
inline ScaleAndMin q4_k_scale(const uint8_t *s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {low_nibble(s[j + 4]) | (s[j - 4] >> 6) << 4, high_nibble(s[j + 4]) | (s[j] >> 6) << 4};
}

// Returns the 8 signs of a codebook row. Only 7 are stored; the last follows because the number of negative signs is
// even.
inline uint32_t even_signs(uint32_t seven) {
  return seven | ((0x6996u >> ((seven ^ seven >> 4) & 15)) & 1) << 7;
}

// Returns the scale of IQ1_M, a float16 that is stored in the high 4 bits of four 16-bit words, lowest bits first.
inline float iq1_m_scale(const uint8_t *words) {
  uint32_t bits = 0;
  for (int k = 0; k < 4; ++k)
    bits |= static_cast<uint32_t>(load_le<uint16_t>(words + 2 * k) >> 12) << (4 * k);
  return float_of(float_of_half(static_cast<uint16_t>(bits)));
}

}  // namespace tfile
