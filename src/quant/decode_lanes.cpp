#include "quant/decode_lanes.h"

#include "quant/lanes.h"

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
#include "quant/block_fields.h"
#include "quant/blocks.h"
#include "quant/codebooks.h"

namespace tfile {

namespace {

#ifdef __x86_64__
constexpr Cpu kLanesCpu = Cpu::kVector8;
#else
constexpr Cpu kLanesCpu = Cpu::kVector4;
#endif

using Bytes16 = Lanes::Vector;

// Of 16 bytes: the codes that their low and high halves are.
TFILE_LANES Bytes16 lows(Bytes16 packed) {
  return Lanes::both(packed, Lanes::fill(15));
}
TFILE_LANES Bytes16 highs(Bytes16 packed) {
  return Lanes::bits(packed, 4, 15);
}
TFILE_LANES Bytes16 minus(Bytes16 codes, int value) {
  return Lanes::subtract(codes, Lanes::fill(value));
}

/* Blocks of 32, 64 and 128 */

TFILE_LANES void lanes_q4_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const Bytes16 codes = Lanes::load(block + 2);
  Lanes::put(to, minus(lows(codes), 8), d);
  Lanes::put(to + 16, minus(highs(codes), 8), d);
}

TFILE_LANES void lanes_q4_1(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float m = Lanes::half(block + 2);
  const Bytes16 codes = Lanes::load(block + 4);
  Lanes::put_above(to, lows(codes), d, m);
  Lanes::put_above(to + 16, highs(codes), d, m);
}

// 16 where a bit is set.
TFILE_LANES Bytes16 fifth_bits(const uint8_t *bits) {
  return Lanes::both(Lanes::spread(load_le<uint16_t>(bits)), Lanes::fill(16));
}

TFILE_LANES void lanes_q5_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const Bytes16 codes = Lanes::load(block + 6);
  Lanes::put(to, minus(Lanes::either(lows(codes), fifth_bits(block + 2)), 16), d);
  Lanes::put(to + 16, minus(Lanes::either(highs(codes), fifth_bits(block + 4)), 16), d);
}

TFILE_LANES void lanes_q5_1(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float m = Lanes::half(block + 2);
  const Bytes16 codes = Lanes::load(block + 8);
  Lanes::put_above(to, Lanes::either(lows(codes), fifth_bits(block + 4)), d, m);
  Lanes::put_above(to + 16, Lanes::either(highs(codes), fifth_bits(block + 6)), d, m);
}

TFILE_LANES void lanes_q8_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  Lanes::put(to, Lanes::load(block + 2), d);
  Lanes::put(to + 16, Lanes::load(block + 18), d);
}

TFILE_LANES void lanes_q8_1(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  Lanes::put(to, Lanes::load(block + 4), d);
  Lanes::put(to + 16, Lanes::load(block + 20), d);
}

// 32 values of 16 bytes: all low halves, then all high ones.
TFILE_LANES void put_from_table(float *to, const int8_t *table, Bytes16 codes, float d) {
  const Bytes16 values = Lanes::load(table);
  Lanes::put(to, Lanes::look_up(values, lows(codes)), d);
  Lanes::put(to + 16, Lanes::look_up(values, highs(codes)), d);
}

TFILE_LANES void lanes_iq4_nl(float *to, const uint8_t *block) {
  put_from_table(to, kIq4Values, Lanes::load(block + 2), Lanes::half(block));
}

TFILE_LANES void lanes_mxfp4(float *to, const uint8_t *block) {
  if (block[0] >= 2) {
    put_from_table(to, kFp4Doubled, Lanes::load(block + 1), float_of((block[0] - 1u) << 23));
  } else {  // subnormals, which a caller may have turned off
    find_block_decoder(TF_DTYPE_MXFP4)(to, block, 32);
  }
}

TFILE_LANES void lanes_nvfp4(float *to, const uint8_t *block) {
  constexpr uint64_t kLows = 0x0F0F0F0F0F0F0F0F;
  const Bytes16 values = Lanes::load(kFp4Doubled);
  for (int part = 0; part < 4; ++part) {
    const auto packed = load_le<uint64_t>(block + 4 + 8 * part);
    const Bytes16 codes = Lanes::of_words(packed & kLows, (packed >> 4) & kLows);
    Lanes::put(to + 16 * part, Lanes::look_up(values, codes), half_ue4m3(block[part]));
  }
}

// 8 codes of 2 bits, the first in the lowest bits, as 8 bytes.
inline uint64_t eight_codes(uint16_t row) {
  uint64_t codes = row;
  codes = (codes | codes << 24) & 0x000000FF000000FF;
  codes = (codes | codes << 12) & 0x000F000F000F000F;
  return (codes | codes << 6) & 0x0303030303030303;
}

TFILE_LANES void lanes_q1_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 8; ++k) {
    const Bytes16 set = Lanes::spread(load_le<uint16_t>(block + 2 + 2 * k));
    Lanes::put(to + 16 * k, minus(Lanes::both(set, Lanes::fill(2)), 1), d);
  }
}

TFILE_LANES void lanes_q2_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 4; ++k) {
    const uint8_t *const packed = block + 2 + 4 * k;
    const uint64_t first = eight_codes(load_le<uint16_t>(packed));
    const uint64_t second = eight_codes(load_le<uint16_t>(packed + 2));
    Lanes::put(to + 16 * k, minus(Lanes::of_words(first, second), 1), d);
  }
}

/* Blocks of 256 */

TFILE_LANES void lanes_q2_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 80);
  const float dmin = Lanes::half(block + 82);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const packed = block + 16 + part / 4 * 32;
    for (int half = 0; half < 2; ++half) {
      const Bytes16 codes = Lanes::bits(Lanes::load(packed + 16 * half), part % 4 * 2, 3);
      const uint8_t scale = block[2 * part + half];
      Lanes::put_below(to + 32 * part + 16 * half, codes, times(d, low(scale)), times(dmin, high(scale)));
    }
  }
}

TFILE_LANES void lanes_q3_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 108);
  for (int part = 0; part < 8; ++part) {
    const uint8_t *const packed = block + 32 + part / 4 * 32;
    for (int half = 0; half < 2; ++half) {
      const Bytes16 codes = Lanes::bits(Lanes::load(packed + 16 * half), part % 4 * 2, 3);
      const Bytes16 third = Lanes::raise(Lanes::bits(Lanes::load(block + 16 * half), part, 1), 2);
      const float scale = times(d, q3_k_scale(block + 96, 2 * part + half) - 32);
      Lanes::put(to + 32 * part + 16 * half, minus(Lanes::either(codes, third), 4), scale);
    }
  }
}

TFILE_LANES void lanes_q4_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float dmin = Lanes::half(block + 2);
  for (int j = 0; j < 8; j += 2) {
    const ScaleAndMin first = q4_k_scale(block + 4, j);
    const ScaleAndMin second = q4_k_scale(block + 4, j + 1);
    for (int l = 0; l < 32; l += 16) {
      const Bytes16 codes = Lanes::load(block + 16 + 16 * j + l);
      Lanes::put_below(to + 32 * j + l, lows(codes), times(d, first.scale), times(dmin, first.min));
      Lanes::put_below(to + 32 * j + 32 + l, highs(codes), times(d, second.scale), times(dmin, second.min));
    }
  }
}

TFILE_LANES void lanes_q5_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const float dmin = Lanes::half(block + 2);
  for (int j = 0; j < 8; ++j) {
    const ScaleAndMin part = q4_k_scale(block + 4, j);
    for (int l = 0; l < 32; l += 16) {
      const Bytes16 codes = Lanes::bits(Lanes::load(block + 48 + j / 2 * 32 + l), j % 2 * 4, 15);
      const Bytes16 fifth = Lanes::raise(Lanes::bits(Lanes::load(block + 16 + l), j, 1), 4);
      Lanes::put_below(to + 32 * j + l, Lanes::either(codes, fifth), times(d, part.scale), times(dmin, part.min));
    }
  }
}

TFILE_LANES void lanes_q6_k(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 208);
  for (int part = 0; part < 8; ++part) {
    for (int half = 0; half < 2; ++half) {
      const Bytes16 packed = Lanes::load(block + part / 4 * 64 + part % 2 * 32 + 16 * half);
      const Bytes16 high_bits = Lanes::bits(Lanes::load(block + 128 + part / 4 * 32 + 16 * half), part % 4 * 2, 3);
      const Bytes16 codes = Lanes::either(Lanes::bits(packed, part % 4 / 2 * 4, 15), Lanes::raise(high_bits, 4));
      const float scale = times(d, static_cast<int8_t>(block[192 + 2 * part + half]));
      Lanes::put(to + 32 * part + 16 * half, minus(codes, 32), scale);
    }
  }
}

TFILE_LANES void lanes_q8_k(float *to, const uint8_t *block) {
  const float d = float_of(load_le<uint32_t>(block));
  for (int j = 0; j < 256; j += 16)
    Lanes::put(to + j, Lanes::load(block + 4 + j), d);
}

TFILE_LANES void lanes_iq4_xs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const uint16_t high_bits = load_le<uint16_t>(block + 2);
  for (int b = 0; b < 8; ++b) {
    const int scale = nibble(block + 4, b) | ((high_bits >> (2 * b)) & 3) << 4;
    put_from_table(to + 32 * b, kIq4Values, Lanes::load(block + 8 + 16 * b), times(d, scale - 32));
  }
}

// The first digits of bytes that are fractions of 256 to base 3, less 1.
TFILE_LANES void put_trits(float *to, Bytes16 fractions, float d) {
  const Bytes16 upper = Lanes::add(Lanes::at_least(fractions, 86), Lanes::at_least(fractions, 171));
  Lanes::put(to, Lanes::subtract(Lanes::fill(-1), upper), d);
}

TFILE_LANES void lanes_tq1_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 52);
  for (int part = 0; part < 3; ++part) {
    Bytes16 fractions = Lanes::load(block + 16 * part);
    float *target = part < 2 ? to + 16 * part : to + 160;
    for (int n = 0; n < 5; ++n, target += part < 2 ? 32 : 16) {
      put_trits(target, fractions, d);
      fractions = Lanes::add(fractions, Lanes::add(fractions, fractions));
    }
  }
  uint8_t last[16];
  for (int i = 0; i < 16; ++i) {
    constexpr uint8_t kPowers[4] = {1, 3, 9, 27};
    last[i] = static_cast<uint8_t>(block[48 + i % 4] * kPowers[i / 4]);
  }
  put_trits(to + 240, Lanes::load(last), d);
}

TFILE_LANES void lanes_tq2_0(float *to, const uint8_t *block) {
  const float d = Lanes::half(block + 64);
  for (int part = 0; part < 8; ++part) {
    for (int l = 0; l < 32; l += 16) {
      const Bytes16 packed = Lanes::load(block + part / 4 * 32 + l);
      Lanes::put(to + 32 * part + l, minus(Lanes::bits(packed, part % 4 * 2, 3), 1), d);
    }
  }
}

/* Blocks of 256: codebooks */

TFILE_LANES Bytes16 two_rows(uint16_t first, uint16_t second) {
  return Lanes::of_words(eight_codes(first), eight_codes(second));
}

// Negative where a bit of signs is set.
TFILE_LANES Bytes16 signed_values(Bytes16 values, uint32_t signs) {
  const Bytes16 negative = Lanes::spread(signs);
  return Lanes::subtract(Lanes::differ(values, negative), negative);
}

// 16 values of two rows of IQ2, each with its sign.
TFILE_LANES void put_iq2(float *to, float d, uint16_t first, uint16_t second, uint32_t signs) {
  const Bytes16 values = Lanes::look_up(Lanes::of_words(0x2B1908, 0), two_rows(first, second));
  Lanes::put(to, signed_values(values, signs), d);
}

TFILE_LANES void lanes_iq2_xxs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const uint8_t *const group = block + 2 + k / 2 * 8;
    const uint8_t *const rows = group + k % 2 * 2;
    const uint32_t word = load_le<uint32_t>(group + 4);
    const uint32_t sevens = word >> (k % 2 * 14);
    put_iq2(to + 16 * k, d * (0.5f + static_cast<float>(word >> 28)) * 0.25f, kIq2XxsRows[rows[0]],
            kIq2XxsRows[rows[1]], even_signs(sevens & 127) | even_signs((sevens >> 7) & 127) << 8);
  }
}

TFILE_LANES void lanes_iq2_xs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const uint32_t first = load_le<uint16_t>(block + 2 + 4 * k);
    const uint32_t second = load_le<uint16_t>(block + 4 + 4 * k);
    put_iq2(to + 16 * k, d * (0.5f + static_cast<float>(nibble(block + 66, k))) * 0.25f, kIq2XsRows[first & 511],
            kIq2XsRows[second & 511], even_signs(first >> 9) | even_signs(second >> 9) << 8);
  }
}

TFILE_LANES void lanes_iq2_s(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const int high_bits = nibble(block + 66, k);
    const int first = block[2 + 2 * k] | (high_bits & 3) << 8;
    const int second = block[3 + 2 * k] | (high_bits >> 2) << 8;
    put_iq2(to + 16 * k, d * (0.5f + static_cast<float>(nibble(block + 74, k))) * 0.25f, kIq2SRows[first],
            kIq2SRows[second], load_le<uint16_t>(block + 34 + 2 * k));
  }
}

// 4 codes of 4 bits as 4 bytes, above them 4 more.
inline uint64_t four_codes(uint16_t first, uint16_t second) {
  uint64_t codes = first | static_cast<uint64_t>(second) << 32;
  codes = (codes | codes << 8) & 0x00FF00FF00FF00FF;
  return (codes | codes << 4) & 0x0F0F0F0F0F0F0F0F;
}

TFILE_LANES void lanes_iq3_xxs(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  const Bytes16 values = Lanes::of_words(0x3E342C241C140C04, 0);
  for (int k = 0; k < 16; ++k) {
    const uint32_t word = load_le<uint32_t>(block + 66 + k / 2 * 4);
    const uint32_t sevens = word >> (k % 2 * 14);
    const uint8_t *const rows = block + 2 + 4 * k;
    const Bytes16 codes = Lanes::of_words(four_codes(kIq3XxsRows[rows[0]], kIq3XxsRows[rows[1]]),
                                          four_codes(kIq3XxsRows[rows[2]], kIq3XxsRows[rows[3]]));
    const uint32_t signs = even_signs(sevens & 127) | even_signs((sevens >> 7) & 127) << 8;
    Lanes::put(to + 16 * k, signed_values(Lanes::look_up(values, codes), signs),
               d * (0.5f + static_cast<float>(word >> 28)) * 0.5f);
  }
}

TFILE_LANES void lanes_iq3_s(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const uint8_t *const rows = block + 2 + 4 * k;
    const int extra = nibble(block + 66, k);
    const uint16_t *const table = kIq3SRows;
    const Bytes16 codes =
        Lanes::of_words(four_codes(table[rows[0] | (extra & 1) << 8], table[rows[1] | (extra >> 1 & 1) << 8]),
                        four_codes(table[rows[2] | (extra >> 2 & 1) << 8], table[rows[3] | (extra >> 3 & 1) << 8]));
    const Bytes16 values = Lanes::add(Lanes::add(codes, codes), Lanes::fill(1));
    Lanes::put(to + 16 * k, signed_values(values, load_le<uint16_t>(block + 74 + 2 * k)),
               times(d, 1 + 2 * nibble(block + 106, k / 2)));
  }
}

// 16 values of two rows of IQ1, each row shifted up or down by an eighth: eighths of them, with an eighth of the scale.
TFILE_LANES void put_iq1(float *to, float d, uint16_t first, uint16_t second, bool first_down, bool second_down) {
  constexpr uint64_t kUp = 0xF9F9F9F9F9F9F9F9;  // -8 + 1
  constexpr uint64_t kDown = 0xF7F7F7F7F7F7F7F7;
  const Bytes16 shifts = Lanes::of_words(first_down ? kDown : kUp, second_down ? kDown : kUp);
  Lanes::put(to, Lanes::add(Lanes::raise(two_rows(first, second), 3), shifts), d * 0.125f);
}

TFILE_LANES void lanes_iq1_s(float *to, const uint8_t *block) {
  const float d = Lanes::half(block);
  for (int k = 0; k < 16; ++k) {
    const int word = load_le<uint16_t>(block + 34 + k / 2 * 2);
    const int high_bits = word >> (k % 2 * 6);
    const int first = block[2 + 2 * k] | (high_bits & 7) << 8;
    const int second = block[3 + 2 * k] | (high_bits >> 3 & 7) << 8;
    const bool down = (word & 0x8000) != 0;
    put_iq1(to + 16 * k, times(d, 2 * ((word >> 12) & 7) + 1), kIq1Rows[first], kIq1Rows[second], down, down);
  }
}

TFILE_LANES void lanes_iq1_m(float *to, const uint8_t *block) {
  const float d = iq1_m_scale(block + 48);
  for (int k = 0; k < 16; ++k) {
    const int extra = block[32 + k];
    const int first = block[2 * k] | (extra & 7) << 8;
    const int second = block[2 * k + 1] | (extra >> 4 & 7) << 8;
    const int scale = (load_le<uint16_t>(block + 48 + k / 4 * 2) >> (3 * (k % 4))) & 7;
    put_iq1(to + 16 * k, times(d, 2 * scale + 1), kIq1Rows[first], kIq1Rows[second], (extra & 8) != 0,
            (extra & 0x80) != 0);
  }
}

using DecodeLanes = void (*)(float *to, const uint8_t *block);

template <DecodeLanes decode, size_t kElements, size_t kBytes>
TFILE_LANES void each_block_in_lanes(void *to, const void *from, size_t count) {
  auto *target = static_cast<float *>(to);
  const auto *block = static_cast<const uint8_t *>(from);
  for (size_t i = 0; i < count; i += kElements, block += kBytes, target += kElements)
    decode(target, block);
}

/* The 16-bit floats */

template <uint32_t (*widen)(uint16_t)>
void widen_one_by_one(char *to, const char *from, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t narrow;
    memcpy(&narrow, from + i * sizeof(narrow), sizeof(narrow));
    const uint32_t wide = widen(narrow);
    memcpy(to + i * sizeof(wide), &wide, sizeof(wide));
  }
}

TFILE_LANES void halves_in_lanes(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *source = static_cast<const char *>(from);
  for (; count >= 8; count -= 8, source += 8 * sizeof(uint16_t), target += 8 * sizeof(float)) {
    if (!Lanes::put_halves(reinterpret_cast<float *>(target), source)) {
      widen_one_by_one<float_of_half>(target, source, 8);
    }
  }
  widen_one_by_one<float_of_half>(target, source, count);
}

TFILE_LANES void bfloats_in_lanes(void *to, const void *from, size_t count) {
  auto *target = static_cast<char *>(to);
  const auto *source = static_cast<const char *>(from);
  for (; count >= 8; count -= 8, source += 8 * sizeof(uint16_t), target += 8 * sizeof(float))
    Lanes::put_bfloats(reinterpret_cast<float *>(target), source);
  widen_one_by_one<float_of_bfloat16>(target, source, count);
}

}  // namespace

bool cpu_has_lanes() {
  return best_cpu() >= kLanesCpu;
}

CastKernel find_lane_decoder(tf_dtype from) {
  switch (from) {
    case TF_DTYPE_FLOAT16:
      return halves_in_lanes;
    case TF_DTYPE_BFLOAT16:
      return bfloats_in_lanes;
    case TF_DTYPE_Q4_0:
      return each_block_in_lanes<lanes_q4_0, 32, 18>;
    case TF_DTYPE_Q4_1:
      return each_block_in_lanes<lanes_q4_1, 32, 20>;
    case TF_DTYPE_Q5_0:
      return each_block_in_lanes<lanes_q5_0, 32, 22>;
    case TF_DTYPE_Q5_1:
      return each_block_in_lanes<lanes_q5_1, 32, 24>;
    case TF_DTYPE_Q8_0:
      return each_block_in_lanes<lanes_q8_0, 32, 34>;
    case TF_DTYPE_Q8_1:
      return each_block_in_lanes<lanes_q8_1, 32, 36>;
    case TF_DTYPE_Q2_K:
      return each_block_in_lanes<lanes_q2_k, 256, 84>;
    case TF_DTYPE_Q3_K:
      return each_block_in_lanes<lanes_q3_k, 256, 110>;
    case TF_DTYPE_Q4_K:
      return each_block_in_lanes<lanes_q4_k, 256, 144>;
    case TF_DTYPE_Q5_K:
      return each_block_in_lanes<lanes_q5_k, 256, 176>;
    case TF_DTYPE_Q6_K:
      return each_block_in_lanes<lanes_q6_k, 256, 210>;
    case TF_DTYPE_Q8_K:
      return each_block_in_lanes<lanes_q8_k, 256, 292>;
    case TF_DTYPE_IQ2_XXS:
      return each_block_in_lanes<lanes_iq2_xxs, 256, 66>;
    case TF_DTYPE_IQ2_XS:
      return each_block_in_lanes<lanes_iq2_xs, 256, 74>;
    case TF_DTYPE_IQ3_XXS:
      return each_block_in_lanes<lanes_iq3_xxs, 256, 98>;
    case TF_DTYPE_IQ1_S:
      return each_block_in_lanes<lanes_iq1_s, 256, 50>;
    case TF_DTYPE_IQ4_NL:
      return each_block_in_lanes<lanes_iq4_nl, 32, 18>;
    case TF_DTYPE_IQ3_S:
      return each_block_in_lanes<lanes_iq3_s, 256, 110>;
    case TF_DTYPE_IQ2_S:
      return each_block_in_lanes<lanes_iq2_s, 256, 82>;
    case TF_DTYPE_IQ4_XS:
      return each_block_in_lanes<lanes_iq4_xs, 256, 136>;
    case TF_DTYPE_IQ1_M:
      return each_block_in_lanes<lanes_iq1_m, 256, 56>;
    case TF_DTYPE_TQ1_0:
      return each_block_in_lanes<lanes_tq1_0, 256, 54>;
    case TF_DTYPE_TQ2_0:
      return each_block_in_lanes<lanes_tq2_0, 256, 66>;
    case TF_DTYPE_MXFP4:
      return each_block_in_lanes<lanes_mxfp4, 32, 17>;
    case TF_DTYPE_NVFP4:
      return each_block_in_lanes<lanes_nvfp4, 64, 36>;
    case TF_DTYPE_Q1_0:
      return each_block_in_lanes<lanes_q1_0, 128, 18>;
    case TF_DTYPE_Q2_0:
      return each_block_in_lanes<lanes_q2_0, 64, 18>;
    default:
      return nullptr;
  }
}

}  // namespace tfile

#endif
