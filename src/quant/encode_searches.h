// The searches for scales that ggml makes, in its order of operations: shared by the plain encoders and those with an
// importance matrix.
#pragma once

#include "quant/encode_scalar.h"

namespace tfile {

// Returns the low byte of a rounded number.
inline uint8_t low_byte(int32_t value) {
  return static_cast<uint8_t>(value);
}
inline int8_t signed_byte(int32_t value) {
  return static_cast<int8_t>(value);
}
inline int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}
// Converts a small integer to float32, which is exact.
inline float real(int32_t value) {
  return static_cast<float>(value);
}

// Returns the correctly rounded root of a number that is not negative.
float square_root(float value);

// The parameters of the search for a scale and a minimum.
struct AffineSearch {
  size_t count;         // elements
  int32_t most;         // the largest code
  float first;          // added to `most` in the first step
  float step;           // each step adds it to `first`
  int32_t last;         // the index of the last step
  bool absolute;        // true: errors are magnitudes; false: squares
  const float *weight;  // of each element
};
struct Affine {
  float scale = 0;
  float minimum = 0;  // negated, so that it is subtracted
};

// Finds codes from 0 to search.most, and returns their scale and minimum.
Affine search_affine(const AffineSearch &search, uint8_t *codes, const float *x);

// The weighted sums of a least-squares fit without a minimum.
struct Fit {
  float code_x = 0;
  float code2 = 0;

  void add(float weight, float x, int32_t code) {
    code_x += (weight * x) * real(code);
    code2 += (weight * real(code)) * real(code);
  }
  void remove(float weight, float x, int32_t code) {
    code_x -= (weight * x) * real(code);
    code2 -= (weight * real(code)) * real(code);
  }
};

// Finds `count` codes from 0 to 2 * zero - 1, where `zero` is the code of 0, and returns their scale. If all elements are
// tiny, the codes are 0.
float search_steps(uint8_t *codes, const float *x, const float *weight, size_t count, int32_t zero);

// Returns the scale of 32 elements of IQ4_NL or IQ4_XS, which may be negative.
float search_iq4_scale(const float *x, const float *weight);
// Stores 32 codes of these types in 16 bytes.
void store_iq4_codes(uint8_t *to, const float *x, float inverted);

}  // namespace tfile
