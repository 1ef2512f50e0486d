// Encoders that run the searches of several groups of elements side by side, one in each lane of a vector. A lane does
// what the encoder of one block does, in the same order, so the bytes are the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.h"

namespace tfile {

// The middles of neighbours among kIq4Numbers, from where on the higher one is nearer, as a tree: those below node n are
// its children 2n and 2n + 1, so that node 16 + i is number i. Node 0 is none.
inline constexpr float kIq4Middles[16] = {0,       -4.5f, -57, 45.5f, -93.5f, -28.5f, 19, 79,
                                          -115.5f, -74,   -42, -16,   7,      31.5f,  61, 101};

// Encodes whole blocks.
using WideEncoder = void (*)(uint8_t *to, const float *from, size_t blocks);

// NULL: there is none for this dtype.
WideEncoder find_wide_encoder(int32_t dtype, Cpu cpu);

// Those of one width.
WideEncoder find_encoder4(int32_t dtype);
WideEncoder find_encoder8(int32_t dtype);
WideEncoder find_encoder16(int32_t dtype);

}  // namespace tfile
