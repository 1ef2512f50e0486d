// IQ4_NL and IQ4_XS: codes are places in a table of 16 numbers, and scales are searched for, as in ggml.
#include "quant/encode_steps.h"
#include "tensorfile.h"

namespace tfile {

namespace {

// The place of the nearest number; a tie goes up.
int32_t nearest_number(float value) {
  if (value <= kIq4Numbers[0]) return 0;
  if (value >= kIq4Numbers[15]) return 15;
  int32_t below = 0;
  int32_t above = 15;
  while (above - below > 1) {
    const int32_t middle = (below + above) / 2;
    if (value < kIq4Numbers[middle]) {
      above = middle;
    } else {
      below = middle;
    }
  }
  return value - kIq4Numbers[below] < kIq4Numbers[above] - value ? below : above;
}

// The sums of a fit of 32 elements, which weigh as their squares.
struct Fit {
  float code_x = 0;
  float code2 = 0;
};
Fit fit_of(const float *x, float inverted) {
  Fit fit;
  for (size_t i = 0; i < 32; ++i) {
    const float code = kIq4Numbers[nearest_number(inverted * x[i])];
    const float weighted = (x[i] * x[i]) * code;
    fit.code_x += weighted * x[i];
    fit.code2 += weighted * code;
  }
  return fit;
}

// The scale of 32 elements, of either sign.
float search_scale(const float *x) {
  const Largest largest = find_largest(x, 32);
  if (largest.size < kTiny) return 0;
  const float first = -largest.value / -127;
  Fit fit = fit_of(x, 1 / first);
  float scale = fit.code2 > 0 ? fit.code_x / fit.code2 : 0;
  float best = scale * fit.code_x;
  for (int32_t step = -7; step <= 7; ++step) {
    fit = fit_of(x, static_cast<float>(step - 127) / largest.value);
    if (fit.code2 > 0 && fit.code_x * fit.code_x > best * fit.code2) {
      scale = fit.code_x / fit.code2;
      best = scale * fit.code_x;
    }
  }
  return scale;
}

// 32 codes in 16 bytes.
void put_codes(uint8_t *to, const float *x, float inverted) {
  for (size_t i = 0; i < 16; ++i) {
    const int32_t low = nearest_number(inverted * x[i]);
    to[i] = static_cast<uint8_t>(low | nearest_number(inverted * x[i + 16]) << 4);
  }
}

void encode_iq4_nl(uint8_t *to, const float *from) {
  put_codes(to + 2, from, put_table_scale(to, search_scale(from)));
}

void encode_iq4_xs(uint8_t *to, const float *from) {
  float found[8];
  for (size_t group = 0; group < 8; ++group)
    found[group] = search_scale(from + 32 * group);
  const StoredSteps inverted = put_table_steps(to, found);
  for (size_t group = 0; group < 8; ++group)
    put_codes(to + 8 + 16 * group, from + 32 * group, inverted.scale[group]);
}

}  // namespace

float put_table_scale(uint8_t *to, float scale) {
  if (scale == scale) {
    put_half(to, scale);
  } else {
    store_le<uint16_t>(to, 0xfe00);  // infinity by infinity: a NaN whose sign is not the same on every processor
  }
  return scale == 0 ? 0 : 1 / scale;
}

StoredSteps put_table_steps(uint8_t *to, const float *scales) {
  const float scale = -find_largest(scales, 8).value / 32;
  const float inverted = scale == 0 ? 0 : 1 / scale;
  put_half(to, scale);
  uint32_t high = 0;
  memset(to + 4, 0, 4);
  StoredSteps result;
  for (size_t group = 0; group < 8; ++group) {
    const int32_t steps = clamp(nearest(inverted * scales[group]), -32, 31);
    const auto code = static_cast<uint32_t>(steps + 32);
    to[4 + group / 2] = static_cast<uint8_t>(to[4 + group / 2] | (code & 15) << (4 * (group % 2)));
    high |= (code >> 4) << (2 * group);
    const float unrounded = scale * static_cast<float>(steps);
    result.scale[group] = unrounded == 0 ? 0 : 1 / unrounded;
  }
  store_le<uint16_t>(to + 2, static_cast<uint16_t>(high));
  return result;
}

BlockEncoder find_iq4_encoder(int32_t dtype) {
  return dtype == TF_DTYPE_IQ4_NL ? encode_iq4_nl : dtype == TF_DTYPE_IQ4_XS ? encode_iq4_xs : nullptr;
}

}  // namespace tfile
