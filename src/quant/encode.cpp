#include "quant/encode.h"

#include "base/error.h"
#include "quant/encode_steps.h"
#include "quant/encode_wide.h"

namespace tfile {

namespace {

float inverse(float value) {
  return value == 0 ? 0 : 1 / value;
}

// Truncates to 0 ... most. A scale so small that its inverse is infinite gives infinities and NaN here, and they 0.
uint8_t truncate(float value, int32_t most) {
  const float inside = value >= 0 && value < 256 ? value : 0;
  return static_cast<uint8_t>(clamp(static_cast<int32_t>(inside), 0, most));
}

// 32 codes of 4 bits: the first half of the elements in the low halves of the bytes.
void put_nibbles(uint8_t *to, const uint8_t *codes, size_t half) {
  for (size_t i = 0; i < half; ++i)
    to[i] = static_cast<uint8_t>((codes[i] & 15) | codes[i + half] << 4);
}

// The fifth bits of 32 codes.
void put_fifth_bits(uint8_t *to, const uint8_t *codes) {
  uint32_t bits = 0;
  for (size_t i = 0; i < 32; ++i)
    bits |= static_cast<uint32_t>(codes[i] >> 4) << i;
  store_le<uint32_t>(to, bits);
}

// Q4_0, Q5_0: the element of the largest magnitude becomes code 0, the lowest. Of zeros only, the first gives the scale
// its sign, as in gguf-py.
float symmetric_codes(uint8_t *codes, const float *from, int32_t zero) {
  const Largest largest = find_largest(from, 32);
  const float scale = (largest.size > 0 ? largest.value : from[0]) / static_cast<float>(-zero);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 32; ++i)
    codes[i] = truncate(from[i] * inverted + (static_cast<float>(zero) + 0.5f), 2 * zero - 1);
  return scale;
}

void encode_q4_0(uint8_t *to, const float *from) {
  uint8_t codes[32];
  put_half(to, symmetric_codes(codes, from, 8));
  put_nibbles(to + 2, codes, 16);
}

void encode_q5_0(uint8_t *to, const float *from) {
  uint8_t codes[32];
  put_half(to, symmetric_codes(codes, from, 16));
  put_fifth_bits(to + 2, codes);
  put_nibbles(to + 6, codes, 16);
}

// Q4_1, Q5_1: from the minimum, code 0, to the maximum; writes both float16 fields. Of zeros of both signs the last
// counts, as in gguf-py.
void affine_codes(uint8_t *to, uint8_t *codes, const float *from, int32_t most) {
  float least = from[0];
  float largest = from[0];
  for (size_t i = 1; i < 32; ++i) {
    if (from[i] <= least) least = from[i];
    if (from[i] >= largest) largest = from[i];
  }
  const float scale = (largest - least) / static_cast<float>(most);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 32; ++i)
    codes[i] = truncate((from[i] - least) * inverted + 0.5f, most);
  put_half(to, scale);
  put_half(to + 2, least);
}

void encode_q4_1(uint8_t *to, const float *from) {
  uint8_t codes[32];
  affine_codes(to, codes, from, 15);
  put_nibbles(to + 4, codes, 16);
}

void encode_q5_1(uint8_t *to, const float *from) {
  uint8_t codes[32];
  affine_codes(to, codes, from, 31);
  put_fifth_bits(to + 4, codes);
  put_nibbles(to + 8, codes, 16);
}

// Q8_0, Q8_1: the scale, and the sum of the codes.
struct Scaled {
  float scale;
  int32_t sum;
};
Scaled byte_codes(uint8_t *codes, const float *from) {
  const float scale = largest_magnitude(from, 32) / 127;
  const float inverted = inverse(scale);
  int32_t sum = 0;
  for (size_t i = 0; i < 32; ++i) {
    const int32_t code = nearest_away(from[i] * inverted);
    codes[i] = static_cast<uint8_t>(code);
    sum += code;
  }
  return {scale, sum};
}

void encode_q8_0(uint8_t *to, const float *from) {
  put_half(to, byte_codes(to + 2, from).scale);
}

void encode_q8_1(uint8_t *to, const float *from) {
  const Scaled scaled = byte_codes(to + 4, from);
  put_half(to, scaled.scale);
  put_half(to + 2, scaled.scale * static_cast<float>(scaled.sum));
}

void encode_q8_k(uint8_t *to, const float *from) {
  const float largest = find_largest(from, 256).value;
  const float inverted = largest == 0 ? 0 : -127 / largest;
  store_le<uint32_t>(to, float_bits(inverse(inverted)));
  for (size_t group = 0; group < 16; ++group) {
    int32_t sum = 0;
    for (size_t i = 16 * group; i < 16 * group + 16; ++i) {
      const int32_t wide = nearest(inverted * from[i]);
      const auto code = static_cast<int8_t>(wide < 127 ? wide : 127);
      to[4 + i] = static_cast<uint8_t>(code);
      sum += code;
    }
    store_le<uint16_t>(to + 260 + 2 * group, static_cast<uint16_t>(sum));
  }
}

// TQ1_0, TQ2_0: 0, 1 or 2 for each element.
float ternary_codes(uint8_t *codes, const float *from) {
  const float scale = largest_magnitude(from, 256);
  const float inverted = inverse(scale);
  for (size_t i = 0; i < 256; ++i)
    codes[i] = static_cast<uint8_t>(nearest_away(from[i] * inverted) + 1);
  return scale;
}

// Bytes of base-3 digits, the first digit the highest, of five; digit n of byte m is codes[n * bytes + m].
void put_digits(uint8_t *to, const uint8_t *codes, size_t bytes, uint32_t digits) {
  for (size_t m = 0; m < bytes; ++m) {
    uint32_t number = 0;
    for (uint32_t n = 0; n < 5; ++n)
      number = 3 * number + (n < digits ? codes[n * bytes + m] : 0u);
    to[m] = static_cast<uint8_t>((number * 256 + 242) / 243);
  }
}

void encode_tq1_0(uint8_t *to, const float *from) {
  uint8_t codes[256];
  put_half(to + 52, ternary_codes(codes, from));
  put_digits(to, codes, 32, 5);
  put_digits(to + 32, codes + 160, 16, 5);
  put_digits(to + 48, codes + 240, 4, 4);
}

void encode_tq2_0(uint8_t *to, const float *from) {
  uint8_t codes[256];
  put_half(to + 64, ternary_codes(codes, from));
  for (size_t i = 0; i < 64; ++i) {
    const uint8_t *code = codes + i / 32 * 128 + i % 32;
    to[i] = static_cast<uint8_t>(code[0] | code[32] << 2 | code[64] << 4 | code[96] << 6);
  }
}

// float4_e2m1fn times 2.
constexpr int8_t kFloat4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// The nearest, the first of several.
uint8_t float4_code(float value, float scale) {
  uint8_t best = 0;
  float least = magnitude(0 * scale - value);
  for (uint8_t i = 1; i < 16; ++i) {
    const float error = magnitude(static_cast<float>(kFloat4[i]) * scale - value);
    if (error < least) {
      best = i;
      least = error;
    }
  }
  return best;
}

// The integer part of log2, as it is when the logarithm is rounded to float32 first: then numbers that are little below
// a power of two count as that power.
int32_t log2_floor(float value) {
  uint32_t bits = float_bits(value);
  int32_t exponent = -127;
  if (bits < 0x800000) {  // subnormal
    const int32_t shift = __builtin_clz(bits) - 8;
    bits <<= shift;
    exponent = -126 - shift;
  } else {
    exponent += static_cast<int32_t>(bits >> 23);
  }
  // 1 - gap is what is left of the next power; only then can the rounding reach it.
  const double gap = static_cast<double>(0x800000 - (bits & 0x7fffff)) / 16777216.0;
  if (gap > 0.001) return exponent;
  const double below = (gap + gap * gap / 2) * 1.4426950408889634;
  const auto rounded = static_cast<float>(exponent + 1 - below);
  return rounded == static_cast<float>(exponent + 1) ? exponent + 1 : exponent;
}

void encode_mxfp4(uint8_t *to, const float *from) {
  const float largest = largest_magnitude(from, 32);
  const auto exponent = static_cast<uint8_t>(largest > 0 ? log2_floor(largest) - 2 + 127 : 0);
  // Half of 2^(exponent - 127), as the codes are doubled.
  const float scale = float_of(exponent < 2 ? 0x200000u << exponent : (exponent - 1u) << 23);
  uint8_t codes[32];
  for (size_t i = 0; i < 32; ++i)
    codes[i] = float4_code(from[i], scale);
  to[0] = exponent;
  put_nibbles(to + 1, codes, 16);
}

// A scale of NVFP4: 4 bits of exponent, 3 of mantissa; ties go up, and the top exponent has one code only.
uint8_t nvfp4_scale_code(float scale) {
  if (!(scale > 0)) return 0;
  if (scale < 0.015625f) {
    const float raised = scale * 512.0f + 0.5f;
    return static_cast<uint8_t>(clamp(static_cast<int32_t>(raised), 0, 7));
  }
  if (scale >= 256) return 0x7e;
  const uint32_t rounded = ((float_bits(scale) >> 19) + 1) >> 1;
  const uint32_t code = rounded - (120u << 3);
  return static_cast<uint8_t>(code >= 0x78 ? 0x7e : code);
}

void encode_nvfp4(uint8_t *to, const float *from) {
  for (size_t group = 0; group < 4; ++group) {
    const float *x = from + 16 * group;
    const uint8_t code = nvfp4_scale_code(largest_magnitude(x, 16) / 6);
    const float scale = float_of(widen_magnitude<Float8E4m3fn>(code)) * 0.5f;
    uint8_t codes[16];
    for (size_t i = 0; i < 16; ++i)
      codes[i] = float4_code(x[i], scale);
    to[group] = code;
    put_nibbles(to + 4 + 8 * group, codes, 8);
  }
}

bool is_finite(float value) {
  return (float_bits(value) & kFloatMagnitude) < kFloatInf;
}

Status check_finite(const Dtype &dtype, const float *from, uint64_t count, uint64_t first) {
  if (is_finite(largest_magnitude(from, static_cast<size_t>(count)))) return kOk;
  uint64_t i = 0;
  while (is_finite(from[i]))
    ++i;
  return Failure(TF_STATUS_INVALID_ARGUMENT)
         << "element " << first + i << " is " << (from[i] == from[i] ? "infinite" : "NaN") << " as float32, "
         << dtype.name << " holds finite numbers only";
}

}  // namespace

BlockEncoder find_block_encoder(int32_t dtype) {
  switch (dtype) {
    case TF_DTYPE_Q4_0:
      return encode_q4_0;
    case TF_DTYPE_Q4_1:
      return encode_q4_1;
    case TF_DTYPE_Q5_0:
      return encode_q5_0;
    case TF_DTYPE_Q5_1:
      return encode_q5_1;
    case TF_DTYPE_Q8_0:
      return encode_q8_0;
    case TF_DTYPE_Q8_1:
      return encode_q8_1;
    case TF_DTYPE_Q8_K:
      return encode_q8_k;
    case TF_DTYPE_TQ1_0:
      return encode_tq1_0;
    case TF_DTYPE_TQ2_0:
      return encode_tq2_0;
    case TF_DTYPE_MXFP4:
      return encode_mxfp4;
    case TF_DTYPE_NVFP4:
      return encode_nvfp4;
    case TF_DTYPE_IQ4_NL:
    case TF_DTYPE_IQ4_XS:
      return find_iq4_encoder(dtype);
    default:
      return find_k_encoder(dtype);
  }
}

bool can_encode(const Dtype &dtype) {
  return find_block_encoder(dtype.id) != nullptr;
}

Status encode_blocks(const Dtype &dtype, void *to, const float *from, uint64_t blocks, uint64_t first) {
  TFILE_TRY(check_finite(dtype, from, blocks * dtype.block_size, first));
  if (const WideEncoder encode = find_wide_encoder(dtype.id, best_cpu())) {
    encode(static_cast<uint8_t *>(to), from, static_cast<size_t>(blocks));
    return kOk;
  }
  const BlockEncoder encode = find_block_encoder(dtype.id);
  for (uint64_t i = 0; i < blocks; ++i)
    encode(static_cast<uint8_t *>(to) + i * dtype.block_bytes, from + i * dtype.block_size);
  return kOk;
}

}  // namespace tfile
