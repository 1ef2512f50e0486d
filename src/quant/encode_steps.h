// Arithmetic that the encoders share. Their results are compared with ggml's byte for byte, so each operation is
// float32, rounded once, in the order written; a compiler must not contract a product and a sum.
#pragma once

#include "base/endian.h"
#include "quant/small_floats.h"

namespace tfile {

// Encodes one block.
using BlockEncoder = void (*)(uint8_t *to, const float *from);

// The encoder of one block; NULL for dtypes without a rule.
BlockEncoder find_block_encoder(int32_t dtype);
// Of them the encoders of the 256-element types with searched scales, and of the IQ4 types.
BlockEncoder find_k_encoder(int32_t dtype);
BlockEncoder find_iq4_encoder(int32_t dtype);

// The numbers that codes of IQ4 stand for.
inline constexpr float kIq4Numbers[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

inline constexpr size_t kKBlock = 256;  // elements

// The scales and minimums of a block's groups that decoding will have.
struct StoredSteps {
  float scale[16];
  float minimum[16];
};
// Each stores the fields but the codes of a block, from the scales and minimums that were searched for.
StoredSteps put_small_steps(uint8_t *to, const float *scales, const float *minimums);  // Q2_K
StoredSteps put_six_bit_steps(uint8_t *to, const float *scales);                       // Q3_K
StoredSteps put_group_steps(uint8_t *to, const float *scales, const float *minimums);  // Q4_K, Q5_K
bool put_byte_steps(uint8_t *to, StoredSteps &stored, const float *scales);            // Q6_K; false: all of it is zero
// IQ4_NL and IQ4_XS; what they give back are the inverses of scales that are not rounded as they are stored.
float put_table_scale(uint8_t *to, float scale);
StoredSteps put_table_steps(uint8_t *to, const float *scales);

inline constexpr float kTiny = 1e-15f;  // a group without a larger magnitude counts as zero

inline float magnitude(float value) {
  return __builtin_fabsf(value);
}
inline int32_t clamp(int32_t value, int32_t least, int32_t most) {
  const int32_t below = value < most ? value : most;
  return below > least ? below : least;
}

// Nearest even, for magnitudes below 2^22; outside, where searches over huge or tiny numbers come, a number that is
// wrong but the same everywhere.
inline int32_t nearest(float value) {
  const uint32_t bits = float_bits(value + 12582912.0f);
  return static_cast<int32_t>(bits & 0x7fffff) - 0x400000;
}

// Half away from zero, for magnitudes below 2^22; NaN and what is larger gives 0.
inline int32_t nearest_away(float value) {
  const float size = magnitude(value) < 4194304.0f ? magnitude(value) : 0;
  const auto whole = static_cast<int32_t>(size);
  const int32_t rounded = whole + (size - static_cast<float>(whole) >= 0.5f ? 1 : 0);
  return value < 0 ? -rounded : rounded;
}

inline float half_value(uint16_t half) {
  return float_of(float_of_half(half));
}
// Stores a float16, and gives back what was stored.
inline float put_half(uint8_t *to, float value) {
  const uint16_t half = half_of_float(float_bits(value));
  store_le<uint16_t>(to, half);
  return half_value(half);
}

// The largest magnitude of finite numbers.
inline float largest_magnitude(const float *from, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = float_bits(from[i]) & kFloatMagnitude;
    largest = bits > largest ? bits : largest;
  }
  return float_of(largest);
}

// The element of the largest magnitude, with its sign; the first of several.
struct Largest {
  float size = 0;
  float value = 0;
};
inline Largest find_largest(const float *from, size_t count) {
  Largest largest;
  for (size_t i = 0; i < count; ++i) {
    if (magnitude(from[i]) > largest.size) largest = {magnitude(from[i]), from[i]};
  }
  return largest;
}

}  // namespace tfile
