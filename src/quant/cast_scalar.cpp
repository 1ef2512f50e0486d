// The portable kernels of casts between dtypes that are not block types.
#include <cstring>
#include <limits>

#include "quant/cast_kernel.h"
#include "quant/decode_scalar.h"
#include "quant/small_floats.h"

namespace tfile {

namespace {

// The number of elements in one inner loop. Because it is constant and the arrays cannot overlap, compilers vectorize
// the loop without run-time checks; it is too large for them to unroll the loop completely.
constexpr size_t kGroup = 256;

// A CastKernel that applies a step, a type with From, To and apply(From), to each element.
template <typename Step>
void each(void *to, const void *from, size_t count) {
  using From = typename Step::From;
  using To = typename Step::To;
  const char *source = static_cast<const char *>(from);
  char *target = static_cast<char *>(to);
  From in[kGroup] = {};
  To out[kGroup];
  for (size_t i = 0; i < count; i += kGroup) {
    const bool whole = count - i >= kGroup;
    if (whole) {
      memcpy(in, source + i * sizeof(From), sizeof(in));
    } else {
      memcpy(in, source + i * sizeof(From), (count - i) * sizeof(From));
    }
    for (size_t k = 0; k < kGroup; ++k)
      out[k] = Step::apply(in[k]);
    if (whole) {
      memcpy(target + i * sizeof(To), out, sizeof(out));
    } else {
      memcpy(target + i * sizeof(To), out, (count - i) * sizeof(To));
    }
  }
}

template <typename F, typename T>
struct Step {
  using From = F;
  using To = T;
};

// Converts between integers, where narrowing keeps the low bits, and from integers to float32 and float64.
template <typename F, typename T>
struct Convert : Step<F, T> {
  static T apply(F value) { return static_cast<T>(value); }
};

struct Truth : Step<uint8_t, uint8_t> {
  static uint8_t apply(uint8_t value) { return value != 0; }
};

// Converts to bool: true if any bit is set, not counting the sign of a float.
template <typename F>
struct NonZero : Step<F, uint8_t> {
  static uint8_t apply(F value) { return value != 0; }
};
template <typename F>
struct NonZeroFloat : Step<F, uint8_t> {
  static uint8_t apply(F value) { return static_cast<F>(value << 1) != 0; }
};
struct Pair64 {
  uint32_t real, imaginary;
};
struct Pair128 {
  uint64_t real, imaginary;
};
template <typename Pair>
struct NonZeroPair : Step<Pair, uint8_t> {
  static uint8_t apply(Pair value) { return ((value.real | value.imaginary) << 1) != 0; }
};

// Converts from float to integer: truncates, saturates values that are out of range, and turns NaN into 0.
template <typename F, typename T>
struct Saturate : Step<F, T> {
  static T apply(F value) {
    // Powers of two, and therefore exact in both float types.
    constexpr F kAbove = static_cast<F>(std::numeric_limits<T>::max() / 2 + 1) * 2;
    constexpr F kLeast = static_cast<F>(std::numeric_limits<T>::min());
    const bool fits = value >= kLeast && value < kAbove;
    const T inside = static_cast<T>(fits ? value : F{0});
    const T high = value >= kAbove ? std::numeric_limits<T>::max() : inside;
    return value < kLeast ? std::numeric_limits<T>::min() : high;
  }
};

struct FloatToDouble : Step<uint32_t, uint64_t> {
  static uint64_t apply(uint32_t bits) { return double_of_float(bits); }
};
struct DoubleToFloat : Step<uint64_t, uint32_t> {
  static uint32_t apply(uint64_t bits) { return float_of_double(bits); }
};
struct HalfToFloat : Step<uint16_t, uint32_t> {
  static uint32_t apply(uint16_t bits) { return float_of_half(bits); }
};
struct HalfToDouble : Step<uint16_t, uint64_t> {
  static uint64_t apply(uint16_t bits) { return double_of_half(bits); }
};
struct FloatToHalf : Step<uint32_t, uint16_t> {
  static uint16_t apply(uint32_t bits) { return half_of_float(bits); }
};
struct DoubleToHalf : Step<uint64_t, uint16_t> {
  static uint16_t apply(uint64_t bits) { return half_of_double(bits); }
};
struct Bfloat16ToFloat : Step<uint16_t, uint32_t> {
  static uint32_t apply(uint16_t bits) { return float_of_bfloat16(bits); }
};
struct FloatToBfloat16 : Step<uint32_t, uint16_t> {
  static uint16_t apply(uint32_t bits) { return bfloat16_of_float(bits); }
};
// ml_dtypes drops the payload of a NaN here, while NumPy keeps it in casts from float32.
struct Bfloat16ToHalf : Step<uint16_t, uint16_t> {
  static uint16_t apply(uint16_t bits) {
    const uint32_t wide = float_of_bfloat16(bits);
    const uint32_t nan = 0x7e00 | (wide >> 31) << 15;
    return static_cast<uint16_t>((wide & kFloatMagnitude) > kFloatInf ? nan : half_of_float(wide));
  }
};
struct E8m0ToFloat : Step<uint8_t, uint32_t> {
  static uint32_t apply(uint8_t code) { return float_of_e8m0(code); }
};
struct FloatToE8m0 : Step<uint32_t, uint8_t> {
  static uint8_t apply(uint32_t bits) { return e8m0_of_float(bits); }
};
template <typename F>
struct CodeToFloat : Step<uint8_t, uint32_t> {
  static uint32_t apply(uint8_t code) { return float_of_code<F>(code); }
};
template <typename F>
struct FloatToCode : Step<uint32_t, uint8_t> {
  static uint8_t apply(uint32_t bits) { return static_cast<uint8_t>(code_of_float<F>(bits)); }
};
struct FloatToComplex : Step<uint32_t, Pair64> {
  static Pair64 apply(uint32_t bits) { return {bits, 0}; }
};
struct DoubleToComplex : Step<uint64_t, Pair128> {
  static Pair128 apply(uint64_t bits) { return {bits, 0}; }
};

// Unpacks float4: a byte contains two elements, the first in the low nibble.
void float4_to_codes(uint8_t *codes, const uint8_t *packed, size_t count) {
  for (size_t i = 0; i < count / 2; ++i) {
    codes[2 * i] = packed[i] & 15;
    codes[2 * i + 1] = packed[i] >> 4;
  }
}
void codes_to_float4(uint8_t *packed, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count / 2; ++i)
    packed[i] = static_cast<uint8_t>(codes[2 * i] | codes[2 * i + 1] << 4);
}

// Unpacks float6: element i is in the 6 bits that start at bit 6 * i, counted from the lowest bit of the first byte.
void float6_to_codes(uint8_t *codes, const uint8_t *packed, size_t count) {
  for (size_t i = 0; i < count / 4; ++i) {
    const uint8_t *unit = packed + 3 * i;
    const uint32_t bits = unit[0] | uint32_t{unit[1]} << 8 | uint32_t{unit[2]} << 16;
    for (size_t k = 0; k < 4; ++k)
      codes[4 * i + k] = (bits >> (6 * k)) & 63;
  }
}
void codes_to_float6(uint8_t *packed, const uint8_t *codes, size_t count) {
  for (size_t i = 0; i < count / 4; ++i) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 4; ++k)
      bits |= static_cast<uint32_t>(codes[4 * i + k]) << (6 * k);
    for (size_t k = 0; k < 3; ++k)
      packed[3 * i + k] = static_cast<uint8_t>(bits >> (8 * k));
  }
}

using Repack = void (*)(uint8_t *to, const uint8_t *from, size_t count);

template <typename F, Repack unpack>
void packed_to_float(void *to, const void *from, size_t count) {
  uint8_t codes[kGroup];
  for (size_t i = 0; i < count; i += kGroup) {
    const size_t some = count - i < kGroup ? count - i : kGroup;
    unpack(codes, static_cast<const uint8_t *>(from) + i * F::kBits / 8, some);
    each<CodeToFloat<F>>(static_cast<char *>(to) + i * sizeof(float), codes, some);
  }
}
template <typename F, Repack pack>
void float_to_packed(void *to, const void *from, size_t count) {
  uint8_t codes[kGroup];
  for (size_t i = 0; i < count; i += kGroup) {
    const size_t some = count - i < kGroup ? count - i : kGroup;
    each<FloatToCode<F>>(codes, static_cast<const char *>(from) + i * sizeof(float), some);
    pack(static_cast<uint8_t *>(to) + i * F::kBits / 8, codes, some);
  }
}

// Converts real and imaginary parts as separate elements.
template <CastKernel kernel>
void each_part(void *to, const void *from, size_t count) {
  kernel(to, from, 2 * count);
}

template <typename T>
CastKernel from_integer(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZero<T>>;
    case TF_DTYPE_INT8:
    case TF_DTYPE_UINT8:
      return each<Convert<T, uint8_t>>;
    case TF_DTYPE_INT16:
    case TF_DTYPE_UINT16:
      return each<Convert<T, uint16_t>>;
    case TF_DTYPE_INT32:
    case TF_DTYPE_UINT32:
      return each<Convert<T, uint32_t>>;
    case TF_DTYPE_INT64:
    case TF_DTYPE_UINT64:
      return each<Convert<T, uint64_t>>;
    case TF_DTYPE_FLOAT32:
      return each<Convert<T, float>>;
    case TF_DTYPE_FLOAT64:
      return each<Convert<T, double>>;
    default:
      return nullptr;
  }
}

template <typename F>
CastKernel float_to_integer(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_INT8:
      return each<Saturate<F, int8_t>>;
    case TF_DTYPE_INT16:
      return each<Saturate<F, int16_t>>;
    case TF_DTYPE_INT32:
      return each<Saturate<F, int32_t>>;
    case TF_DTYPE_INT64:
      return each<Saturate<F, int64_t>>;
    case TF_DTYPE_UINT8:
      return each<Saturate<F, uint8_t>>;
    case TF_DTYPE_UINT16:
      return each<Saturate<F, uint16_t>>;
    case TF_DTYPE_UINT32:
      return each<Saturate<F, uint32_t>>;
    case TF_DTYPE_UINT64:
      return each<Saturate<F, uint64_t>>;
    default:
      return nullptr;
  }
}

CastKernel from_float(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint32_t>>;
    case TF_DTYPE_FLOAT16:
      return each<FloatToHalf>;
    case TF_DTYPE_BFLOAT16:
      return each<FloatToBfloat16>;
    case TF_DTYPE_FLOAT64:
      return each<FloatToDouble>;
    case TF_DTYPE_COMPLEX64:
      return each<FloatToComplex>;
    case TF_DTYPE_FLOAT8_E4M3FN:
      return each<FloatToCode<Float8E4m3fn>>;
    case TF_DTYPE_FLOAT8_E5M2:
      return each<FloatToCode<Float8E5m2>>;
    case TF_DTYPE_FLOAT8_E4M3FNUZ:
      return each<FloatToCode<Float8E4m3fnuz>>;
    case TF_DTYPE_FLOAT8_E5M2FNUZ:
      return each<FloatToCode<Float8E5m2fnuz>>;
    case TF_DTYPE_FLOAT8_E8M0FNU:
      return each<FloatToE8m0>;
    case TF_DTYPE_FLOAT6_E2M3FN:
      return float_to_packed<Float6E2m3fn, codes_to_float6>;
    case TF_DTYPE_FLOAT6_E3M2FN:
      return float_to_packed<Float6E3m2fn, codes_to_float6>;
    case TF_DTYPE_FLOAT4_E2M1FN:
      return float_to_packed<Float4E2m1fn, codes_to_float4>;
    default:
      return float_to_integer<float>(to);
  }
}

CastKernel from_double(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint64_t>>;
    case TF_DTYPE_FLOAT16:
      return each<DoubleToHalf>;
    case TF_DTYPE_FLOAT32:
      return each<DoubleToFloat>;
    case TF_DTYPE_COMPLEX128:
      return each<DoubleToComplex>;
    default:
      return float_to_integer<double>(to);
  }
}

CastKernel from_half(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint16_t>>;
    case TF_DTYPE_FLOAT32:
      return each<HalfToFloat>;
    case TF_DTYPE_FLOAT64:
      return each<HalfToDouble>;
    default:
      return nullptr;
  }
}

CastKernel from_bfloat16(tf_dtype to) {
  switch (to) {
    case TF_DTYPE_BOOL:
      return each<NonZeroFloat<uint16_t>>;
    case TF_DTYPE_FLOAT16:
      return each<Bfloat16ToHalf>;
    case TF_DTYPE_FLOAT32:
      return each<Bfloat16ToFloat>;
    default:
      return nullptr;
  }
}

CastKernel from_complex64(tf_dtype to) {
  if (to == TF_DTYPE_BOOL) return each<NonZeroPair<Pair64>>;
  return to == TF_DTYPE_COMPLEX128 ? each_part<each<FloatToDouble>> : nullptr;
}

CastKernel from_complex128(tf_dtype to) {
  if (to == TF_DTYPE_BOOL) return each<NonZeroPair<Pair128>>;
  return to == TF_DTYPE_COMPLEX64 ? each_part<each<DoubleToFloat>> : nullptr;
}

// Returns the kernel from a small float or a block type to float32, the only dtype that they are converted to directly.
CastKernel from_code(tf_dtype from) {
  switch (from) {
    case TF_DTYPE_FLOAT8_E4M3FN:
      return each<CodeToFloat<Float8E4m3fn>>;
    case TF_DTYPE_FLOAT8_E5M2:
      return each<CodeToFloat<Float8E5m2>>;
    case TF_DTYPE_FLOAT8_E4M3FNUZ:
      return each<CodeToFloat<Float8E4m3fnuz>>;
    case TF_DTYPE_FLOAT8_E5M2FNUZ:
      return each<CodeToFloat<Float8E5m2fnuz>>;
    case TF_DTYPE_FLOAT8_E8M0FNU:
      return each<E8m0ToFloat>;
    case TF_DTYPE_FLOAT6_E2M3FN:
      return packed_to_float<Float6E2m3fn, float6_to_codes>;
    case TF_DTYPE_FLOAT6_E3M2FN:
      return packed_to_float<Float6E3m2fn, float6_to_codes>;
    case TF_DTYPE_FLOAT4_E2M1FN:
      return packed_to_float<Float4E2m1fn, float4_to_codes>;
    default:
      return find_scalar_decoder(from);
  }
}

}  // namespace

CastKernel find_scalar_kernel(tf_dtype from, tf_dtype to) {
  switch (from) {
    case TF_DTYPE_BOOL:
      return to == TF_DTYPE_UINT8 ? each<Truth> : nullptr;
    case TF_DTYPE_INT8:
      return from_integer<int8_t>(to);
    case TF_DTYPE_INT16:
      return from_integer<int16_t>(to);
    case TF_DTYPE_INT32:
      return from_integer<int32_t>(to);
    case TF_DTYPE_INT64:
      return from_integer<int64_t>(to);
    case TF_DTYPE_UINT8:
      return from_integer<uint8_t>(to);
    case TF_DTYPE_UINT16:
      return from_integer<uint16_t>(to);
    case TF_DTYPE_UINT32:
      return from_integer<uint32_t>(to);
    case TF_DTYPE_UINT64:
      return from_integer<uint64_t>(to);
    case TF_DTYPE_FLOAT16:
      return from_half(to);
    case TF_DTYPE_BFLOAT16:
      return from_bfloat16(to);
    case TF_DTYPE_FLOAT32:
      return from_float(to);
    case TF_DTYPE_FLOAT64:
      return from_double(to);
    case TF_DTYPE_COMPLEX64:
      return from_complex64(to);
    case TF_DTYPE_COMPLEX128:
      return from_complex128(to);
    default:
      return to == TF_DTYPE_FLOAT32 ? from_code(from) : nullptr;
  }
}

}  // namespace tfile
