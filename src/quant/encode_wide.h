// Encoders that search the scales of several groups of elements side by side, one group in each lane of a vector. Each
// lane performs the operations of the scalar encoder in the same order, so the bytes are the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"
#include "quant/encode_scalar.h"

namespace tfile {

// The midpoints between neighbours in kIq4Values, arranged as a search tree. From a midpoint upwards, the higher
// neighbour is nearer. The children of node n are 2n and 2n + 1, so leaf 16 + i is value i. Element 0 is unused.
inline constexpr float kIq4Middles[16] = {0,       -4.5f, -57, 45.5f, -93.5f, -28.5f, 19, 79,
                                          -115.5f, -74,   -42, -16,   7,      31.5f,  61, 101};

// Returns the wide encoder for a CPU, or NULL if the dtype has none.
BlockEncoder find_wide_encoder(tf_dtype dtype, Cpu cpu);

// Each returns the encoders for one kind of CPU, or NULL if the compiler cannot generate code for it. CPUs of a lesser
// kind cannot run them.
const BlockTable<BlockEncoder> *wide_encoders_baseline();
const BlockTable<BlockEncoder> *wide_encoders_avx2();
const BlockTable<BlockEncoder> *wide_encoders_avx512();

}  // namespace tfile
