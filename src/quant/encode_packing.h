// Packs the codes and scales of blocks into their bytes.
#pragma once

#include "quant/encode_searches.h"

namespace tfile {

// Packs 4-bit codes: the first half of the elements goes to the low nibbles, the second half to the high ones.
void store_nibbles(uint8_t *to, const uint8_t *codes, size_t half);
// Packs bit 4 of each of 32 codes into 4 bytes.
void store_fifth_bits(uint8_t *to, const uint8_t *codes);

// Packs 256 two-bit codes: byte l of half n gets codes 128 * n + l, + 32, + 64 and + 96, lowest bits first.
void store_two_bits(uint8_t *to, const uint8_t *codes);
// Packs the low four bits of 256 codes. Of each 64 elements, the first 32 go to the low nibbles of 32 bytes and the
// others to the high nibbles.
void store_four_bits(uint8_t *to, const uint8_t *codes);
// Packs bit `at` of each of 256 codes: that of code 32 * group + l becomes bit `group` of byte l.
void store_bits(uint8_t *to, const uint8_t *codes, int at);
// Packs the codes of Q6_K: the low four bits, then the high two.
void store_q6_codes(uint8_t *to, const uint8_t *codes);
// Packs the scales and minimums of 8 groups, 6 bits each, into 12 bytes.
void store_six_bits(uint8_t *to, const uint8_t *scales, const uint8_t *minimums);
// Packs 16 scales of 6 bits into 12 bytes: the low four bits of all, then the high two.
void pack_q3_k_scales(uint8_t *to, const int32_t *scales);

// Computes the codes again with the stored, rounded scale and minimum. If that scale is zero, keeps the codes of the
// search.
void requantize(uint8_t *codes, const float *x, size_t count, float scale, float minimum, int32_t most);
// The same for 16 elements without a minimum; `zero` is the code of 0.
void requantize(uint8_t *codes, const float *x, float scale, int32_t zero);

}  // namespace tfile
