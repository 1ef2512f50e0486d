// Encodes ggml's block types in portable C++, one block after the other. Some helpers here are shared with the wide
// encoders. The results equal those of ggml or gguf-py byte for byte: each operation is in float32 and rounded once, in
// the order written, so a compiler must not fuse a product and a sum.
#pragma once

#include "base/endian.h"
#include "quant/block_layouts.h"
#include "quant/block_types.h"
#include "quant/small_floats.h"

namespace tfile {

// Encodes whole blocks; elements and blocks are contiguous.
using BlockEncoder = void (*)(uint8_t *to, const float *from, size_t blocks);

// Returns the portable encoder of a block type, or NULL if it has none.
BlockEncoder find_scalar_encoder(tf_dtype dtype);

// Each overload encodes one block. encode.cpp explains why the other block types have no encoder.
void encode_block(BlockType<TF_DTYPE_Q4_0>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q4_1>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q5_0>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q5_1>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q8_0>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q8_1>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q2_K>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q3_K>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q4_K>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q5_K>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q6_K>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_Q8_K>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_IQ4_NL>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_IQ4_XS>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_TQ1_0>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_TQ2_0>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_MXFP4>, uint8_t *to, const float *from);
void encode_block(BlockType<TF_DTYPE_NVFP4>, uint8_t *to, const float *from);

template <typename Type>
inline constexpr bool kHasEncoder = requires(uint8_t *to, const float *from) {
  encode_block(Type(), to, from);
};

inline constexpr size_t kKBlock = 256;  // elements of a block of a K type

// The scales and minimums of a block's groups, with the rounded values that a decoder computes from the stored fields.
struct StoredScales {
  float scale[16];
  float minimum[16];
};
// Each of these stores all fields of a block except the codes, given the scales and minimums of its groups.
StoredScales store_q2_k_scales(uint8_t *to, const float *scales, const float *minimums);
StoredScales store_q3_k_scales(uint8_t *to, const float *scales);
StoredScales store_q4_k_scales(uint8_t *to, const float *scales, const float *minimums);  // also Q5_K
// Returns false if the whole block is zero; then it has also stored the codes.
bool store_q6_k_scales(uint8_t *to, StoredScales &stored, const float *scales);
// These return the inverses of the scales as they were before rounding.
float store_iq4_nl_scale(uint8_t *to, float scale);
StoredScales store_iq4_xs_scales(uint8_t *to, const float *scales);

// kIq4Values as float32.
struct Iq4Floats {
  float values[16];
};
constexpr Iq4Floats widen_iq4_values() {
  Iq4Floats floats = {};
  for (size_t i = 0; i < 16; ++i)
    floats.values[i] = kIq4Values[i];
  return floats;
}
inline constexpr Iq4Floats kIq4Widened = widen_iq4_values();
inline constexpr const float (&kIq4Floats)[16] = kIq4Widened.values;

inline constexpr float kTiny = 1e-15f;  // a group whose magnitudes are all below this is encoded as zeros

inline float magnitude(float value) {
  return __builtin_fabsf(value);
}
inline int32_t clamp(int32_t value, int32_t least, int32_t most) {
  const int32_t capped = value < most ? value : most;
  return capped > least ? capped : least;
}

// Rounds to the nearest integer, ties to even, for magnitudes below 2^22. For others, which searches over huge or tiny
// numbers produce, the result is wrong, but the same on every machine.
inline int32_t nearest(float value) {
  const uint32_t bits = float_bits(value + 12582912.0f);
  return static_cast<int32_t>(bits & 0x7fffff) - 0x400000;
}

// Rounds to the nearest integer, ties away from zero, for magnitudes below 2^22. Larger ones and NaN give 0.
inline int32_t nearest_away(float value) {
  const float size = magnitude(value) < 4194304.0f ? magnitude(value) : 0;
  const auto whole = static_cast<int32_t>(size);
  const int32_t rounded = whole + (size - static_cast<float>(whole) >= 0.5f ? 1 : 0);
  return value < 0 ? -rounded : rounded;
}

// Rounds a value to float16, stores it, and returns the rounded value.
inline float store_half(uint8_t *to, float value) {
  const uint16_t half = half_of_float(float_bits(value));
  store_le<uint16_t>(to, half);
  return float_of(float_of_half(half));
}

// Returns the largest magnitude of finite numbers.
inline float largest_magnitude(const float *from, size_t count) {
  uint32_t largest = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = float_bits(from[i]) & kFloatMagnitude;
    largest = bits > largest ? bits : largest;
  }
  return float_of(largest);
}

// The first element with the largest magnitude.
struct Largest {
  float size = 0;   // its magnitude
  float value = 0;  // with its sign
};
inline Largest find_largest(const float *from, size_t count) {
  Largest largest;
  for (size_t i = 0; i < count; ++i) {
    if (magnitude(from[i]) > largest.size) largest = {magnitude(from[i]), from[i]};
  }
  return largest;
}

}  // namespace tfile
