// Converts between float32 and the float types of at most 16 bits, with the same bits as NumPy and ml_dtypes. Nothing
// here branches on a value, so loops vectorize. Nothing computes with subnormal numbers, so the results are the same in
// a thread that flushes them to zero.
#pragma once

#include <cstdint>

namespace tfile {

inline constexpr uint32_t kFloatInf = 0x7f800000;
inline constexpr uint32_t kFloatNan = 0x7fc00000;
inline constexpr uint32_t kFloatMagnitude = 0x7fffffff;

// std::bit_cast is missing from the standard libraries of some compilers that have the built-in function.
constexpr uint32_t float_bits(float value) {
  return __builtin_bit_cast(uint32_t, value);
}
constexpr float float_of(uint32_t bits) {
  return __builtin_bit_cast(float, bits);
}
constexpr uint64_t double_bits(double value) {
  return __builtin_bit_cast(uint64_t, value);
}
constexpr double double_of(uint64_t bits) {
  return __builtin_bit_cast(double, bits);
}
// Returns 2 to the power of an exponent; the result must be a normal number.
constexpr float float_power(int exponent) {
  return float_of(static_cast<uint32_t>(exponent + 127) << 23);
}
constexpr double double_power(int exponent) {
  return double_of(static_cast<uint64_t>(exponent + 1023) << 52);
}

// Each type has a sign, then an exponent with bias kBias, then kMantissa bits. Codes here do not include the sign bit
// unless a comment says so.
struct Float8E4m3fn {
  static constexpr int kBits = 8, kMantissa = 3, kBias = 7;
  static constexpr uint32_t kLargest = 0x7e;   // the largest finite number
  static constexpr uint32_t kOverflow = 0x7f;  // the code of larger numbers and of infinity
  static constexpr uint32_t kNan = 0x7f;       // the code of NaN
  static constexpr bool kHasInf = false;
};
struct Float8E5m2 {
  static constexpr int kBits = 8, kMantissa = 2, kBias = 15;
  static constexpr uint32_t kLargest = 0x7b;
  static constexpr uint32_t kOverflow = 0x7c;
  static constexpr uint32_t kNan = 0x7e;
  static constexpr bool kHasInf = true;
};
// In a fnuz type, NaN has the code that would be -0.
struct Float8E4m3fnuz {
  static constexpr int kBits = 8, kMantissa = 3, kBias = 8;
  static constexpr uint32_t kLargest = 0x7f;
  static constexpr uint32_t kOverflow = 0x80;
  static constexpr uint32_t kNan = 0x80;
  static constexpr bool kHasInf = false;
};
struct Float8E5m2fnuz {
  static constexpr int kBits = 8, kMantissa = 2, kBias = 16;
  static constexpr uint32_t kLargest = 0x7f;
  static constexpr uint32_t kOverflow = 0x80;
  static constexpr uint32_t kNan = 0x80;
  static constexpr bool kHasInf = false;
};
// These have no NaN: ml_dtypes converts NaN to a zero of the opposite sign.
struct Float6E2m3fn {
  static constexpr int kBits = 6, kMantissa = 3, kBias = 1;
  static constexpr uint32_t kLargest = 0x1f;
  static constexpr uint32_t kOverflow = 0x1f;
  static constexpr uint32_t kNan = 0;
  static constexpr bool kHasInf = false;
};
struct Float6E3m2fn {
  static constexpr int kBits = 6, kMantissa = 2, kBias = 3;
  static constexpr uint32_t kLargest = 0x1f;
  static constexpr uint32_t kOverflow = 0x1f;
  static constexpr uint32_t kNan = 0;
  static constexpr bool kHasInf = false;
};
struct Float4E2m1fn {
  static constexpr int kBits = 4, kMantissa = 1, kBias = 1;
  static constexpr uint32_t kLargest = 0x7;
  static constexpr uint32_t kOverflow = 0x7;
  static constexpr uint32_t kNan = 0;
  static constexpr bool kHasInf = false;
};
struct Float16 {
  static constexpr int kBits = 16, kMantissa = 10, kBias = 15;
  static constexpr uint32_t kLargest = 0x7bff;
  static constexpr uint32_t kOverflow = 0x7c00;
  static constexpr bool kHasInf = true;
};

// Returns the code of a float32 without sign that is finite or infinite.
template <typename F>
constexpr uint32_t round_magnitude(uint32_t bits) {
  constexpr int kShift = 23 - F::kMantissa;
  constexpr uint32_t kRebias = static_cast<uint32_t>(127 - F::kBias) << 23;
  // The lowest bit of a sum with this number has the value of the smallest subnormal number of F.
  constexpr float kAligner = float_power(24 - F::kBias - F::kMantissa);
  const uint32_t normal = (bits - kRebias + ((1u << (kShift - 1)) - 1) + ((bits >> kShift) & 1)) >> kShift;
  const uint32_t subnormal = float_bits(float_of(bits) + kAligner) - float_bits(kAligner);
  const uint32_t code = bits < kRebias + (1u << 23) ? subnormal : normal;
  return code > F::kLargest ? F::kOverflow : code;
}

// Returns the code of a float32, including the sign.
template <typename F>
constexpr uint32_t code_of_float(uint32_t bits) {
  constexpr int kSignAt = F::kBits - 1;
  constexpr bool kSignedZero = F::kNan != 1u << kSignAt;
  constexpr uint32_t kNanFlip = F::kNan == 0 ? 1u << kSignAt : 0;
  const uint32_t magnitude = bits & kFloatMagnitude;
  const uint32_t sign = (bits >> 31) << kSignAt;
  const uint32_t code = round_magnitude<F>(magnitude);
  const uint32_t with_sign = kSignedZero || code != 0 ? code | sign : 0;
  return magnitude > kFloatInf ? F::kNan | (sign ^ kNanFlip) : with_sign;
}

// Returns the bits of the float32 for the code, without sign, of a finite number.
template <typename F>
constexpr uint32_t widen_magnitude(uint32_t code) {
  constexpr uint32_t kRebias = static_cast<uint32_t>(127 - F::kBias) << 23;
  constexpr float kSmallest = float_power(1 - F::kBias - F::kMantissa);
  const uint32_t normal = (code << (23 - F::kMantissa)) + kRebias;
  const uint32_t subnormal = float_bits(static_cast<float>(static_cast<int32_t>(code)) * kSmallest);
  return code < 1u << F::kMantissa ? subnormal : normal;
}

// Returns the bits of the float32 for a code with its sign. NaN is quiet and has no payload.
template <typename F>
constexpr uint32_t float_of_code(uint32_t code) {
  constexpr int kSignAt = F::kBits - 1;
  const uint32_t magnitude = code & ((1u << kSignAt) - 1);
  const uint32_t sign = (code >> kSignAt) << 31;
  uint32_t bits = widen_magnitude<F>(magnitude);
  if constexpr (F::kHasInf) {
    bits = magnitude > F::kOverflow ? kFloatNan : magnitude == F::kOverflow ? kFloatInf : bits;
  } else if constexpr (F::kNan == 1u << kSignAt) {
    bits = code == F::kNan ? kFloatNan : bits;
  } else if constexpr (F::kNan != 0) {
    bits = magnitude == F::kNan ? kFloatNan : bits;
  }
  return bits | sign;
}

// A NaN keeps the high bits of its payload, as in NumPy; if they are all zero, the payload becomes 1.
constexpr uint16_t half_of_float(uint32_t bits) {
  const uint32_t magnitude = bits & kFloatMagnitude;
  const uint32_t payload = (magnitude >> 13) & 0x3ff;
  const uint32_t nan = 0x7c00 | (payload == 0 ? 1 : payload);
  const uint32_t code = magnitude > kFloatInf ? nan : round_magnitude<Float16>(magnitude);
  return static_cast<uint16_t>(code | (bits >> 31) << 15);
}
constexpr uint32_t float_of_half(uint16_t half) {
  const uint32_t magnitude = half & 0x7fffu;
  const uint32_t bits = magnitude >= 0x7c00 ? kFloatInf | magnitude << 13 : widen_magnitude<Float16>(magnitude);
  return bits | (half & 0x8000u) << 16;
}

// Converts directly, because going through float32 would round twice.
constexpr uint16_t half_of_double(uint64_t bits) {
  constexpr uint64_t kRebias = uint64_t{1023 - 15} << 52;
  constexpr double kAligner = double_power(28);
  const uint64_t magnitude = bits & INT64_MAX;
  const uint64_t normal = (magnitude - kRebias + ((uint64_t{1} << 41) - 1) + ((magnitude >> 42) & 1)) >> 42;
  const uint64_t subnormal = double_bits(double_of(magnitude) + kAligner) - double_bits(kAligner);
  uint64_t code = magnitude < kRebias + (uint64_t{1} << 52) ? subnormal : normal;
  code = code > 0x7bff ? 0x7c00 : code;
  const uint64_t payload = (magnitude >> 42) & 0x3ff;
  const uint64_t nan = 0x7c00 | (payload == 0 ? 1 : payload);
  code = magnitude > uint64_t{0x7ff} << 52 ? nan : code;
  return static_cast<uint16_t>(code | (bits >> 63) << 15);
}
constexpr uint64_t double_of_half(uint16_t half) {
  const uint64_t magnitude = half & 0x7fffu;
  const uint64_t special = magnitude >= 0x7c00 ? uint64_t{1023 - 15} << 52 : 0;
  const uint64_t normal = (magnitude << 42) + (uint64_t{1023 - 15} << 52) + special;
  const uint64_t subnormal = double_bits(static_cast<double>(static_cast<int32_t>(magnitude)) * double_power(-24));
  return (magnitude < 0x400 ? subnormal : normal) | (half & uint64_t{0x8000}) << 48;
}

constexpr uint16_t bfloat16_of_float(uint32_t bits) {
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const uint32_t nan = 0x7fc0 | (bits >> 31) << 15;
  return static_cast<uint16_t>((bits & kFloatMagnitude) > kFloatInf ? nan : rounded);
}
constexpr uint32_t float_of_bfloat16(uint16_t bits) {
  return uint32_t{bits} << 16;
}

// float8_e8m0fnu: 2 to the power of code - 127, and 255 for NaN. Zero, negative numbers and numbers that are too large
// become NaN. Ties go up. As in ml_dtypes, positive numbers below the smallest one become that one, and all numbers
// between it and the next become the next.
constexpr uint8_t e8m0_of_float(uint32_t bits) {
  const uint32_t subnormal = bits > 0x400000 ? 1 : 0;
  const uint32_t normal = (bits + 0x400000) >> 23;
  const uint32_t code = bits < 0x800000 ? subnormal : normal;
  return static_cast<uint8_t>(bits - 1 >= kFloatInf - 1 ? 0xff : code);
}
constexpr uint32_t float_of_e8m0(uint8_t code) {
  const uint32_t number = code == 0 ? 0x400000 : uint32_t{code} << 23;
  return code == 0xff ? kFloatNan : number;
}

// Converts so that a signalling NaN becomes quiet and keeps its payload, which conversion instructions do not do on
// every processor.
constexpr uint64_t double_of_float(uint32_t bits) {
  const uint32_t magnitude = bits & kFloatMagnitude;
  const uint64_t rebias = uint64_t{1023 - 127} << 52;
  uint64_t wide = (uint64_t{magnitude} << 29) + rebias + (magnitude >= kFloatInf ? rebias : 0);
  wide |= magnitude > kFloatInf ? uint64_t{1} << 51 : 0;
  const uint64_t subnormal = double_bits(static_cast<double>(static_cast<int32_t>(magnitude)) * double_power(-149));
  return (magnitude < 0x800000 ? subnormal : wide) | (bits & uint64_t{0x80000000}) << 32;
}
inline uint32_t float_of_double(uint64_t bits) {
  constexpr double kAligner = double_power(-149 + 52);
  const uint64_t magnitude = bits & INT64_MAX;
  const uint32_t nan = kFloatNan | (static_cast<uint32_t>(magnitude >> 29) & 0x7fffff);
  const uint64_t subnormal = double_bits(double_of(magnitude) + kAligner) - double_bits(kAligner);
  const uint32_t normal = float_bits(static_cast<float>(double_of(magnitude)));
  uint32_t narrow = magnitude < uint64_t{1023 - 126} << 52 ? static_cast<uint32_t>(subnormal) : normal;
  narrow = magnitude > uint64_t{0x7ff} << 52 ? nan : narrow;
  return narrow | static_cast<uint32_t>(bits >> 63) << 31;
}

}  // namespace tfile
