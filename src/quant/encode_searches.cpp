#include "quant/encode_searches.h"

namespace tfile {

namespace {

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

// Rounds the elements to codes from -zero to zero - 1 and returns the sums of the fit.
Fit fit_of(const float *x, const float *weight, size_t count, int32_t zero, float inverted) {
  Fit fit;
  for (size_t i = 0; i < count; ++i)
    fit.add(weight[i], x[i], clamp(nearest(inverted * x[i]), -zero, zero - 1));
  return fit;
}

}  // namespace

// __builtin_sqrtf would make the library need libm.
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
    const float other = ((search.first + search.step * real(step)) + steps) / (maximum - minimum);
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

float search_steps(uint8_t *codes, const float *x, const float *weight, size_t count, int32_t zero) {
  const Largest largest = find_largest(x, count);
  if (largest.size < kTiny) {
    memset(codes, 0, count);
    return 0;
  }
  float chosen = -real(zero) / largest.value;
  Fit fit = fit_of(x, weight, count, zero, chosen);
  float scale = fit.code2 == 0 ? 0 : fit.code_x / fit.code2;
  float best = scale * fit.code_x;
  for (int32_t step = -9; step <= 9; ++step) {
    if (step == 0) continue;
    const float inverted = -(real(zero) + 0.1f * real(step)) / largest.value;
    fit = fit_of(x, weight, count, zero, inverted);
    if (fit.code2 > 0 && fit.code_x * fit.code_x > best * fit.code2) {
      chosen = inverted;
      scale = fit.code_x / fit.code2;
      best = scale * fit.code_x;
    }
  }
  for (size_t i = 0; i < count; ++i)
    codes[i] = low_byte(clamp(nearest(chosen * x[i]), -zero, zero - 1) + zero);
  return scale;
}

}  // namespace tfile
