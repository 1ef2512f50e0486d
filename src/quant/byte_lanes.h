// Vectors of 16 bytes and their products with a float32 scale, for the lane decoders. An architecture that has them
// defines TFILE_LANES, the attribute of the functions that use them: they are compiled for a CPU of that kind, whatever
// the rest of the library is compiled for.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>

#define TFILE_LANES __attribute__((target("avx2,f16c")))

namespace tfile {

struct Lanes {
  using Vector = __m128i;

  TFILE_LANES static Vector load(const void *from) { return _mm_loadu_si128(static_cast<const __m128i *>(from)); }
  TFILE_LANES static Vector from_words(uint64_t first, uint64_t second) {
    return _mm_set_epi64x(static_cast<int64_t>(second), static_cast<int64_t>(first));
  }
  TFILE_LANES static Vector broadcast(int value) { return _mm_set1_epi8(static_cast<char>(value)); }
  TFILE_LANES static Vector add(Vector a, Vector b) { return _mm_add_epi8(a, b); }
  TFILE_LANES static Vector subtract(Vector a, Vector b) { return _mm_sub_epi8(a, b); }
  TFILE_LANES static Vector bit_and(Vector a, Vector b) { return _mm_and_si128(a, b); }
  TFILE_LANES static Vector bit_or(Vector a, Vector b) { return _mm_or_si128(a, b); }
  TFILE_LANES static Vector bit_xor(Vector a, Vector b) { return _mm_xor_si128(a, b); }
  // Shifts each byte right by `shift` and masks the result.
  TFILE_LANES static Vector extract(Vector a, int shift, int mask) {
    return bit_and(_mm_srl_epi16(a, _mm_cvtsi32_si128(shift)), broadcast(mask));
  }
  // Shifts each byte left; no byte may overflow.
  TFILE_LANES static Vector shift_left(Vector a, int shift) { return _mm_sll_epi16(a, _mm_cvtsi32_si128(shift)); }
  // Sets all bits of byte i if bit i is set, and none otherwise.
  TFILE_LANES static Vector expand_bits(uint32_t bits) {
    const Vector one_each = _mm_set1_epi64x(static_cast<int64_t>(0x8040201008040201));
    const Vector halves =
        _mm_shuffle_epi8(_mm_cvtsi32_si128(static_cast<int>(bits)), from_words(0, 0x0101010101010101));
    return _mm_cmpeq_epi8(bit_and(halves, one_each), one_each);
  }
  // Sets all bits of each byte that, read without sign, is at least `least`, and none of the others.
  TFILE_LANES static Vector at_least(Vector a, int least) {
    return _mm_cmpeq_epi8(_mm_max_epu8(a, broadcast(least)), a);
  }
  TFILE_LANES static Vector look_up(Vector table, Vector indices) { return _mm_shuffle_epi8(table, indices); }

  TFILE_LANES static float load_half(const uint8_t *from) {
    uint16_t bits;
    memcpy(&bits, from, sizeof(bits));
    return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
  }

  // Converts 8 bfloat16 to float32.
  TFILE_LANES static void store_bfloats(float *to, const void *from) {
    const __m256i wide = _mm256_cvtepu16_epi32(load(from));
    _mm256_storeu_ps(to, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
  }
  // Converts 8 float16 to float32. Returns false, and stores nothing, if one of them is NaN: the conversion would make
  // signalling NaNs quiet.
  TFILE_LANES static bool store_halves(float *to, const void *from) {
    const __m256 wide = _mm256_cvtph_ps(load(from));
    if (_mm256_movemask_ps(_mm256_cmp_ps(wide, wide, _CMP_UNORD_Q)) != 0) return false;
    _mm256_storeu_ps(to, wide);
    return true;
  }

  // Converts the first 8 bytes, which are signed, to float32.
  TFILE_LANES static __m256 floats(Vector a) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(a)); }
  TFILE_LANES static Vector high_half(Vector a) { return _mm_unpackhi_epi64(a, a); }

  // These store 16 floats: scale * a, scale * a + offset, or scale * a - offset.
  TFILE_LANES static void store(float *to, Vector a, float scale) {
    const __m256 factor = _mm256_set1_ps(scale);
    _mm256_storeu_ps(to, _mm256_mul_ps(factor, floats(a)));
    _mm256_storeu_ps(to + 8, _mm256_mul_ps(factor, floats(high_half(a))));
  }
  TFILE_LANES static void store_plus(float *to, Vector a, float scale, float offset) {
    const __m256 factor = _mm256_set1_ps(scale);
    const __m256 term = _mm256_set1_ps(offset);
    _mm256_storeu_ps(to, _mm256_add_ps(_mm256_mul_ps(factor, floats(a)), term));
    _mm256_storeu_ps(to + 8, _mm256_add_ps(_mm256_mul_ps(factor, floats(high_half(a))), term));
  }
  TFILE_LANES static void store_minus(float *to, Vector a, float scale, float offset) {
    const __m256 factor = _mm256_set1_ps(scale);
    const __m256 term = _mm256_set1_ps(offset);
    _mm256_storeu_ps(to, _mm256_sub_ps(_mm256_mul_ps(factor, floats(a)), term));
    _mm256_storeu_ps(to + 8, _mm256_sub_ps(_mm256_mul_ps(factor, floats(high_half(a))), term));
  }
};

}  // namespace tfile

#elif defined(__GNUC__) && defined(__aarch64__) && !defined(__AARCH64EB__)

#include <arm_neon.h>

#define TFILE_LANES

namespace tfile {

struct Lanes {
  using Vector = uint8x16_t;

  static Vector load(const void *from) { return vld1q_u8(static_cast<const uint8_t *>(from)); }
  static Vector from_words(uint64_t first, uint64_t second) {
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(first), vcreate_u64(second)));
  }
  static Vector broadcast(int value) { return vdupq_n_u8(static_cast<uint8_t>(value)); }
  static Vector add(Vector a, Vector b) { return vaddq_u8(a, b); }
  static Vector subtract(Vector a, Vector b) { return vsubq_u8(a, b); }
  static Vector bit_and(Vector a, Vector b) { return vandq_u8(a, b); }
  static Vector bit_or(Vector a, Vector b) { return vorrq_u8(a, b); }
  static Vector bit_xor(Vector a, Vector b) { return veorq_u8(a, b); }
  static Vector extract(Vector a, int shift, int mask) {
    return bit_and(vshlq_u8(a, vdupq_n_s8(static_cast<int8_t>(-shift))), broadcast(mask));
  }
  static Vector shift_left(Vector a, int shift) { return vshlq_u8(a, vdupq_n_s8(static_cast<int8_t>(shift))); }
  static Vector expand_bits(uint32_t bits) {
    const Vector halves =
        vcombine_u8(vdup_n_u8(static_cast<uint8_t>(bits)), vdup_n_u8(static_cast<uint8_t>(bits >> 8)));
    return vtstq_u8(halves, from_words(0x8040201008040201, 0x8040201008040201));
  }
  static Vector at_least(Vector a, int least) { return vcgeq_u8(a, broadcast(least)); }
  static Vector look_up(Vector table, Vector indices) { return vqtbl1q_u8(table, indices); }

  static float load_half(const uint8_t *from) {
    uint16_t bits;
    memcpy(&bits, from, sizeof(bits));
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(bits))), 0);
  }

  static void store_bfloats(float *to, const void *from) {
    const uint16x8_t bits = vreinterpretq_u16_u8(load(from));
    vst1q_f32(to, vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(bits), 16)));
    vst1q_f32(to + 4, vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(bits), 16)));
  }
  static bool store_halves(float *to, const void *from) {
    const float16x8_t halves = vreinterpretq_f16_u8(load(from));
    const float32x4_t first = vcvt_f32_f16(vget_low_f16(halves));
    const float32x4_t second = vcvt_f32_f16(vget_high_f16(halves));
    if (vminvq_u32(vandq_u32(vceqq_f32(first, first), vceqq_f32(second, second))) == 0) return false;
    vst1q_f32(to, first);
    vst1q_f32(to + 4, second);
    return true;
  }

  // Converts 4 signed integers to float32.
  static float32x4_t floats(int16x4_t a) { return vcvtq_f32_s32(vmovl_s16(a)); }
  static float32x4x4_t products(Vector a, float scale) {
    const int16x8_t first = vmovl_s8(vreinterpret_s8_u8(vget_low_u8(a)));
    const int16x8_t second = vmovl_s8(vreinterpret_s8_u8(vget_high_u8(a)));
    const float32x4_t factor = vdupq_n_f32(scale);
    return {{vmulq_f32(factor, floats(vget_low_s16(first))), vmulq_f32(factor, floats(vget_high_s16(first))),
             vmulq_f32(factor, floats(vget_low_s16(second))), vmulq_f32(factor, floats(vget_high_s16(second)))}};
  }

  static void store(float *to, Vector a, float scale) {
    const float32x4x4_t made = products(a, scale);
    for (int i = 0; i < 4; ++i)
      vst1q_f32(to + 4 * i, made.val[i]);
  }
  static void store_plus(float *to, Vector a, float scale, float offset) {
    const float32x4x4_t made = products(a, scale);
    for (int i = 0; i < 4; ++i)
      vst1q_f32(to + 4 * i, vaddq_f32(made.val[i], vdupq_n_f32(offset)));
  }
  static void store_minus(float *to, Vector a, float scale, float offset) {
    const float32x4x4_t made = products(a, scale);
    for (int i = 0; i < 4; ++i)
      vst1q_f32(to + 4 * i, vsubq_f32(made.val[i], vdupq_n_f32(offset)));
  }
};

}  // namespace tfile

#endif
