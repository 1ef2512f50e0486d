// The results have the bits that ggml and gguf-py compute.
//
// Every product here is exact: a scale has the 11 bits of a float16, and the integers that it is multiplied by leave
// the product below 24 bits. Only the sums of types with a minimum are rounded, and fusing a product into them would
// not change the result.
#include "quant/decode_scalar.h"

#include "quant/block_layouts.h"
#include "quant/block_types.h"
#include "quant/codebooks.h"

namespace tfile {

namespace {

// Returns -value if bit i of signs is set, else value. The sign is applied to the integer because negating the scale
// would change the bits of a NaN.
int with_sign(int value, uint32_t signs, int i) {
  return (signs >> i & 1) != 0 ? -value : value;
}

/* Blocks of 32 */

void decode_block(BlockType<TF_DTYPE_Q4_0>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, low_nibble(block[2 + j]) - 8);
    to[j + 16] = times(d, high_nibble(block[2 + j]) - 8);
  }
}

void decode_block(BlockType<TF_DTYPE_Q4_1>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  const float m = load_half(block + 2);
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, low_nibble(block[4 + j])) + m;
    to[j + 16] = times(d, high_nibble(block[4 + j])) + m;
  }
}

void decode_block(BlockType<TF_DTYPE_Q5_0>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  const uint8_t *const fifth = block + 2;
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, (low_nibble(block[6 + j]) | bit(fifth, j) << 4) - 16);
    to[j + 16] = times(d, (high_nibble(block[6 + j]) | bit(fifth, j + 16) << 4) - 16);
  }
}

void decode_block(BlockType<TF_DTYPE_Q5_1>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  const float m = load_half(block + 2);
  const uint8_t *const fifth = block + 4;
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, low_nibble(block[8 + j]) | bit(fifth, j) << 4) + m;
    to[j + 16] = times(d, high_nibble(block[8 + j]) | bit(fifth, j + 16) << 4) + m;
  }
}

void decode_block(BlockType<TF_DTYPE_Q8_0>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int j = 0; j < 32; ++j)
    to[j] = times(d, static_cast<int8_t>(block[2 + j]));
}

// The second float16 of a block is a sum for dot products, which decoding does not need.
void decode_block(BlockType<TF_DTYPE_Q8_1>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int j = 0; j < 32; ++j)
    to[j] = times(d, static_cast<int8_t>(block[4 + j]));
}

// Stores the 32 values of the nibbles in 16 bytes: first those of the low nibbles, then those of the high nibbles.
void decode_iq4_values(float *to, float d, const uint8_t *codes) {
  for (int j = 0; j < 16; ++j) {
    to[j] = times(d, kIq4Values[low_nibble(codes[j])]);
    to[j + 16] = times(d, kIq4Values[high_nibble(codes[j])]);
  }
}

void decode_block(BlockType<TF_DTYPE_IQ4_NL>, float *to, const uint8_t *block) {
  decode_iq4_values(to, load_half(block), block + 2);
}

// Returns value * 2^(exponent - 128). Small results are assembled from bits, because a product would be 0 in a thread
// that flushes subnormal numbers.
float scaled_fp4(uint8_t exponent, int value) {
  if (exponent >= 2) return times(float_of((exponent - 1u) << 23), value);
  const uint32_t units = static_cast<uint32_t>(value < 0 ? -value : value) << (21 + exponent);  // of 2^-149
  const uint32_t bits = units < 1u << 23 ? units : float_bits(static_cast<float>(units)) - (149u << 23);
  return float_of(bits | (value < 0 ? 1u << 31 : 0));
}

void decode_block(BlockType<TF_DTYPE_MXFP4>, float *to, const uint8_t *block) {
  for (int j = 0; j < 16; ++j) {
    to[j] = scaled_fp4(block[0], kFp4Doubled[low_nibble(block[1 + j])]);
    to[j + 16] = scaled_fp4(block[0], kFp4Doubled[high_nibble(block[1 + j])]);
  }
}

/* Blocks of 64 and 128 */

void decode_block(BlockType<TF_DTYPE_NVFP4>, float *to, const uint8_t *block) {
  for (int part = 0; part < 4; ++part) {
    const float d = half_ue4m3(block[part]);
    const uint8_t *const codes = block + 4 + 8 * part;
    for (int j = 0; j < 8; ++j) {
      to[16 * part + j] = times(d, kFp4Doubled[low_nibble(codes[j])]);
      to[16 * part + 8 + j] = times(d, kFp4Doubled[high_nibble(codes[j])]);
    }
  }
}

void decode_block(BlockType<TF_DTYPE_Q1_0>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int j = 0; j < 128; ++j)
    to[j] = times(d, 2 * bit(block + 2, j) - 1);
}

void decode_block(BlockType<TF_DTYPE_Q2_0>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int j = 0; j < 64; ++j)
    to[j] = times(d, ((block[2 + j / 4] >> (2 * (j % 4))) & 3) - 1);
}

/* Blocks of 256: the K types */

// Unpacks part k of the 256 two-bit codes in 64 bytes, which form 8 parts of 32 codes. Each byte contains one code from
// each of 4 parts, lowest bits first.
void unpack_two_bits(int *to, const uint8_t *bytes, int k) {
  for (int l = 0; l < 32; ++l)
    to[l] = (bytes[k / 4 * 32 + l] >> (k % 4 * 2)) & 3;
}

void decode_block(BlockType<TF_DTYPE_Q2_K>, float *to, const uint8_t *block) {
  const float d = load_half(block + 80);
  const float dmin = load_half(block + 82);
  for (int b = 0; b < 16; ++b) {
    int codes[32];
    unpack_two_bits(codes, block + 16, b / 2);
    const float scale = times(d, low_nibble(block[b]));
    const float min = times(dmin, high_nibble(block[b]));
    for (int l = 0; l < 16; ++l)
      to[16 * b + l] = times(scale, codes[b % 2 * 16 + l]) - min;
  }
}

void decode_block(BlockType<TF_DTYPE_Q3_K>, float *to, const uint8_t *block) {
  const float d = load_half(block + 108);
  for (int b = 0; b < 16; ++b) {
    int codes[32];
    unpack_two_bits(codes, block + 32, b / 2);
    const float scale = times(d, q3_k_scale(block + 96, b) - 32);
    for (int l = b % 2 * 16, end = l + 16; l < end; ++l) {
      const int third = (block[l] >> (b / 2)) & 1;
      to[b / 2 * 32 + l] = times(scale, codes[l] + 4 * third - 4);
    }
  }
}

void decode_block(BlockType<TF_DTYPE_Q4_K>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  const float dmin = load_half(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin part = q4_k_scale(block + 4, j);
    const float scale = times(d, part.scale);
    const float min = times(dmin, part.min);
    const uint8_t *const codes = block + 16 + j / 2 * 32;
    for (int l = 0; l < 32; ++l)
      to[32 * j + l] = times(scale, (codes[l] >> (4 * (j % 2))) & 15) - min;
  }
}

void decode_block(BlockType<TF_DTYPE_Q5_K>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  const float dmin = load_half(block + 2);
  const uint8_t *const fifth = block + 16;
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin part = q4_k_scale(block + 4, j);
    const float scale = times(d, part.scale);
    const float min = times(dmin, part.min);
    const uint8_t *const codes = block + 48 + j / 2 * 32;
    for (int l = 0; l < 32; ++l) {
      const int code = ((codes[l] >> (4 * (j % 2))) & 15) | ((fifth[l] >> j) & 1) << 4;
      to[32 * j + l] = times(scale, code) - min;
    }
  }
}

void decode_block(BlockType<TF_DTYPE_Q6_K>, float *to, const uint8_t *block) {
  const float d = load_half(block + 208);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const lows = block + part / 4 * 64 + part % 2 * 32;
    const uint8_t *const highs = block + 128 + part / 4 * 32;
    const int low_shift = part % 4 / 2 * 4;
    const int high_shift = part % 4 * 2;
    const float scales[2] = {times(d, static_cast<int8_t>(block[192 + 2 * part])),
                             times(d, static_cast<int8_t>(block[193 + 2 * part]))};
    for (int l = 0; l < 32; ++l) {
      const int code = ((lows[l] >> low_shift) & 15) | ((highs[l] >> high_shift) & 3) << 4;
      to[32 * part + l] = times(scales[l / 16], code - 32);
    }
  }
}

// ggml uses Q8_K for intermediate results, so it is rare in files. Its scale is a float32.
void decode_block(BlockType<TF_DTYPE_Q8_K>, float *to, const uint8_t *block) {
  const float d = float_of(load_le<uint32_t>(block));
  for (int j = 0; j < 256; ++j)
    to[j] = times(d, static_cast<int8_t>(block[4 + j]));
}

void decode_block(BlockType<TF_DTYPE_IQ4_XS>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  const uint16_t high_bits = load_le<uint16_t>(block + 2);
  for (int b = 0; b < 8; ++b) {
    const int scale = nibble(block + 4, b) | ((high_bits >> (2 * b)) & 3) << 4;
    decode_iq4_values(to + 32 * b, times(d, scale - 32), block + 8 + 16 * b);
  }
}

/* Blocks of 256: ternary */

// Decodes `digits` ternary digits of each of `count` bytes. A byte is a fraction of 256 in base 3, whose first digit is
// the highest.
float *decode_trits(float *to, float d, const uint8_t *bytes, int count, int digits) {
  int power = 1;
  for (int n = 0; n < digits; ++n, power *= 3) {
    for (int m = 0; m < count; ++m) {
      const int rest = bytes[m] * power & 255;
      *to++ = times(d, (rest * 3 >> 8) - 1);
    }
  }
  return to;
}

void decode_block(BlockType<TF_DTYPE_TQ1_0>, float *to, const uint8_t *block) {
  const float d = load_half(block + 52);
  to = decode_trits(to, d, block, 32, 5);
  to = decode_trits(to, d, block + 32, 16, 5);
  decode_trits(to, d, block + 48, 4, 4);
}

void decode_block(BlockType<TF_DTYPE_TQ2_0>, float *to, const uint8_t *block) {
  const float d = load_half(block + 64);
  for (int k = 0; k < 8; ++k) {
    int codes[32];
    unpack_two_bits(codes, block, k);
    for (int l = 0; l < 32; ++l)
      to[32 * k + l] = times(d, codes[l] - 1);
  }
}

/* Blocks of 256: codebooks */

// Decodes the 8 values of a codebook row of IQ2, with their signs.
void decode_iq2_row(float *to, float d, int row, uint32_t signs) {
  for (int i = 0; i < 8; ++i) {
    const int code = (row >> (2 * i)) & 3;
    to[i] = times(d, with_sign(8 + 17 * code + code / 2, signs, i));
  }
}

// Decodes the 4 values of a codebook row of IQ3. Code c has the value first + step * c; for the last code, `extra` is
// added.
template <int first, int step, int extra>
void decode_iq3_row(float *to, float d, int row, uint32_t signs) {
  for (int i = 0; i < 4; ++i) {
    const int code = (row >> (4 * i)) & 7;
    to[i] = times(d, with_sign(first + step * code + extra * (code / 7), signs, i));
  }
}

// Decodes the 8 values of a codebook row of IQ1, all shifted up or down by an eighth.
void decode_iq1_row(float *to, float d, int row, bool down) {
  const float shift = down ? -0.125f : 0.125f;
  for (int i = 0; i < 8; ++i)
    to[i] = d * (static_cast<float>(((row >> (2 * i)) & 3) - 1) + shift);
}

void decode_block(BlockType<TF_DTYPE_IQ2_XXS>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int g = 0; g < 8; ++g) {
    const uint8_t *const group = block + 2 + 8 * g;
    const uint32_t word = load_le<uint32_t>(group + 4);
    const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.25f;
    for (int k = 0; k < 4; ++k)
      decode_iq2_row(to + 32 * g + 8 * k, scale, kIq2XxsRows[group[k]], even_signs((word >> (7 * k)) & 127));
  }
}

void decode_block(BlockType<TF_DTYPE_IQ2_XS>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int m = 0; m < 32; ++m) {
    const uint32_t word = load_le<uint16_t>(block + 2 + 2 * m);
    const float scale = d * (0.5f + static_cast<float>(nibble(block + 66, m / 2))) * 0.25f;
    decode_iq2_row(to + 8 * m, scale, kIq2XsRows[word & 511], even_signs(word >> 9));
  }
}

void decode_block(BlockType<TF_DTYPE_IQ2_S>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int m = 0; m < 32; ++m) {
    const int row = block[2 + m] | ((block[66 + m / 4] >> (2 * (m % 4))) & 3) << 8;
    const float scale = d * (0.5f + static_cast<float>(nibble(block + 74, m / 2))) * 0.25f;
    decode_iq2_row(to + 8 * m, scale, kIq2SRows[row], block[34 + m]);
  }
}

void decode_block(BlockType<TF_DTYPE_IQ3_XXS>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int m = 0; m < 64; ++m) {
    const uint32_t word = load_le<uint32_t>(block + 66 + m / 8 * 4);
    const float scale = d * (0.5f + static_cast<float>(word >> 28)) * 0.5f;
    const uint32_t signs = even_signs((word >> (7 * (m / 2 % 4))) & 127) >> (4 * (m % 2));
    decode_iq3_row<4, 8, 2>(to + 4 * m, scale, kIq3XxsRows[block[2 + m]], signs);
  }
}

void decode_block(BlockType<TF_DTYPE_IQ3_S>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int m = 0; m < 64; ++m) {
    const int row = block[2 + m] | bit(block + 66, m) << 8;
    const float scale = times(d, 1 + 2 * nibble(block + 106, m / 8));
    decode_iq3_row<1, 2, 0>(to + 4 * m, scale, kIq3SRows[row], static_cast<uint32_t>(nibble(block + 74, m)));
  }
}

void decode_block(BlockType<TF_DTYPE_IQ1_S>, float *to, const uint8_t *block) {
  const float d = load_half(block);
  for (int m = 0; m < 32; ++m) {
    const int word = load_le<uint16_t>(block + 34 + m / 4 * 2);
    const int row = block[2 + m] | ((word >> (3 * (m % 4))) & 7) << 8;
    decode_iq1_row(to + 8 * m, times(d, 2 * ((word >> 12) & 7) + 1), kIq1Rows[row], (word & 0x8000) != 0);
  }
}

void decode_block(BlockType<TF_DTYPE_IQ1_M>, float *to, const uint8_t *block) {
  const float d = iq1_m_scale(block + 48);
  for (int m = 0; m < 32; ++m) {
    const int extra = nibble(block + 32, m);
    const int row = block[m] | (extra & 7) << 8;
    const int scale = (load_le<uint16_t>(block + 48 + m / 8 * 2) >> (3 * (m / 2 % 4))) & 7;
    decode_iq1_row(to + 8 * m, times(d, 2 * scale + 1), kIq1Rows[row], (extra & 8) != 0);
  }
}

// A CastKernel that decodes all blocks of an array.
template <typename Type>
void decode_blocks(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *block = static_cast<const uint8_t *>(from);
  for (size_t i = 0; i < count; i += Type::kElements, block += Type::kBytes) {
    float values[Type::kElements];
    decode_block(Type(), values, block);
    memcpy(target, values, sizeof(values));
    target += sizeof(values);
  }
}

constexpr BlockTable<CastKernel> kDecoders =
    make_block_table<CastKernel>([](auto type) -> CastKernel { return decode_blocks<decltype(type)>; });

}  // namespace

CastKernel find_scalar_decoder(tf_dtype from) {
  return kDecoders.find(from);
}

}  // namespace tfile
