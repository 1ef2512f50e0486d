#include "quant/decode_lanes.h"

#include "quant/byte_lanes.h"

#ifndef TFILE_LANES

namespace tfile {

bool cpu_has_lanes() {
  return false;
}
CastKernel find_lane_decoder(tf_dtype) {
  return nullptr;
}

}  // namespace tfile

#else

#include "base/cpu.h"
#include "quant/block_layouts.h"
#include "quant/block_types.h"
#include "quant/codebooks.h"
#include "quant/decode_scalar.h"

namespace tfile {

namespace {

#ifdef __x86_64__
constexpr Cpu kLanesCpu = Cpu::kAvx2;
#else
constexpr Cpu kLanesCpu = Cpu::kBaseline;
#endif

using Bytes16 = Lanes::Vector;

// Return the low and the high nibbles of 16 bytes.
TFILE_LANES Bytes16 low_nibbles(Bytes16 packed) {
  return Lanes::bit_and(packed, Lanes::broadcast(15));
}
TFILE_LANES Bytes16 high_nibbles(Bytes16 packed) {
  return Lanes::extract(packed, 4, 15);
}
TFILE_LANES Bytes16 minus(Bytes16 codes, int value) {
  return Lanes::subtract(codes, Lanes::broadcast(value));
}

/* Blocks of 32, 64 and 128 */

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q4_0>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const Bytes16 codes = Lanes::load(block + 2);
  Lanes::store(to, minus(low_nibbles(codes), 8), d);
  Lanes::store(to + 16, minus(high_nibbles(codes), 8), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q4_1>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const float m = Lanes::load_half(block + 2);
  const Bytes16 codes = Lanes::load(block + 4);
  Lanes::store_plus(to, low_nibbles(codes), d, m);
  Lanes::store_plus(to + 16, high_nibbles(codes), d, m);
}

// Returns 16 in each byte whose bit is set, and 0 in the others.
TFILE_LANES Bytes16 fifth_bits(const uint8_t *bits) {
  return Lanes::bit_and(Lanes::expand_bits(load_le<uint16_t>(bits)), Lanes::broadcast(16));
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q5_0>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const Bytes16 codes = Lanes::load(block + 6);
  Lanes::store(to, minus(Lanes::bit_or(low_nibbles(codes), fifth_bits(block + 2)), 16), d);
  Lanes::store(to + 16, minus(Lanes::bit_or(high_nibbles(codes), fifth_bits(block + 4)), 16), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q5_1>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const float m = Lanes::load_half(block + 2);
  const Bytes16 codes = Lanes::load(block + 8);
  Lanes::store_plus(to, Lanes::bit_or(low_nibbles(codes), fifth_bits(block + 4)), d, m);
  Lanes::store_plus(to + 16, Lanes::bit_or(high_nibbles(codes), fifth_bits(block + 6)), d, m);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q8_0>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  Lanes::store(to, Lanes::load(block + 2), d);
  Lanes::store(to + 16, Lanes::load(block + 18), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q8_1>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  Lanes::store(to, Lanes::load(block + 4), d);
  Lanes::store(to + 16, Lanes::load(block + 20), d);
}

// Stores the 32 values of the nibbles in 16 bytes: first those of the low nibbles, then those of the high nibbles.
TFILE_LANES void store_from_table(float *to, const int8_t *table, Bytes16 codes, float d) {
  const Bytes16 values = Lanes::load(table);
  Lanes::store(to, Lanes::look_up(values, low_nibbles(codes)), d);
  Lanes::store(to + 16, Lanes::look_up(values, high_nibbles(codes)), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ4_NL>, float *to, const uint8_t *block) {
  store_from_table(to, kIq4Values, Lanes::load(block + 2), Lanes::load_half(block));
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_MXFP4>, float *to, const uint8_t *block) {
  if (block[0] >= 2) {
    store_from_table(to, kFp4Doubled, Lanes::load(block + 1), float_of((block[0] - 1u) << 23));
  } else {  // results may be subnormal; a product would be flushed to zero if the thread runs in that mode
    find_scalar_decoder(TF_DTYPE_MXFP4)(to, block, 32);
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_NVFP4>, float *to, const uint8_t *block) {
  constexpr uint64_t kLows = 0x0F0F0F0F0F0F0F0F;
  const Bytes16 values = Lanes::load(kFp4Doubled);
  for (int part = 0; part < 4; ++part) {
    const auto packed = load_le<uint64_t>(block + 4 + 8 * part);
    const Bytes16 codes = Lanes::from_words(packed & kLows, (packed >> 4) & kLows);
    Lanes::store(to + 16 * part, Lanes::look_up(values, codes), half_ue4m3(block[part]));
  }
}

// Widens 8 codes of 2 bits, lowest bits first, to 8 bytes.
inline uint64_t eight_codes(uint16_t row) {
  uint64_t codes = row;
  codes = (codes | codes << 24) & 0x000000FF000000FF;
  codes = (codes | codes << 12) & 0x000F000F000F000F;
  return (codes | codes << 6) & 0x0303030303030303;
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q1_0>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  for (int k = 0; k < 8; ++k) {
    const Bytes16 set = Lanes::expand_bits(load_le<uint16_t>(block + 2 + 2 * k));
    Lanes::store(to + 16 * k, minus(Lanes::bit_and(set, Lanes::broadcast(2)), 1), d);
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q2_0>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  for (int k = 0; k < 4; ++k) {
    const uint8_t *const packed = block + 2 + 4 * k;
    const uint64_t first = eight_codes(load_le<uint16_t>(packed));
    const uint64_t second = eight_codes(load_le<uint16_t>(packed + 2));
    Lanes::store(to + 16 * k, minus(Lanes::from_words(first, second), 1), d);
  }
}

/* Blocks of 256 */

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q2_K>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block + 80);
  const float dmin = Lanes::load_half(block + 82);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const packed = block + 16 + part / 4 * 32;
    for (int half = 0; half < 2; ++half) {
      const Bytes16 codes = Lanes::extract(Lanes::load(packed + 16 * half), part % 4 * 2, 3);
      const uint8_t scale = block[2 * part + half];
      Lanes::store_minus(to + 32 * part + 16 * half, codes, times(d, low_nibble(scale)),
                         times(dmin, high_nibble(scale)));
    }
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q3_K>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block + 108);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const packed = block + 32 + part / 4 * 32;
    for (int half = 0; half < 2; ++half) {
      const Bytes16 codes = Lanes::extract(Lanes::load(packed + 16 * half), part % 4 * 2, 3);
      const Bytes16 third = Lanes::shift_left(Lanes::extract(Lanes::load(block + 16 * half), part, 1), 2);
      const float scale = times(d, q3_k_scale(block + 96, 2 * part + half) - 32);
      Lanes::store(to + 32 * part + 16 * half, minus(Lanes::bit_or(codes, third), 4), scale);
    }
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q4_K>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const float dmin = Lanes::load_half(block + 2);
  for (int j = 0; j < 8; j += 2) {
    const ScaleAndMin first = q4_k_scale(block + 4, j);
    const ScaleAndMin second = q4_k_scale(block + 4, j + 1);
    for (int l = 0; l < 32; l += 16) {
      const Bytes16 codes = Lanes::load(block + 16 + 16 * j + l);
      Lanes::store_minus(to + 32 * j + l, low_nibbles(codes), times(d, first.scale), times(dmin, first.min));
      Lanes::store_minus(to + 32 * j + 32 + l, high_nibbles(codes), times(d, second.scale), times(dmin, second.min));
    }
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q5_K>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const float dmin = Lanes::load_half(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin part = q4_k_scale(block + 4, j);
    for (int l = 0; l < 32; l += 16) {
      const Bytes16 codes = Lanes::extract(Lanes::load(block + 48 + j / 2 * 32 + l), j % 2 * 4, 15);
      const Bytes16 fifth = Lanes::shift_left(Lanes::extract(Lanes::load(block + 16 + l), j, 1), 4);
      Lanes::store_minus(to + 32 * j + l, Lanes::bit_or(codes, fifth), times(d, part.scale), times(dmin, part.min));
    }
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q6_K>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block + 208);
  for (int part = 0; part < 8; ++part) {
    for (int half = 0; half < 2; ++half) {
      const Bytes16 packed = Lanes::load(block + part / 4 * 64 + part % 2 * 32 + 16 * half);
      const Bytes16 high_bits = Lanes::extract(Lanes::load(block + 128 + part / 4 * 32 + 16 * half), part % 4 * 2, 3);
      const Bytes16 codes =
          Lanes::bit_or(Lanes::extract(packed, part % 4 / 2 * 4, 15), Lanes::shift_left(high_bits, 4));
      const float scale = times(d, static_cast<int8_t>(block[192 + 2 * part + half]));
      Lanes::store(to + 32 * part + 16 * half, minus(codes, 32), scale);
    }
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_Q8_K>, float *to, const uint8_t *block) {
  const float d = float_of(load_le<uint32_t>(block));
  for (int j = 0; j < 256; j += 16)
    Lanes::store(to + j, Lanes::load(block + 4 + j), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ4_XS>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const uint16_t high_bits = load_le<uint16_t>(block + 2);
  for (int b = 0; b < 8; ++b) {
    const int scale = nibble(block + 4, b) | ((high_bits >> (2 * b)) & 3) << 4;
    store_from_table(to + 32 * b, kIq4Values, Lanes::load(block + 8 + 16 * b), times(d, scale - 32));
  }
}

// Treats each byte as a fraction of 256 in base 3, and stores its first digit minus 1, times d.
TFILE_LANES void store_trits(float *to, Bytes16 fractions, float d) {
  const Bytes16 upper = Lanes::add(Lanes::at_least(fractions, 86), Lanes::at_least(fractions, 171));
  Lanes::store(to, Lanes::subtract(Lanes::broadcast(-1), upper), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_TQ1_0>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block + 52);
  for (int part = 0; part < 3; ++part) {
    Bytes16 fractions = Lanes::load(block + 16 * part);
    float *target = part < 2 ? to + 16 * part : to + 160;
    for (int n = 0; n < 5; ++n, target += part < 2 ? 32 : 16) {
      store_trits(target, fractions, d);
      fractions = Lanes::add(fractions, Lanes::add(fractions, fractions));
    }
  }
  uint8_t last[16];
  for (int i = 0; i < 16; ++i) {
    constexpr uint8_t kPowers[4] = {1, 3, 9, 27};
    last[i] = static_cast<uint8_t>(block[48 + i % 4] * kPowers[i / 4]);
  }
  store_trits(to + 240, Lanes::load(last), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_TQ2_0>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block + 64);
  for (int part = 0; part < 8; ++part) {
    for (int l = 0; l < 32; l += 16) {
      const Bytes16 packed = Lanes::load(block + part / 4 * 32 + l);
      Lanes::store(to + 32 * part + l, minus(Lanes::extract(packed, part % 4 * 2, 3), 1), d);
    }
  }
}

/* Blocks of 256: codebooks */

TFILE_LANES Bytes16 two_rows(uint16_t first, uint16_t second) {
  return Lanes::from_words(eight_codes(first), eight_codes(second));
}

// Negates the values whose bits in signs are set.
TFILE_LANES Bytes16 signed_values(Bytes16 values, uint32_t signs) {
  const Bytes16 negative = Lanes::expand_bits(signs);
  return Lanes::subtract(Lanes::bit_xor(values, negative), negative);
}

// Stores the 16 values of two codebook rows of IQ2, with their signs.
TFILE_LANES void store_iq2(float *to, float d, uint16_t first, uint16_t second, uint32_t signs) {
  const Bytes16 values = Lanes::look_up(Lanes::from_words(0x2B1908, 0), two_rows(first, second));
  Lanes::store(to, signed_values(values, signs), d);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ2_XXS>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  for (int k = 0; k < 16; ++k) {
    const uint8_t *const group = block + 2 + k / 2 * 8;
    const uint8_t *const rows = group + k % 2 * 2;
    const uint32_t word = load_le<uint32_t>(group + 4);
    const uint32_t sevens = word >> (k % 2 * 14);
    store_iq2(to + 16 * k, d * (0.5f + static_cast<float>(word >> 28)) * 0.25f, kIq2XxsRows[rows[0]],
              kIq2XxsRows[rows[1]], even_signs(sevens & 127) | even_signs((sevens >> 7) & 127) << 8);
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ2_XS>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  for (int k = 0; k < 16; ++k) {
    const uint32_t first = load_le<uint16_t>(block + 2 + 4 * k);
    const uint32_t second = load_le<uint16_t>(block + 4 + 4 * k);
    store_iq2(to + 16 * k, d * (0.5f + static_cast<float>(nibble(block + 66, k))) * 0.25f, kIq2XsRows[first & 511],
              kIq2XsRows[second & 511], even_signs(first >> 9) | even_signs(second >> 9) << 8);
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ2_S>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  for (int k = 0; k < 16; ++k) {
    const int high_bits = nibble(block + 66, k);
    const int first = block[2 + 2 * k] | (high_bits & 3) << 8;
    const int second = block[3 + 2 * k] | (high_bits >> 2) << 8;
    store_iq2(to + 16 * k, d * (0.5f + static_cast<float>(nibble(block + 74, k))) * 0.25f, kIq2SRows[first],
              kIq2SRows[second], load_le<uint16_t>(block + 34 + 2 * k));
  }
}

// Widens two rows of four 4-bit codes, lowest bits first, to 8 bytes.
inline uint64_t four_codes(uint16_t first, uint16_t second) {
  uint64_t codes = first | static_cast<uint64_t>(second) << 32;
  codes = (codes | codes << 8) & 0x00FF00FF00FF00FF;
  return (codes | codes << 4) & 0x0F0F0F0F0F0F0F0F;
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ3_XXS>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  const Bytes16 values = Lanes::from_words(0x3E342C241C140C04, 0);
  for (int k = 0; k < 16; ++k) {
    const uint32_t word = load_le<uint32_t>(block + 66 + k / 2 * 4);
    const uint32_t sevens = word >> (k % 2 * 14);
    const uint8_t *const rows = block + 2 + 4 * k;
    const Bytes16 codes = Lanes::from_words(four_codes(kIq3XxsRows[rows[0]], kIq3XxsRows[rows[1]]),
                                            four_codes(kIq3XxsRows[rows[2]], kIq3XxsRows[rows[3]]));
    const uint32_t signs = even_signs(sevens & 127) | even_signs((sevens >> 7) & 127) << 8;
    Lanes::store(to + 16 * k, signed_values(Lanes::look_up(values, codes), signs),
                 d * (0.5f + static_cast<float>(word >> 28)) * 0.5f);
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ3_S>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  for (int k = 0; k < 16; ++k) {
    const uint8_t *const rows = block + 2 + 4 * k;
    const int extra = nibble(block + 66, k);
    const uint16_t *const table = kIq3SRows;
    const Bytes16 codes =
        Lanes::from_words(four_codes(table[rows[0] | (extra & 1) << 8], table[rows[1] | (extra >> 1 & 1) << 8]),
                          four_codes(table[rows[2] | (extra >> 2 & 1) << 8], table[rows[3] | (extra >> 3 & 1) << 8]));
    const Bytes16 values = Lanes::add(Lanes::add(codes, codes), Lanes::broadcast(1));
    Lanes::store(to + 16 * k, signed_values(values, load_le<uint16_t>(block + 74 + 2 * k)),
                 times(d, 1 + 2 * nibble(block + 106, k / 2)));
  }
}

// Stores the 16 values of two codebook rows of IQ1, each row shifted up or down by an eighth. The values are computed
// as integers, in units of an eighth, and multiplied by an eighth of the scale.
TFILE_LANES void store_iq1(float *to, float d, uint16_t first, uint16_t second, bool first_down, bool second_down) {
  constexpr uint64_t kUp = 0xF9F9F9F9F9F9F9F9;  // -8 + 1
  constexpr uint64_t kDown = 0xF7F7F7F7F7F7F7F7;
  const Bytes16 shifts = Lanes::from_words(first_down ? kDown : kUp, second_down ? kDown : kUp);
  Lanes::store(to, Lanes::add(Lanes::shift_left(two_rows(first, second), 3), shifts), d * 0.125f);
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ1_S>, float *to, const uint8_t *block) {
  const float d = Lanes::load_half(block);
  for (int k = 0; k < 16; ++k) {
    const int word = load_le<uint16_t>(block + 34 + k / 2 * 2);
    const int high_bits = word >> (k % 2 * 6);
    const int first = block[2 + 2 * k] | (high_bits & 7) << 8;
    const int second = block[3 + 2 * k] | (high_bits >> 3 & 7) << 8;
    const bool down = (word & 0x8000) != 0;
    store_iq1(to + 16 * k, times(d, 2 * ((word >> 12) & 7) + 1), kIq1Rows[first], kIq1Rows[second], down, down);
  }
}

TFILE_LANES void decode_block(BlockType<TF_DTYPE_IQ1_M>, float *to, const uint8_t *block) {
  const float d = iq1_m_scale(block + 48);
  for (int k = 0; k < 16; ++k) {
    const int extra = block[32 + k];
    const int first = block[2 * k] | (extra & 7) << 8;
    const int second = block[2 * k + 1] | (extra >> 4 & 7) << 8;
    const int scale = (load_le<uint16_t>(block + 48 + k / 4 * 2) >> (3 * (k % 4))) & 7;
    store_iq1(to + 16 * k, times(d, 2 * scale + 1), kIq1Rows[first], kIq1Rows[second], (extra & 8) != 0,
              (extra & 0x80) != 0);
  }
}

// A CastKernel that decodes all blocks of an array.
template <typename Type>
TFILE_LANES void decode_blocks(void *to, const void *from, size_t count) {
  auto *target = static_cast<float *>(to);
  const auto *block = static_cast<const uint8_t *>(from);
  for (size_t i = 0; i < count; i += Type::kElements, block += Type::kBytes, target += Type::kElements)
    decode_block(Type(), target, block);
}

constexpr BlockTable<CastKernel> kDecoders =
    make_block_table<CastKernel>([](auto type) -> CastKernel { return decode_blocks<decltype(type)>; });

/* The 16-bit floats */

template <uint32_t (*widen)(uint16_t)>
void widen_scalar(char *to, const char *from, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t narrow;
    memcpy(&narrow, from + i * sizeof(narrow), sizeof(narrow));
    const uint32_t wide = widen(narrow);
    memcpy(to + i * sizeof(wide), &wide, sizeof(wide));
  }
}

TFILE_LANES void halves_to_floats(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *source = static_cast<const char *>(from);
  for (; count >= 8; count -= 8, source += 8 * sizeof(uint16_t), target += 8 * sizeof(float)) {
    if (!Lanes::store_halves(reinterpret_cast<float *>(target), source)) {
      widen_scalar<float_of_half>(target, source, 8);
    }
  }
  widen_scalar<float_of_half>(target, source, count);
}

TFILE_LANES void bfloats_to_floats(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *source = static_cast<const char *>(from);
  for (; count >= 8; count -= 8, source += 8 * sizeof(uint16_t), target += 8 * sizeof(float))
    Lanes::store_bfloats(reinterpret_cast<float *>(target), source);
  widen_scalar<float_of_bfloat16>(target, source, count);
}

}  // namespace

bool cpu_has_lanes() {
  return best_cpu() >= kLanesCpu;
}

CastKernel find_lane_decoder(tf_dtype from) {
  if (from == TF_DTYPE_FLOAT16) return halves_to_floats;
  if (from == TF_DTYPE_BFLOAT16) return bfloats_to_floats;
  return kDecoders.find(from);
}

}  // namespace tfile

#endif
