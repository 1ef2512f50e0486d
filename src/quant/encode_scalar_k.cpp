// Q2_K to Q6_K, whose scales are searched for. The searches are ggml's, in its order of operations.
#include "quant/encode_scalar.h"

namespace tfile {

namespace {

// Returns the low byte of a rounded number.
uint8_t low_byte(int32_t value) {
  return static_cast<uint8_t>(value);
}
int8_t signed_byte(int32_t value) {
  return static_cast<int8_t>(value);
}
int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}
// Converts a small integer to float32, which is exact.
float real(int32_t value) {
  return static_cast<float>(value);
}

// Returns the correctly rounded root of a number that is not negative. __builtin_sqrtf would make the library need
// libm.
float square_root(float value) {
  uint32_t bits = float_bits(value);
  if (bits == 0 || bits >= kFloatInf) return value;
  auto exponent = static_cast<int32_t>(bits >> 23);
  uint64_t mantissa = (bits & 0x7fffff) | 0x800000;
  if (exponent == 0) {
    const int32_t shift = __builtin_clz(bits) - 8;
    mantissa = uint64_t{bits} << shift;
    exponent = 1 - shift;
  }
  exponent -= 127;
  // The root of an integer of 47 or 48 bits has 24 bits.
  mantissa <<= (exponent & 1) != 0 ? 24 : 23;
  uint64_t root = 0;
  for (uint64_t bit = 0x800000; bit != 0; bit >>= 1) {
    const uint64_t tried = root | bit;
    if (tried * tried <= mantissa) root = tried;
  }
  if (mantissa - root * root > root) ++root;
  const int32_t half = (exponent - (exponent & 1)) / 2;
  return static_cast<float>(root) * float_power(half - 23);
}

// The parameters of the search for a scale and a minimum.
struct AffineSearch {
  size_t count;         // elements
  int32_t most;         // the largest code
  float first;          // added to `most` in the first step; each step adds 0.1 to it
  int32_t last;         // the index of the last step
  bool absolute;        // true: errors are magnitudes; false: squares
  const float *weight;  // of each element
};
struct Affine {
  float scale = 0;
  float minimum = 0;  // negated, so that it is subtracted
};

float error_of(const AffineSearch &search, float error) {
  return search.absolute ? magnitude(error) : error * error;
}

float total_error(const AffineSearch &search, const float *x, const uint8_t *codes, float scale, float minimum) {
  float sum = 0;
  for (size_t i = 0; i < search.count; ++i)
    sum += search.weight[i] * error_of(search, (scale * real(codes[i]) + minimum) - x[i]);
  return sum;
}

// Weighted sums of a least-squares fit.
struct Sums {
  float weight, x;            // of the elements
  float code, code2, code_x;  // of one set of codes
};

// Chooses the codes for the inverse of a scale, and computes their sums.
void choose_codes(Sums &sums, uint8_t *codes, const AffineSearch &search, const float *x, float inverted,
                  float minimum) {
  sums.code = sums.code2 = sums.code_x = 0;
  for (size_t i = 0; i < search.count; ++i) {
    const int32_t code = clamp(nearest(inverted * (x[i] - minimum)), 0, search.most);
    codes[i] = low_byte(code);
    const float weighted = search.weight[i] * real(code);
    sums.code += weighted;
    sums.code2 += weighted * real(code);
    sums.code_x += weighted * x[i];
  }
}

Affine search_affine(const AffineSearch &search, uint8_t *codes, const float *x) {
  float minimum = x[0];
  float maximum = x[0];
  Sums sums{search.weight[0], search.weight[0] * x[0], 0, 0, 0};
  for (size_t i = 1; i < search.count; ++i) {
    if (x[i] < minimum) minimum = x[i];
    if (x[i] > maximum) maximum = x[i];
    sums.weight += search.weight[i];
    sums.x += search.weight[i] * x[i];
  }
  if (minimum > 0) minimum = 0;
  if (maximum == minimum) {
    memset(codes, 0, search.count);
    return {0, -minimum};
  }
  const float steps = real(search.most);
  const float inverted = steps / (maximum - minimum);
  float scale = 1 / inverted;
  for (size_t i = 0; i < search.count; ++i)
    codes[i] = low_byte(clamp(nearest(inverted * (x[i] - minimum)), 0, search.most));
  float best = total_error(search, x, codes, scale, minimum);
  uint8_t tried[32];
  for (int32_t step = 0; step <= search.last; ++step) {
    // Unlike the maximum, the minimum changes during the search.
    const float other = ((search.first + 0.1f * real(step)) + steps) / (maximum - minimum);
    choose_codes(sums, tried, search, x, other, minimum);
    const float divisor = sums.weight * sums.code2 - sums.code * sums.code;
    if (!(divisor > 0)) continue;
    float fitted = (sums.weight * sums.code_x - sums.x * sums.code) / divisor;
    float fitted_minimum = (sums.code2 * sums.x - sums.code * sums.code_x) / divisor;
    if (fitted_minimum > 0) {
      fitted_minimum = 0;
      fitted = sums.code_x / sums.code2;
    }
    const float error = total_error(search, x, tried, fitted, fitted_minimum);
    if (error < best) {
      memcpy(codes, tried, search.count);
      best = error;
      scale = fitted;
      minimum = fitted_minimum;
    }
  }
  return {scale, -minimum};
}

// Packs two-bit codes: byte l of half n gets codes 128 * n + l, + 32, + 64 and + 96, lowest bits first.
void store_two_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    to[i] = low_byte((code[0] & 3) | (code[32] & 3) << 2 | (code[64] & 3) << 4 | (code[96] & 3) << 6);
  }
}

// Computes the codes again with the stored, rounded scale and minimum. If that scale is zero, keeps the codes of the
// search.
void requantize(uint8_t *codes, const float *x, size_t count, float scale, float minimum, int32_t most) {
  if (scale == 0) return;
  for (size_t i = 0; i < count; ++i)
    codes[i] = low_byte(clamp(nearest((x[i] + minimum) / scale), 0, most));
}
// The same without a minimum; `zero` is the code of 0.
void requantize(uint8_t *codes, const float *x, float scale, int32_t zero) {
  if (scale == 0) return;
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(clamp(nearest(x[i] / scale), -zero, zero - 1) + zero);
}

// Returns the largest value, or 0 if none is positive.
float largest_of(const float *values, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (values[i] > largest) largest = values[i];
  }
  return largest;
}

// Packs the scales and minimums of 8 groups, 6 bits each, into 12 bytes.
void store_six_bits(uint8_t *to, const uint8_t *scales, const uint8_t *minimums) {
  for (size_t i = 0; i < 4; ++i) {
    to[i] = low_byte(scales[i] | (scales[i + 4] >> 4) << 6);
    to[i + 4] = low_byte(minimums[i] | (minimums[i + 4] >> 4) << 6);
    to[i + 8] = low_byte((scales[i + 4] & 15) | (minimums[i + 4] & 15) << 4);
  }
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
    const Affine found = search_affine({32, most, first, last, false, weight}, codes + 32 * group, x);
    scales[group] = found.scale;
    minimums[group] = found.minimum;
  }
  const StoredScales stored = store_q4_k_scales(to, scales, minimums);
  for (size_t group = 0; group < 8; ++group)
    requantize(codes + 32 * group, from + 32 * group, 32, stored.scale[group], stored.minimum[group], most);
}

// Packs the low four bits of the codes. Of each 64 elements, the first 32 go to the low nibbles of 32 bytes and the
// others to the high nibbles.
void store_four_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 128; ++i) {
    const uint8_t *code = codes + i / 32 * 64 + i % 32;
    to[i] = low_byte((code[0] & 15) | (code[32] & 15) << 4);
  }
}

// Packs bit `at` of each code: that of code 32 * group + l becomes bit `group` of byte l.
void store_bits(uint8_t *to, const uint8_t *codes, int at) {
  for (size_t l = 0; l < 32; ++l) {
    uint32_t bits = 0;
    for (size_t group = 0; group < 8; ++group)
      bits |= ((static_cast<uint32_t>(codes[32 * group + l]) >> at) & 1) << group;
    to[l] = static_cast<uint8_t>(bits);
  }
}

// The sums of a least-squares fit without a minimum, in which elements are weighted by their squares.
struct Fit {
  float code_x = 0;
  float code2 = 0;

  void add(float x, int32_t code) {
    const float weight = x * x;
    code_x += (weight * x) * real(code);
    code2 += (weight * real(code)) * real(code);
  }
  void remove(float x, int32_t code) {
    const float weight = x * x;
    code_x -= (weight * x) * real(code);
    code2 -= (weight * real(code)) * real(code);
  }
};

// Changes each of 16 codes in turn to the one that best fits the scale of the other codes. Returns true if any code
// changed.
bool improve_codes(Fit &fit, int32_t *codes, const float *x) {
  bool changed = false;
  for (size_t i = 0; i < 16; ++i) {
    Fit without = fit;
    without.remove(x[i], codes[i]);
    if (!(without.code_x > 0)) continue;
    const int32_t code = clamp(nearest((x[i] * without.code2) / without.code_x), -4, 3);
    if (code == codes[i]) continue;
    without.add(x[i], code);
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
    fit.add(x[i], found[i]);
  }
  for (int round = 0; round < 5 && improve_codes(fit, found, x); ++round) {
  }
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(found[i] + 4);
  return fit.code2 > 0 ? fit.code_x / fit.code2 : 0;
}

// Packs 16 scales of 6 bits into 12 bytes: the low four bits of all, then the high two.
void pack_q3_k_scales(uint8_t *to, const int32_t *scales) {
  memset(to, 0, 12);
  for (size_t group = 0; group < 16; ++group) {
    const int32_t low = (scales[group] & 15) << (group < 8 ? 0 : 4);
    const int32_t high = (scales[group] >> 4) << (2 * (group / 4));
    to[group % 8] = low_byte(to[group % 8] | low);
    to[8 + group % 4] = low_byte(to[8 + group % 4] | high);
  }
}

// Rounds 16 elements to codes from -32 to 31 and returns the sums of the fit.
Fit fit_of(const float *x, float inverted) {
  Fit fit;
  for (size_t i = 0; i < 16; ++i)
    fit.add(x[i], clamp(nearest(inverted * x[i]), -32, 31));
  return fit;
}

// Finds 16 codes from 0 to 63, where 32 is zero, and returns their scale.
float search_steps(uint8_t *codes, const float *x) {
  const Largest largest = find_largest(x, 16);
  if (largest.size < kTiny) {
    memset(codes, 0, 16);
    return 0;
  }
  float chosen = -32 / largest.value;
  Fit fit = fit_of(x, chosen);
  float scale = fit.code2 == 0 ? 0 : fit.code_x / fit.code2;
  float best = scale * fit.code_x;
  for (int32_t step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const float inverted = -(32 + 0.1f * real(step)) / largest.value;
    fit = fit_of(x, inverted);
    if (fit.code2 > 0 && fit.code_x * fit.code_x > best * fit.code2) {
      chosen = inverted;
      scale = fit.code_x / fit.code2;
      best = scale * fit.code_x;
    }
  }
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(clamp(nearest(chosen * x[i]), -32, 31) + 32);
  return scale;
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
    const Affine found = search_affine({16, 3, -0.5f, 15, true, weight}, codes + 16 * group, x);
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
    found[group] = search_steps(codes + 16 * group, from + 16 * group);
  StoredScales stored;
  if (!store_q6_k_scales(to, stored, found)) return;
  for (size_t group = 0; group < 16; ++group)
    requantize(codes + 16 * group, from + 16 * group, stored.scale[group], 32);
  store_q6_codes(to, codes);
}

}  // namespace tfile
