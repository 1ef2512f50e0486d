// The encoders of 8 lanes: x86-64 with AVX2.
#include "quant/encode_wide.h"

#if defined(__GNUC__) && defined(__x86_64__)

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

namespace tfile {

namespace {

constexpr size_t kWidth = 8;
constexpr int kAffineVectors = 2;
constexpr int kImprovingVectors = 4;
constexpr int kStepVectors = 1;
constexpr int kTableVectors = 1;
using Reals __attribute__((vector_size(32))) = float;
using Ints __attribute__((vector_size(32))) = int32_t;
using Bytes __attribute__((vector_size(8))) = uint8_t;

inline Reals root(Reals a) {
  return _mm256_sqrt_ps(a);
}

inline Ints below_node(Ints node, Reals v, Reals middle) {
  return 2 * node + 1 + (v < middle);  // NaN compares as not below
}
// Looks up each of 8 elements by the low three bits of its index.
inline Reals look_up(const float *table, Ints indices) {
  return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), reinterpret_cast<__m256i>(indices));
}
// Returns the leaf of the tree of midpoints, 16 + the code of the nearest value.
inline Ints find_leaf(Reals v) {
  Ints node = 1 - Ints{};
  for (int level = 0; level < 3; ++level)
    node = below_node(node, v, look_up(kIq4Middles, node));
  return below_node(node, v, look_up(kIq4Middles + 8, node));
}
inline Reals value_at(Ints leaf) {
  const Ints upper = leaf > 23;
  return upper ? look_up(kIq4Floats + 8, leaf) : look_up(kIq4Floats, leaf);
}

inline Ints nearest_codes(Reals v) {
  return find_leaf(v) & 15;
}
inline Reals nearest_values(Reals v) {
  return value_at(find_leaf(v));
}

#include "quant/encode_wide_blocks.inc"

}  // namespace

const BlockTable<BlockEncoder> *wide_encoders_avx2() {
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

const BlockTable<BlockEncoder> *wide_encoders_avx2() {
  return nullptr;
}

}  // namespace tfile

#endif
