// The block types whose scales follow from the elements without a search, and the table of all scalar encoders.
#include "quant/encode_packing.h"

namespace tfile {

namespace {

float inverse(float value) {
  return value == 0 ? 0 : 1 / value;
}

// Truncates to an integer from 0 to most. Infinity and NaN, which occur when a scale is so small that its inverse is
// infinite, give 0.
uint8_t truncate(float value, int32_t most) {
  const float inside = value >= 0 && value < 256 ? value : 0;
  return static_cast<uint8_t>(clamp(static_cast<int32_t>(inside), 0, most));
}

// Encodes Q4_0 and Q5_0: the element with the largest magnitude gets code 0, the lowest. If all elements are zero, the
// scale has the sign of the first, as in gguf-py.
float symmetric_codes(uint8_t *codes, const float *from, int32_t zero) {
  const Largest largest = find_largest(from, 32);
  const float scale = (largest.size > 0 ? largest.value : from[0]) / static_cast<float>(-zero);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 32; ++i)
    codes[i] = truncate(from[i] * inverted + (static_cast<float>(zero) + 0.5f), 2 * zero - 1);
  return scale;
}

// Encodes Q4_1 and Q5_1: codes rise from 0 at the minimum to `most` at the maximum. Stores both float16 fields. If
// zeros of both signs are the minimum, the last one is used, as in gguf-py.
void affine_codes(uint8_t *to, uint8_t *codes, const float *from, int32_t most) {
  float least = from[0];
  float largest = from[0];
  for (size_t i = 1; i < 32; ++i) {
    if (from[i] <= least) least = from[i];
    if (from[i] >= largest) largest = from[i];
  }
  const float scale = (largest - least) / static_cast<float>(most);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 32; ++i)
    codes[i] = truncate((from[i] - least) * inverted + 0.5f, most);
  store_half(to, scale);
  store_half(to + 2, least);
}

// The scale and the sum of the codes of a Q8_0 or Q8_1 block.
struct Scaled {
  float scale;
  int32_t sum;
};
Scaled byte_codes(uint8_t *codes, const float *from) {
  const float scale = largest_magnitude(from, 32) / 127;
  const float inverted = inverse(scale);
  int32_t sum = 0;
  for (size_t i = 0; i < 32; ++i) {
    const int32_t code = nearest_away(from[i] * inverted);
    codes[i] = static_cast<uint8_t>(code);
    sum += code;
  }
  return {scale, sum};
}

// Encodes the elements of TQ1_0 and TQ2_0 as 0, 1 or 2, and returns the scale.
float ternary_codes(uint8_t *codes, const float *from) {
  const float scale = largest_magnitude(from, 256);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 256; ++i)
    codes[i] = static_cast<uint8_t>(nearest_away(from[i] * inverted) + 1);
  return scale;
}

// Packs ternary digits, five in a byte, the first one highest. Digit n of byte m is codes[n * bytes + m].
void store_digits(uint8_t *to, const uint8_t *codes, size_t bytes, uint32_t digits) {
  for (size_t m = 0; m < bytes; ++m) {
    uint32_t number = 0;
    for (uint32_t n = 0; n < 5; ++n)
      number = 3 * number + (n < digits ? codes[n * bytes + m] : 0u);
    to[m] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
}

// Returns the code of the nearest value, the first one among equally near ones.
uint8_t float4_code(float value, float scale) {
  uint8_t best = 0;
  float least = magnitude(0 * scale - value);
  for (uint8_t i = 1; i < 16; ++i) {
    const float error = magnitude(static_cast<float>(kFp4Doubled[i]) * scale - value);
    if (error < least) {
      best = i;
      least = error;
    }
  }
  return best;
}

// Returns the integer part of log2 of a number, computed as if the logarithm were rounded to float32 first: a number
// just below a power of two then counts as that power.
int32_t log2_floor(float value) {
  uint32_t bits = float_bits(value);
  int32_t exponent = -127;
  if (bits < 0x800000) {  // subnormal
    const int32_t shift = __builtin_clz(bits) - 8;
    bits <<= shift;
    exponent = -126 - shift;
  } else {
    exponent += static_cast<int32_t>(bits >> 23);
  }
  // The number is 1 - gap of the next power of two. Only with a small gap can rounding reach that power.
  const double gap = static_cast<double>(0x800000 - (bits & 0x7fffff)) / 16777216.0;
  if (gap > 0.001) return exponent;
  const double below = (gap + gap * gap / 2) * 1.4426950408889634;
  const auto rounded = static_cast<float>(exponent + 1 - below);
  return rounded == static_cast<float>(exponent + 1) ? exponent + 1 : exponent;
}

// Returns the code of a scale of NVFP4, 4 bits of exponent and 3 of mantissa. Ties go up; the top exponent has one
// code.
uint8_t nvfp4_scale_code(float scale) {
  if (!(scale > 0)) return 0;
  if (scale < 0.015625f) {
    const float raised = scale * 512.0f + 0.5f;
    return static_cast<uint8_t>(clamp(static_cast<int32_t>(raised), 0, 7));
  }
  if (scale >= 256) return 0x7e;
  const uint32_t rounded = ((float_bits(scale) >> 19) + 1) >> 1;
  const uint32_t code = rounded - (120u << 3);
  return static_cast<uint8_t>(code >= 0x78 ? 0x7e : code);
}

}  // namespace

void encode_block(BlockType<TF_DTYPE_Q4_0>, uint8_t *to, const float *from) {
  uint8_t codes[32];
  store_half(to, symmetric_codes(codes, from, 8));
  store_nibbles(to + 2, codes, 16);
}

void encode_block(BlockType<TF_DTYPE_Q5_0>, uint8_t *to, const float *from) {
  uint8_t codes[32];
  store_half(to, symmetric_codes(codes, from, 16));
  store_fifth_bits(to + 2, codes);
  store_nibbles(to + 6, codes, 16);
}

void encode_block(BlockType<TF_DTYPE_Q4_1>, uint8_t *to, const float *from) {
  uint8_t codes[32];
  affine_codes(to, codes, from, 15);
  store_nibbles(to + 4, codes, 16);
}

void encode_block(BlockType<TF_DTYPE_Q5_1>, uint8_t *to, const float *from) {
  uint8_t codes[32];
  affine_codes(to, codes, from, 31);
  store_fifth_bits(to + 4, codes);
  store_nibbles(to + 8, codes, 16);
}

void encode_block(BlockType<TF_DTYPE_Q8_0>, uint8_t *to, const float *from) {
  store_half(to, byte_codes(to + 2, from).scale);
}

void encode_block(BlockType<TF_DTYPE_Q8_1>, uint8_t *to, const float *from) {
  const Scaled scaled = byte_codes(to + 4, from);
  store_half(to, scaled.scale);
  store_half(to + 2, scaled.scale * static_cast<float>(scaled.sum));
}

void encode_block(BlockType<TF_DTYPE_Q8_K>, uint8_t *to, const float *from) {
  const float largest = find_largest(from, 256).value;
  const float inverted = largest == 0 ? 0 : -127 / largest;
  store_le<uint32_t>(to, float_bits(inverse(inverted)));
  for (size_t group = 0; group < 16; ++group) {
    int32_t sum = 0;
    for (size_t i = 16 * group; i < 16 * group + 16; ++i) {
      const int32_t wide = nearest(inverted * from[i]);
      const auto code = static_cast<int8_t>(wide < 127 ? wide : 127);
      to[4 + i] = static_cast<uint8_t>(code);
      sum += code;
    }
    store_le<uint16_t>(to + 260 + 2 * group, static_cast<uint16_t>(sum));
  }
}

void encode_block(BlockType<TF_DTYPE_TQ1_0>, uint8_t *to, const float *from) {
  uint8_t codes[256];
  store_half(to + 52, ternary_codes(codes, from));
  store_digits(to, codes, 32, 5);
  store_digits(to + 32, codes + 160, 16, 5);
  store_digits(to + 48, codes + 240, 4, 4);
}

void encode_block(BlockType<TF_DTYPE_TQ2_0>, uint8_t *to, const float *from) {
  uint8_t codes[256];
  store_half(to + 64, ternary_codes(codes, from));
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    to[i] = static_cast<uint8_t>(code[0] | code[32] << 2 | code[64] << 4 | code[96] << 6);
  }
}

void encode_block(BlockType<TF_DTYPE_MXFP4>, uint8_t *to, const float *from) {
  const float largest = largest_magnitude(from, 32);
  const auto exponent = static_cast<uint8_t>(largest > 0 ? log2_floor(largest) - 2 + 127 : 0);
  // The scale is halved, 2^(exponent - 128), because the values in kFp4Doubled are doubled.
  const float scale = float_of(exponent < 2 ? 0x200000u << exponent : (exponent - 1u) << 23);
  uint8_t codes[32];
  for (size_t i = 0; i < 32; ++i)
    codes[i] = float4_code(from[i], scale);
  to[0] = exponent;
  store_nibbles(to + 1, codes, 16);
}

void encode_block(BlockType<TF_DTYPE_NVFP4>, uint8_t *to, const float *from) {
  for (size_t group = 0; group < 4; ++group) {
    const float *x = from + 16 * group;
    const uint8_t code = nvfp4_scale_code(largest_magnitude(x, 16) / 6);
    const float scale = float_of(widen_magnitude<Float8E4m3fn>(code)) * 0.5f;
    uint8_t codes[16];
    for (size_t i = 0; i < 16; ++i)
      codes[i] = float4_code(x[i], scale);
    to[group] = code;
    store_nibbles(to + 4 + 8 * group, codes, 8);
  }
}

namespace {

template <typename Type>
void encode_each(uint8_t *to, const float *from, size_t blocks) {
  for (size_t i = 0; i < blocks; ++i)
    encode_block(Type(), to + i * Type::kBytes, from + i * Type::kElements);
}

constexpr BlockTable<BlockEncoder> kEncoders = make_block_table<BlockEncoder>([](auto type) -> BlockEncoder {
  if constexpr (kHasEncoder<decltype(type)>) {
    return encode_each<decltype(type)>;
  } else {
    return nullptr;
  }
});

}  // namespace

BlockEncoder find_scalar_encoder(tf_dtype dtype) {
  return kEncoders.find(dtype);
}

}  // namespace tfile
