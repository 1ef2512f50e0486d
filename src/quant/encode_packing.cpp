#include "quant/encode_packing.h"

namespace tfile {

void store_nibbles(uint8_t *to, const uint8_t *codes, size_t half) {
  for (size_t i = 0; i < half; ++i)
    to[i] = static_cast<uint8_t>((codes[i] & 15) | codes[i + half] << 4);
}

void store_fifth_bits(uint8_t *to, const uint8_t *codes) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 32; ++i)
    bits |= static_cast<uint32_t>(codes[i] >> 4) << i;
  store_le<uint32_t>(to, bits);
}

void store_two_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    to[i] = low_byte((code[0] & 3) | (code[32] & 3) << 2 | (code[64] & 3) << 4 | (code[96] & 3) << 6);
  }
}

void store_four_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 128; ++i) {
    const uint8_t *code = codes + i / 32 * 64 + i % 32;
    to[i] = low_byte((code[0] & 15) | (code[32] & 15) << 4);
  }
}

void store_bits(uint8_t *to, const uint8_t *codes, int at) {
  for (size_t l = 0; l < 32; ++l) {
    uint32_t bits = 0;
    for (size_t group = 0; group < 8; ++group)
      bits |= ((static_cast<uint32_t>(codes[32 * group + l]) >> at) & 1) << group;
    to[l] = static_cast<uint8_t>(bits);
  }
}

void store_q6_codes(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    uint8_t *low = to + i / 32 * 64 + i % 32;
    low[0] = low_byte((code[0] & 15) | (code[64] & 15) << 4);
    low[32] = low_byte((code[32] & 15) | (code[96] & 15) << 4);
    to[128 + i] = low_byte(code[0] >> 4 | (code[32] >> 4) << 2 | (code[64] >> 4) << 4 | (code[96] >> 4) << 6);
  }
}

void store_six_bits(uint8_t *to, const uint8_t *scales, const uint8_t *minimums) {
  for (size_t i = 0; i < 4; ++i) {
    to[i] = low_byte(scales[i] | (scales[i + 4] >> 4) << 6);
    to[i + 4] = low_byte(minimums[i] | (minimums[i + 4] >> 4) << 6);
    to[i + 8] = low_byte((scales[i + 4] & 15) | (minimums[i + 4] & 15) << 4);
  }
}

void pack_q3_k_scales(uint8_t *to, const int32_t *scales) {
  memset(to, 0, 12);
  for (size_t group = 0; group < 16; ++group) {
    const int32_t low = (scales[group] & 15) << (group < 8 ? 0 : 4);
    const int32_t high = (scales[group] >> 4) << (2 * (group / 4));
    to[group % 8] = low_byte(to[group % 8] | low);
    to[8 + group % 4] = low_byte(to[8 + group % 4] | high);
  }
}

void requantize(uint8_t *codes, const float *x, size_t count, float scale, float minimum, int32_t most) {
  if (scale == 0) return;
  for (size_t i = 0; i < count; ++i)
    codes[i] = low_byte(clamp(nearest((x[i] + minimum) / scale), 0, most));
}

void requantize(uint8_t *codes, const float *x, float scale, int32_t zero) {
  if (scale == 0) return;
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(clamp(nearest(x[i] / scale), -zero, zero - 1) + zero);
}

}  // namespace tfile
