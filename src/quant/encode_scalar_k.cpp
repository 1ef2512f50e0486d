// Q2_K to Q6_K, whose scales are searched for.
#include "quant/encode_packing.h"

namespace tfile {

namespace {

// Returns the largest value, or 0 if none is positive.
float largest_of(const float *values, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (values[i] > largest) largest = values[i];
  }
  return largest;
}

// Encodes the groups of Q4_K and Q5_K: stores the two float16 fields and the scales, and returns the codes in `codes`.
void encode_groups(uint8_t *to, uint8_t *codes, const float *from, int32_t most, float first, int32_t last) {
  float scales[8];
  float minimums[8];
  for (size_t group = 0; group < 8; ++group) {
    const float *x = from + 32 * group;
    float squares = 0;
    for (size_t i = 0; i < 32; ++i)
      squares += x[i] * x[i];
    const float average = square_root(squares / 32);
    float weight[32];
    for (size_t i = 0; i < 32; ++i)
      weight[i] = average + magnitude(x[i]);
    const Affine found = search_affine({32, most, first, 0.1f, last, false, weight}, codes + 32 * group, x);
    scales[group] = found.scale;
    minimums[group] = found.minimum;
  }
  const StoredScales stored = store_q4_k_scales(to, scales, minimums);
  for (size_t group = 0; group < 8; ++group)
    requantize(codes + 32 * group, from + 32 * group, 32, stored.scale[group], stored.minimum[group], most);
}

// Changes each of 16 codes in turn to the one that best fits the scale of the other codes. Returns true if any code
// changed.
bool improve_codes(Fit &fit, int32_t *codes, const float *x) {
  bool changed = false;
  for (size_t i = 0; i < 16; ++i) {
    Fit without = fit;
    without.remove(x[i] * x[i], x[i], codes[i]);
    if (!(without.code_x > 0)) continue;
    const int32_t code = clamp(nearest((x[i] * without.code2) / without.code_x), -4, 3);
    if (code == codes[i]) continue;
    without.add(x[i] * x[i], x[i], code);
    const bool better = (without.code_x * without.code_x) * fit.code2 > (fit.code_x * fit.code_x) * without.code2;
    if (without.code2 > 0 && better) {
      codes[i] = code;
      fit = without;
      changed = true;
    }
  }
  return changed;
}

// Finds 16 codes from 0 to 7, where 4 is zero, and returns their scale.
float search_improving(uint8_t *codes, const float *x) {
  const Largest largest = find_largest(x, 16);
  if (largest.size < kTiny) {
    memset(codes, 0, 16);
    return 0;
  }
  const float inverted = -4 / largest.value;
  int32_t found[16];
  Fit fit;
  for (size_t i = 0; i < 16; ++i) {
    found[i] = clamp(nearest(inverted * x[i]), -4, 3);
    fit.add(x[i] * x[i], x[i], found[i]);
  }
  for (int round = 0; round < 5 && improve_codes(fit, found, x); ++round) {
  }
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(found[i] + 4);
  return fit.code2 > 0 ? fit.code_x / fit.code2 : 0;
}

// Finds 16 codes from 0 to 63, weighting each element by its square.
float search_squared(uint8_t *codes, const float *x) {
  float weight[16];
  for (size_t i = 0; i < 16; ++i)
    weight[i] = x[i] * x[i];
  return search_steps(codes, x, weight, 16, 32);
}

}  // namespace

StoredScales store_q2_k_scales(uint8_t *to, const float *scales, const float *minimums) {
  const float scale = largest_of(scales, 16);
  const float minimum = largest_of(minimums, 16);
  const float stored = store_half(to + 80, scale > 0 ? scale / 15 : 0);
  const float stored_minimum = store_half(to + 82, minimum > 0 ? minimum / 15 : 0);
  const float steps = scale > 0 ? 15 / scale : 0;
  const float minimum_steps = minimum > 0 ? 15 / minimum : 0;
  StoredScales result;
  for (size_t group = 0; group < 16; ++group) {
    const int32_t low = scale > 0 ? nearest(steps * scales[group]) : 0;
    const int32_t high = minimum > 0 ? nearest(minimum_steps * minimums[group]) : 0;
    to[group] = low_byte(low_byte(low) | low_byte(high * 16));
    result.scale[group] = stored * real(to[group] & 15);
    result.minimum[group] = stored_minimum * real(to[group] >> 4);
  }
  return result;
}

StoredScales store_q4_k_scales(uint8_t *to, const float *scales, const float *minimums) {
  const float scale = largest_of(scales, 8);
  const float minimum = largest_of(minimums, 8);
  const float steps = scale > 0 ? 63 / scale : 0;
  const float minimum_steps = minimum > 0 ? 63 / minimum : 0;
  const float stored = store_half(to, scale / 63);
  const float stored_minimum = store_half(to + 2, minimum / 63);
  uint8_t scale_codes[8];
  uint8_t minimum_codes[8];
  StoredScales result;
  for (size_t group = 0; group < 8; ++group) {
    // Like ggml, truncate to a byte first: -1 becomes 255, and then 63.
    scale_codes[group] = low_byte(smaller(63, low_byte(nearest(steps * scales[group]))));
    minimum_codes[group] = low_byte(smaller(63, low_byte(nearest(minimum_steps * minimums[group]))));
    result.scale[group] = stored * real(scale_codes[group]);
    result.minimum[group] = stored_minimum * real(minimum_codes[group]);
  }
  store_six_bits(to + 4, scale_codes, minimum_codes);
  return result;
}

StoredScales store_q3_k_scales(uint8_t *to, const float *scales) {
  const float largest = find_largest(scales, 16).value;
  int32_t codes[16] = {};
  float stored = 0;
  if (largest == 0) {
    store_half(to + 108, 0);
  } else {
    const float steps = -32 / largest;
    for (size_t group = 0; group < 16; ++group)
      codes[group] = clamp(signed_byte(nearest(steps * scales[group])), -32, 31) + 32;
    stored = store_half(to + 108, 1 / steps);
  }
  pack_q3_k_scales(to + 96, codes);
  StoredScales result;
  for (size_t group = 0; group < 16; ++group)
    result.scale[group] = stored * real(codes[group] - 32);
  return result;
}

bool store_q6_k_scales(uint8_t *to, StoredScales &stored, const float *scales) {
  const Largest largest = find_largest(scales, 16);
  if (largest.size < kTiny) {
    memset(to, 0, BlockType<TF_DTYPE_Q6_K>::kBytes);
    return false;
  }
  const float steps = -128 / largest.value;
  const float unit = store_half(to + 208, 1 / steps);
  for (size_t group = 0; group < 16; ++group) {
    const int8_t scale = signed_byte(smaller(127, nearest(steps * scales[group])));
    to[192 + group] = static_cast<uint8_t>(scale);
    stored.scale[group] = unit * real(scale);
  }
  return true;
}

void encode_block(BlockType<TF_DTYPE_Q2_K>, uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float scales[16];
  float minimums[16];
  for (size_t group = 0; group < 16; ++group) {
    const float *x = from + 16 * group;
    float weight[16];
    for (size_t i = 0; i < 16; ++i)
      weight[i] = magnitude(x[i]);
    const Affine found = search_affine({16, 3, -0.5f, 0.1f, 15, true, weight}, codes + 16 * group, x);
    scales[group] = found.scale;
    minimums[group] = found.minimum;
  }
  const StoredScales stored = store_q2_k_scales(to, scales, minimums);
  for (size_t group = 0; group < 16; ++group)
    requantize(codes + 16 * group, from + 16 * group, 16, stored.scale[group], stored.minimum[group], 3);
  store_two_bits(to + 16, codes);
}

void encode_block(BlockType<TF_DTYPE_Q4_K>, uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  encode_groups(to, codes, from, 15, -1, 20);
  store_four_bits(to + 16, codes);
}

void encode_block(BlockType<TF_DTYPE_Q5_K>, uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  encode_groups(to, codes, from, 31, -0.5f, 15);
  store_bits(to + 16, codes, 4);
  store_four_bits(to + 48, codes);
}

void encode_block(BlockType<TF_DTYPE_Q3_K>, uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float found[16];
  for (size_t group = 0; group < 16; ++group)
    found[group] = search_improving(codes + 16 * group, from + 16 * group);
  const StoredScales stored = store_q3_k_scales(to, found);
  for (size_t group = 0; group < 16; ++group)
    requantize(codes + 16 * group, from + 16 * group, stored.scale[group], 4);
  store_bits(to, codes, 2);
  store_two_bits(to + 32, codes);
}

void encode_block(BlockType<TF_DTYPE_Q6_K>, uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float found[16];
  for (size_t group = 0; group < 16; ++group)
    found[group] = search_squared(codes + 16 * group, from + 16 * group);
  StoredScales stored;
  if (!store_q6_k_scales(to, stored, found)) return;
  for (size_t group = 0; group < 16; ++group)
    requantize(codes + 16 * group, from + 16 * group, stored.scale[group], 32);
  store_q6_codes(to, codes);
}

}  // namespace tfile
