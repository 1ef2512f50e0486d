// The encoders of 16 lanes: x86-64 with AVX-512.
#include "quant/encode_wide.h"

#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>

#include "quant/encode_steps.h"
#include "tensorfile.h"

#if defined(__clang__) && __clang_major__ >= 18 && __clang_major__ <= 21 && !defined(__apple_build_version__)
// To these versions vectors of 64 bytes are a feature of their own, which a build may have turned off.
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,evex512"))), apply_to = function)
#elif defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif

namespace tfile {

namespace {

constexpr size_t kWidth = 16;
constexpr int kAffineParts = 2;
constexpr int kImprovingParts = 4;
constexpr int kStepParts = 1;
constexpr int kTableParts = 1;
using Reals __attribute__((vector_size(64))) = float;
using Ints __attribute__((vector_size(64))) = int32_t;
using Bytes __attribute__((vector_size(16))) = uint8_t;

inline Reals root(Reals a) {
  return _mm512_maskz_sqrt_ps(0xffff, a);
}

inline Ints below_node(Ints node, Reals v, Reals middle) {
  return 2 * node + 1 + (v < middle);  // not below also for NaN
}
// One of 16 by the low four bits of each place.
inline Reals look_up(const float *table, Ints places) {
  return _mm512_maskz_permutexvar_ps(0xffff, reinterpret_cast<__m512i>(places), _mm512_loadu_ps(table));
}
// The leaf of the tree of middles, from 16 on.
inline Ints find_leaf(Reals v) {
  Ints node = 1 - Ints{};
  for (int level = 0; level < 4; ++level)
    node = below_node(node, v, look_up(kIq4Middles, node));
  return node;
}
inline Reals number_at(Ints leaf) {
  return look_up(kIq4Numbers, leaf);
}

inline Ints nearest_places(Reals v) {
  return find_leaf(v) & 15;
}
inline Reals nearest_numbers(Reals v) {
  return number_at(find_leaf(v));
}

#include "quant/encode_wide.inc"

}  // namespace

WideEncoder find_encoder16(int32_t dtype) {
  return find_here(dtype);
}

}  // namespace tfile

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace tfile {

WideEncoder find_encoder16(int32_t) {
  return nullptr;
}

}  // namespace tfile

#endif
