// Q2_K to Q6_K: scales are searched for. The searches and their order of operations are ggml's.
#include "quant/encode_steps.h"
#include "tensorfile.h"

namespace tfile {

namespace {

// Bytes of the integers that rounding gives: the low ones.
uint8_t low_byte(int32_t value) {
  return static_cast<uint8_t>(value);
}
int8_t signed_byte(int32_t value) {
  return static_cast<int8_t>(value);
}
int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}
// As a count of steps; exact.
float real(int32_t value) {
  return static_cast<float>(value);
}

// Correctly rounded, for numbers that are not negative; computed here, because the compiler's own wants libm beside it.
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
  // The root of a number of 47 or 48 bits has 24.
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

// What the search for a scale and a minimum is told.
struct AffineSearch {
  size_t count;         // elements
  int32_t most;         // the largest code
  float first;          // of the steps that the scale is tried at
  int32_t last;         // number of the last step
  bool absolute;        // whether errors count as magnitudes, else as squares
  const float *weight;  // of each element
};
struct Affine {
  float scale = 0;
  float minimum = 0;  // negated: what is subtracted
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

// The sums of a least-squares fit.
struct Sums {
  float weight, x;            // of the elements
  float code, code2, code_x;  // of one choice of codes
};

// The choice of codes for a scale's inverse, and its sums.
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
    // The minimum moves during the search, the maximum does not.
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

// Elements of one code per byte to bits: byte l of group n has codes 128n + l, + 32, + 64, + 96 in two bits each.
void put_two_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    to[i] = low_byte((code[0] & 3) | (code[32] & 3) << 2 | (code[64] & 3) << 4 | (code[96] & 3) << 6);
  }
}

// Codes once more, for a scale and minimum as they are stored. With a scale of zero the search's codes stay.
void requantise(uint8_t *codes, const float *x, size_t count, float scale, float minimum, int32_t most) {
  if (scale == 0) return;
  for (size_t i = 0; i < count; ++i)
    codes[i] = low_byte(clamp(nearest((x[i] + minimum) / scale), 0, most));
}
// The same without a minimum; zero is the code of 0.
void requantise(uint8_t *codes, const float *x, float scale, int32_t zero) {
  if (scale == 0) return;
  for (size_t i = 0; i < 16; ++i)
    codes[i] = low_byte(clamp(nearest(x[i] / scale), -zero, zero - 1) + zero);
}

void encode_q2_k(uint8_t *to, const float *from) {
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
  const StoredSteps stored = put_small_steps(to, scales, minimums);
  for (size_t group = 0; group < 16; ++group)
    requantise(codes + 16 * group, from + 16 * group, 16, stored.scale[group], stored.minimum[group], 3);
  put_two_bits(to + 16, codes);
}

// The largest of several, at least 0.
float largest_of(const float *values, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) {
    if (values[i] > largest) largest = values[i];
  }
  return largest;
}

// The scales and minimums of 8 groups, 6 bits each, in 12 bytes.
void put_six_bits(uint8_t *to, const uint8_t *scales, const uint8_t *minimums) {
  for (size_t i = 0; i < 4; ++i) {
    to[i] = low_byte(scales[i] | (scales[i + 4] >> 4) << 6);
    to[i + 4] = low_byte(minimums[i] | (minimums[i + 4] >> 4) << 6);
    to[i + 8] = low_byte((scales[i + 4] & 15) | (minimums[i + 4] & 15) << 4);
  }
}

// Q4_K and Q5_K up to the codes: writes the two float16 and the scales.
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
  const StoredSteps stored = put_group_steps(to, scales, minimums);
  for (size_t group = 0; group < 8; ++group)
    requantise(codes + 32 * group, from + 32 * group, 32, stored.scale[group], stored.minimum[group], most);
}

// Low four bits of the codes: of 64 elements the first 32 in the low halves of 32 bytes.
void put_four_bits(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 128; ++i) {
    const uint8_t *code = codes + i / 32 * 64 + i % 32;
    to[i] = low_byte((code[0] & 15) | (code[32] & 15) << 4);
  }
}

void encode_q4_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  encode_groups(to, codes, from, 15, -1, 20);
  put_four_bits(to + 16, codes);
}

// Bit `group` of byte l: bit `at` of code 32 * group + l.
void put_bits(uint8_t *to, const uint8_t *codes, int at) {
  for (size_t l = 0; l < 32; ++l) {
    uint32_t bits = 0;
    for (size_t group = 0; group < 8; ++group)
      bits |= ((static_cast<uint32_t>(codes[32 * group + l]) >> at) & 1) << group;
    to[l] = static_cast<uint8_t>(bits);
  }
}

void encode_q5_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  encode_groups(to, codes, from, 31, -0.5f, 15);
  put_bits(to + 16, codes, 4);
  put_four_bits(to + 48, codes);
}

// The sums of a fit without a minimum, in which elements weigh as their squares.
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

// One round of moving each of 16 codes to where the others would have it; whether any moved.
bool improve_codes(Fit &fit, int32_t *codes, const float *x) {
  bool moved = false;
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
      moved = true;
    }
  }
  return moved;
}

// 16 codes of 0 to 7 around 4, and their scale.
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

// 16 scales of 6 bits in 12 bytes: the low four bits, then the high two.
void put_scales(uint8_t *to, const int32_t *scales) {
  memset(to, 0, 12);
  for (size_t group = 0; group < 16; ++group) {
    const int32_t low = (scales[group] & 15) << (group < 8 ? 0 : 4);
    const int32_t high = (scales[group] >> 4) << (2 * (group / 4));
    to[group % 8] = low_byte(to[group % 8] | low);
    to[8 + group % 4] = low_byte(to[8 + group % 4] | high);
  }
}

void encode_q3_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float found[16];
  for (size_t group = 0; group < 16; ++group)
    found[group] = search_improving(codes + 16 * group, from + 16 * group);
  const StoredSteps stored = put_six_bit_steps(to, found);
  for (size_t group = 0; group < 16; ++group)
    requantise(codes + 16 * group, from + 16 * group, stored.scale[group], 4);
  put_bits(to, codes, 2);
  put_two_bits(to + 32, codes);
}

// The fit of 16 elements to codes of -32 to 31.
Fit fit_of(const float *x, float inverted) {
  Fit fit;
  for (size_t i = 0; i < 16; ++i)
    fit.add(x[i], clamp(nearest(inverted * x[i]), -32, 31));
  return fit;
}

// 16 codes of 0 to 63 around 32, and their scale.
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

void put_q6_codes(uint8_t *to, const uint8_t *codes) {
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    uint8_t *low = to + i / 32 * 64 + i % 32;
    low[0] = low_byte((code[0] & 15) | (code[64] & 15) << 4);
    low[32] = low_byte((code[32] & 15) | (code[96] & 15) << 4);
    to[128 + i] = low_byte(code[0] >> 4 | (code[32] >> 4) << 2 | (code[64] >> 4) << 4 | (code[96] >> 4) << 6);
  }
}

void encode_q6_k(uint8_t *to, const float *from) {
  uint8_t codes[kKBlock];
  float found[16];
  for (size_t group = 0; group < 16; ++group)
    found[group] = search_steps(codes + 16 * group, from + 16 * group);
  StoredSteps stored;
  if (!put_byte_steps(to, stored, found)) return;
  for (size_t group = 0; group < 16; ++group)
    requantise(codes + 16 * group, from + 16 * group, stored.scale[group], 32);
  put_q6_codes(to, codes);
}

}  // namespace

StoredSteps put_small_steps(uint8_t *to, const float *scales, const float *minimums) {
  const float scale = largest_of(scales, 16);
  const float minimum = largest_of(minimums, 16);
  const float stored = put_half(to + 80, scale > 0 ? scale / 15 : 0);
  const float stored_minimum = put_half(to + 82, minimum > 0 ? minimum / 15 : 0);
  const float steps = scale > 0 ? 15 / scale : 0;
  const float minimum_steps = minimum > 0 ? 15 / minimum : 0;
  StoredSteps result;
  for (size_t group = 0; group < 16; ++group) {
    const int32_t low = scale > 0 ? nearest(steps * scales[group]) : 0;
    const int32_t high = minimum > 0 ? nearest(minimum_steps * minimums[group]) : 0;
    to[group] = low_byte(low_byte(low) | low_byte(high * 16));
    result.scale[group] = stored * real(to[group] & 15);
    result.minimum[group] = stored_minimum * real(to[group] >> 4);
  }
  return result;
}

StoredSteps put_group_steps(uint8_t *to, const float *scales, const float *minimums) {
  const float scale = largest_of(scales, 8);
  const float minimum = largest_of(minimums, 8);
  const float steps = scale > 0 ? 63 / scale : 0;
  const float minimum_steps = minimum > 0 ? 63 / minimum : 0;
  const float stored = put_half(to, scale / 63);
  const float stored_minimum = put_half(to + 2, minimum / 63);
  uint8_t scale_codes[8];
  uint8_t minimum_codes[8];
  StoredSteps result;
  for (size_t group = 0; group < 8; ++group) {
    // Cut to a byte before the limit: -1 counts as 255.
    scale_codes[group] = low_byte(smaller(63, low_byte(nearest(steps * scales[group]))));
    minimum_codes[group] = low_byte(smaller(63, low_byte(nearest(minimum_steps * minimums[group]))));
    result.scale[group] = stored * real(scale_codes[group]);
    result.minimum[group] = stored_minimum * real(minimum_codes[group]);
  }
  put_six_bits(to + 4, scale_codes, minimum_codes);
  return result;
}

StoredSteps put_six_bit_steps(uint8_t *to, const float *scales) {
  const float largest = find_largest(scales, 16).value;
  int32_t codes[16] = {};
  float stored = 0;
  if (largest == 0) {
    put_half(to + 108, 0);
  } else {
    const float steps = -32 / largest;
    for (size_t group = 0; group < 16; ++group)
      codes[group] = clamp(signed_byte(nearest(steps * scales[group])), -32, 31) + 32;
    stored = put_half(to + 108, 1 / steps);
  }
  put_scales(to + 96, codes);
  StoredSteps result;
  for (size_t group = 0; group < 16; ++group)
    result.scale[group] = stored * real(codes[group] - 32);
  return result;
}

bool put_byte_steps(uint8_t *to, StoredSteps &stored, const float *scales) {
  const Largest largest = find_largest(scales, 16);
  if (largest.size < kTiny) {
    memset(to, 0, 210);
    return false;
  }
  const float steps = -128 / largest.value;
  const float unit = put_half(to + 208, 1 / steps);
  for (size_t group = 0; group < 16; ++group) {
    const int8_t scale = signed_byte(smaller(127, nearest(steps * scales[group])));
    to[192 + group] = static_cast<uint8_t>(scale);
    stored.scale[group] = unit * real(scale);
  }
  return true;
}

BlockEncoder find_k_encoder(int32_t dtype) {
  switch (dtype) {
    case TF_DTYPE_Q2_K:
      return encode_q2_k;
    case TF_DTYPE_Q3_K:
      return encode_q3_k;
    case TF_DTYPE_Q4_K:
      return encode_q4_k;
    case TF_DTYPE_Q5_K:
      return encode_q5_k;
    case TF_DTYPE_Q6_K:
      return encode_q6_k;
    default:
      return nullptr;
  }
}

}  // namespace tfile
