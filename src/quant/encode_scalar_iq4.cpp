// IQ4_NL and IQ4_XS: codes are indices into a table of 16 values, and scales are searched for as in ggml.
#include "quant/encode_searches.h"

namespace tfile {

namespace {

// Returns the code of the nearest value; a tie goes up.
int32_t nearest_code(float value) {
  if (value <= kIq4Floats[0]) return 0;
  if (value >= kIq4Floats[15]) return 15;
  int32_t below = 0;
  int32_t above = 15;
  while (above - below > 1) {
    const int32_t middle = (below + above) / 2;
    if (value < kIq4Floats[middle]) {
      above = middle;
    } else {
      below = middle;
    }
  }
  return value - kIq4Floats[below] < kIq4Floats[above] - value ? below : above;
}

// Returns the sums of a least-squares fit of 32 elements.
Fit fit_of(const float *x, const float *weight, float inverted) {
  Fit fit;
  for (size_t i = 0; i < 32; ++i) {
    const float code = kIq4Floats[nearest_code(inverted * x[i])];
    const float weighted = weight[i] * code;
    fit.code_x += weighted * x[i];
    fit.code2 += weighted * code;
  }
  return fit;
}

// Returns the scale of 32 elements that are weighted by their squares.
float search_squared(const float *x) {
  float weight[32];
  for (size_t i = 0; i < 32; ++i)
    weight[i] = x[i] * x[i];
  return search_iq4_scale(x, weight);
}

}  // namespace

float search_iq4_scale(const float *x, const float *weight) {
  const Largest largest = find_largest(x, 32);
  if (largest.size < kTiny) return 0;
  const float first = -largest.value / -127;
  Fit fit = fit_of(x, weight, 1 / first);
  float scale = fit.code2 > 0 ? fit.code_x / fit.code2 : 0;
  float best = scale * fit.code_x;
  for (int32_t step = -7; step <= 7; ++step) {
    fit = fit_of(x, weight, static_cast<float>(step - 127) / largest.value);
    if (fit.code2 > 0 && fit.code_x * fit.code_x > best * fit.code2) {
      scale = fit.code_x / fit.code2;
      best = scale * fit.code_x;
    }
  }
  return scale;
}

void store_iq4_codes(uint8_t *to, const float *x, float inverted) {
  for (size_t i = 0; i < 16; ++i) {
    const int32_t low = nearest_code(inverted * x[i]);
    to[i] = static_cast<uint8_t>(low | nearest_code(inverted * x[i + 16]) << 4);
  }
}

float store_iq4_nl_scale(uint8_t *to, float scale) {
  if (scale == scale) {
    store_half(to, scale);
  } else {
    store_le<uint16_t>(to, 0xfe00);  // infinity / infinity: the sign of that NaN depends on the processor
  }
  return scale == 0 ? 0 : 1 / scale;
}

StoredScales store_iq4_xs_scales(uint8_t *to, const float *scales) {
  const float scale = -find_largest(scales, 8).value / 32;
  const float inverted = scale == 0 ? 0 : 1 / scale;
  store_half(to, scale);
  uint32_t high = 0;
  memset(to + 4, 0, 4);
  StoredScales result;
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

void encode_block(BlockType<TF_DTYPE_IQ4_NL>, uint8_t *to, const float *from) {
  store_iq4_codes(to + 2, from, store_iq4_nl_scale(to, search_squared(from)));
}

void encode_block(BlockType<TF_DTYPE_IQ4_XS>, uint8_t *to, const float *from) {
  float found[8];
  for (size_t group = 0; group < 8; ++group)
    found[group] = search_squared(from + 32 * group);
  const StoredScales inverted = store_iq4_xs_scales(to, found);
  for (size_t group = 0; group < 8; ++group)
    store_iq4_codes(to + 8 + 16 * group, from + 32 * group, inverted.scale[group]);
}

}  // namespace tfile
