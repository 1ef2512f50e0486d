// The encoders of 4 lanes, for every CPU of x86-64 (SSE2) and aarch64 (NEON), and the choice of a width.
#include "quant/encode_wide.h"

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
#define TFILE_HAS_BASELINE 1
#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif
#endif

namespace tfile {

#if defined(TFILE_HAS_BASELINE)

namespace {

constexpr size_t kWidth = 4;
constexpr int kAffineVectors = 2;
constexpr int kImprovingVectors = 4;
constexpr int kStepVectors = 1;
constexpr int kTableVectors = 1;
using Reals __attribute__((vector_size(16))) = float;
using Ints __attribute__((vector_size(16))) = int32_t;
using Bytes __attribute__((vector_size(4))) = uint8_t;

inline Reals root(Reals a) {
#if defined(__x86_64__)
  return _mm_sqrt_ps(a);
#else
  return vsqrtq_f32(a);
#endif
}

// Compares with all midpoints, because these CPUs have no cheap table lookup.
inline Ints nearest_codes(Reals v) {
  Ints code = 15 - Ints{};
  for (int node = 1; node < 16; ++node)
    code += v < kIq4Middles[node];
  return code;
}
// Starts at the largest value and subtracts the distance to the next lower value for each midpoint that is above v.
inline Reals nearest_values(Reals v) {
  Reals value = kIq4Floats[15] - Reals{};
  for (int i = 0; i < 15; ++i) {
    const Ints below = v < 0.5f * (kIq4Floats[i] + kIq4Floats[i + 1]);
    const Reals distance = (kIq4Floats[i + 1] - kIq4Floats[i]) - Reals{};
    value -= reinterpret_cast<Reals>(reinterpret_cast<Ints>(distance) & below);
  }
  return value;
}

#include "quant/encode_wide_blocks.inc"

}  // namespace

const BlockTable<BlockEncoder> *wide_encoders_baseline() {
  return &kEncoders;
}

#else

const BlockTable<BlockEncoder> *wide_encoders_baseline() {
  return nullptr;
}

#endif

BlockEncoder find_wide_encoder(tf_dtype dtype, Cpu cpu) {
  const BlockTable<BlockEncoder> *encoders = nullptr;
  if (cpu == Cpu::kBaseline) encoders = wide_encoders_baseline();
  if (cpu == Cpu::kAvx2) encoders = wide_encoders_avx2();
  if (cpu == Cpu::kAvx512) encoders = wide_encoders_avx512();
  return encoders == nullptr ? nullptr : encoders->find(dtype);
}

}  // namespace tfile
