// The encoders of four lanes, which need no instructions but the architecture's own, and the choice of a width.
#include "quant/encode_wide.h"

#if defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
#define TFILE_HAS_VECTOR4 1
#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <arm_neon.h>
#endif
#endif

#include "quant/encode_steps.h"
#include "tensorfile.h"

namespace tfile {

#if defined(TFILE_HAS_VECTOR4)

namespace {

constexpr size_t kWidth = 4;
constexpr int kAffineParts = 2;
constexpr int kImprovingParts = 4;
constexpr int kStepParts = 1;
constexpr int kTableParts = 1;
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

// No number of the tree is looked up: all are compared.
inline Ints nearest_places(Reals v) {
  Ints place = 15 - Ints{};
  for (int node = 1; node < 16; ++node)
    place += v < kIq4Middles[node];
  return place;
}
// Counted down from the largest by the distances of neighbours.
inline Reals nearest_numbers(Reals v) {
  Reals number = kIq4Numbers[15] - Reals{};
  for (int i = 0; i < 15; ++i) {
    const Ints below = v < 0.5f * (kIq4Numbers[i] + kIq4Numbers[i + 1]);
    const Reals distance = (kIq4Numbers[i + 1] - kIq4Numbers[i]) - Reals{};
    number -= reinterpret_cast<Reals>(reinterpret_cast<Ints>(distance) & below);
  }
  return number;
}

#include "quant/encode_wide.inc"

}  // namespace

WideEncoder find_encoder4(int32_t dtype) {
  return find_here(dtype);
}

#else

WideEncoder find_encoder4(int32_t) {
  return nullptr;
}

#endif

WideEncoder find_wide_encoder(int32_t dtype, Cpu cpu) {
  switch (cpu) {
    case Cpu::kVector4:
      return find_encoder4(dtype);
    case Cpu::kVector8:
      return find_encoder8(dtype);
    case Cpu::kVector16:
      return find_encoder16(dtype);
    default:
      return nullptr;
  }
}

}  // namespace tfile
