#include "codec/crc32_fold.h"

#include "base/cpu.h"

#if defined(TENSORFILE_CRC32_FOLD)

#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif

namespace tfile {

namespace {

// A vector holds 128 bits of the input. Folding it over a distance multiplies it by x^distance modulo the polynomial,
// so that it can be added to the input at that distance without changing the checksum. The product of a carry-less
// multiplication of reversed numbers is one bit lower than the reversed product, so the factors are shifted by one.
constexpr uint64_t fold_factor(unsigned exponent) {
  return uint64_t{crc32_power(exponent)} << 1;
}

// The factors for the first and the second 8 bytes of a vector. The first 8 bytes represent the higher powers.
struct FoldFactors {
  uint64_t first;
  uint64_t second;
};

constexpr FoldFactors fold_over(unsigned vectors) {
  return FoldFactors{fold_factor(128 * vectors + 32), fold_factor(128 * vectors - 32)};
}

#if defined(__x86_64__)
#define TENSORFILE_FOLD_TARGET __attribute__((target("pclmul,sse4.1")))
using FoldVector = __m128i;

TENSORFILE_FOLD_TARGET inline FoldVector fold_load(const uint8_t *bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes));
}
TENSORFILE_FOLD_TARGET inline void fold_store(uint8_t *bytes, FoldVector vector) {
  _mm_storeu_si128(reinterpret_cast<__m128i *>(bytes), vector);
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_state(uint32_t state) {
  return _mm_cvtsi32_si128(static_cast<int>(state));
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_factors(FoldFactors factors) {
  return _mm_set_epi64x(static_cast<long long>(factors.second), static_cast<long long>(factors.first));
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_add(FoldVector a, FoldVector b) {
  return _mm_xor_si128(a, b);
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_multiply(FoldVector vector, FoldVector factors) {
  return _mm_xor_si128(_mm_clmulepi64_si128(vector, factors, 0x00), _mm_clmulepi64_si128(vector, factors, 0x11));
}
#else
#if defined(__clang__)
#define TENSORFILE_FOLD_TARGET __attribute__((target("aes")))
#else
#define TENSORFILE_FOLD_TARGET __attribute__((target("+crypto")))
#endif
using FoldVector = uint64x2_t;

TENSORFILE_FOLD_TARGET inline FoldVector fold_load(const uint8_t *bytes) {
  return vreinterpretq_u64_u8(vld1q_u8(bytes));
}
TENSORFILE_FOLD_TARGET inline void fold_store(uint8_t *bytes, FoldVector vector) {
  vst1q_u8(bytes, vreinterpretq_u8_u64(vector));
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_state(uint32_t state) {
  return vsetq_lane_u64(state, vdupq_n_u64(0), 0);
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_factors(FoldFactors factors) {
  return vsetq_lane_u64(factors.second, vdupq_n_u64(factors.first), 1);
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_add(FoldVector a, FoldVector b) {
  return veorq_u64(a, b);
}
TENSORFILE_FOLD_TARGET inline FoldVector fold_multiply(FoldVector vector, FoldVector factors) {
  const poly128_t first =
      vmull_p64(static_cast<poly64_t>(vgetq_lane_u64(vector, 0)), static_cast<poly64_t>(vgetq_lane_u64(factors, 0)));
  const poly128_t second = vmull_high_p64(vreinterpretq_p64_u64(vector), vreinterpretq_p64_u64(factors));
  return veorq_u64(vreinterpretq_u64_p128(first), vreinterpretq_u64_p128(second));
}
#endif

constexpr size_t kWidth = 16;  // bytes of a vector

// Folds eight vectors at a time, because a multiplication takes several cycles and the CPU can begin one in each.
// Returns the sum of all vectors before *from, which it moves to what remains.
TENSORFILE_FOLD_TARGET FoldVector fold_eight(uint32_t state, const uint8_t **from, const uint8_t *end) {
  constexpr unsigned kVectors = 8;
  const uint8_t *bytes = *from;
  FoldVector sum[kVectors];
  for (unsigned i = 0; i < kVectors; ++i)
    sum[i] = fold_load(bytes + i * kWidth);
  sum[0] = fold_add(sum[0], fold_state(state));
  bytes += kVectors * kWidth;
  constexpr FoldFactors kOverAll = fold_over(kVectors);
  const FoldVector over_all = fold_factors(kOverAll);
  for (; static_cast<size_t>(end - bytes) >= kVectors * kWidth; bytes += kVectors * kWidth) {
    for (unsigned i = 0; i < kVectors; ++i)
      sum[i] = fold_add(fold_multiply(sum[i], over_all), fold_load(bytes + i * kWidth));
  }
  constexpr FoldFactors kOverOne = fold_over(1);
  const FoldVector over_one = fold_factors(kOverOne);
  FoldVector total = sum[0];
  for (unsigned i = 1; i < kVectors; ++i)
    total = fold_add(fold_multiply(total, over_one), sum[i]);
  *from = bytes;
  return total;
}

#if defined(__x86_64__)
#define TENSORFILE_FOLD_WIDE_TARGET __attribute__((target(TENSORFILE_AVX512 ",pclmul,sse4.1,vpclmulqdq")))

// Does the same as fold_eight() with four vectors of 64 bytes, each of which holds four of 16.
TENSORFILE_FOLD_WIDE_TARGET FoldVector fold_wide(uint32_t state, const uint8_t **from, const uint8_t *end) {
  constexpr unsigned kVectors = 4;
  constexpr size_t kAtOnce = kVectors * sizeof(__m512i);
  const uint8_t *bytes = *from;
  __m512i sum[kVectors];
  for (unsigned i = 0; i < kVectors; ++i)
    sum[i] = _mm512_loadu_si512(bytes + i * sizeof(__m512i));
  sum[0] = _mm512_xor_si512(sum[0], _mm512_zextsi128_si512(fold_state(state)));
  bytes += kAtOnce;
  constexpr FoldFactors kOverAll = fold_over(kAtOnce / kWidth);
  const __m512i over_all = _mm512_maskz_broadcast_i32x4(UINT16_MAX, fold_factors(kOverAll));
  for (; static_cast<size_t>(end - bytes) >= kAtOnce; bytes += kAtOnce) {
    for (unsigned i = 0; i < kVectors; ++i) {
      const __m512i first = _mm512_clmulepi64_epi128(sum[i], over_all, 0x00);
      const __m512i second = _mm512_clmulepi64_epi128(sum[i], over_all, 0x11);
      const __m512i next = _mm512_loadu_si512(bytes + i * sizeof(__m512i));
      sum[i] = _mm512_xor_si512(_mm512_xor_si512(first, second), next);
    }
  }
  uint8_t sums[kAtOnce];
  for (unsigned i = 0; i < kVectors; ++i)
    _mm512_storeu_si512(sums + i * sizeof(__m512i), sum[i]);
  constexpr FoldFactors kOverOne = fold_over(1);
  const FoldVector over_one = fold_factors(kOverOne);
  FoldVector total = fold_load(sums);
  for (size_t i = kWidth; i < kAtOnce; i += kWidth)
    total = fold_add(fold_multiply(total, over_one), fold_load(sums + i));
  *from = bytes;
  return total;
}
#endif

// Folds the start of the input in the fastest way. Returns the sum of all vectors before *from, which it moves to what
// remains.
TENSORFILE_FOLD_TARGET FoldVector fold_start(uint32_t state, const uint8_t **from, const uint8_t *end) {
  const auto nbytes = static_cast<size_t>(end - *from);
#if defined(__x86_64__)
  constexpr size_t kWidestMin = 1024;
  if (nbytes >= kWidestMin && cpu_multiplies_carryless_wide()) return fold_wide(state, from, end);
#endif
  // The start and the end of the eight sums cost more than they save for fewer bytes.
  constexpr size_t kWideMin = 256;
  if (nbytes >= kWideMin) return fold_eight(state, from, end);
  const FoldVector total = fold_add(fold_load(*from), fold_state(state));
  *from += kWidth;
  return total;
}

}  // namespace

TENSORFILE_FOLD_TARGET uint32_t crc32_fold(uint32_t state, const uint8_t *bytes, size_t nbytes) {
  const uint8_t *const end = bytes + nbytes;
  FoldVector total = fold_start(state, &bytes, end);
  constexpr FoldFactors kOverOne = fold_over(1);
  const FoldVector over_one = fold_factors(kOverOne);
  for (; static_cast<size_t>(end - bytes) >= kWidth; bytes += kWidth)
    total = fold_add(fold_multiply(total, over_one), fold_load(bytes));
  // The last vector and the remaining bytes together have the same checksum as the input.
  uint8_t rest[kWidth];
  fold_store(rest, total);
  return crc32_tables(crc32_tables(0, rest, sizeof(rest)), bytes, static_cast<size_t>(end - bytes));
}

}  // namespace tfile

#endif
