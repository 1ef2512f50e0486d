// The encoders of 16 lanes: x86-64 with AVX-512.
#include "quant/encode_wide.h"

#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target(TENSORFILE_AVX512 ",avx512bw,avx512dq,avx512vl"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif

namespace tfile {

namespace {

constexpr size_t kWidth = 16;
constexpr int kAffineVectors = 2;
constexpr int kImprovingVectors = 4;
constexpr int kStepVectors = 1;
constexpr int kTableVectors = 1;
using Reals __attribute__((vector_size(64))) = float;
using Ints __attribute__((vector_size(64))) = int32_t;
using Bytes __attribute__((vector_size(16))) = uint8_t;

inline Reals root(Reals a) {
  return _mm512_maskz_sqrt_ps(0xffff, a);
}

inline Ints below_node(Ints node, Reals v, Reals middle) {
  return 2 * node + 1 + (v < middle);  // NaN compares as not below
}
// Looks up each of 16 elements by the low four bits of its index.
inline Reals look_up(const float *table, Ints indices) {
  return _mm512_maskz_permutexvar_ps(0xffff, reinterpret_cast<__m512i>(indices), _mm512_loadu_ps(table));
}
// Returns the leaf of the tree of midpoints, 16 + the code of the nearest value.
inline Ints find_leaf(Reals v) {
  Ints node = 1 - Ints{};
  for (int level = 0; level < 4; ++level)
    node = below_node(node, v, look_up(kIq4Middles, node));
  return node;
}
inline Reals value_at(Ints leaf) {
  return look_up(kIq4Floats, leaf);
}

inline Ints nearest_codes(Reals v) {
  return find_leaf(v) & 15;
}
inline Reals nearest_values(Reals v) {
  return value_at(find_leaf(v));
}

#include "quant/encode_wide_blocks.inc"

}  // namespace

const BlockTable<BlockEncoder> *wide_encoders_avx512() {
  return &kEncoders;
}

}  // namespace tfile

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace tfile {

const BlockTable<BlockEncoder> *wide_encoders_avx512() {
  return nullptr;
}

}  // namespace tfile

#endif
