// The loops of the decoder that run while input and output are far from their ends.
#pragma once

#include <algorithm>
#include <utility>

#include "base/endian.h"
#include "codec/inflate_tables.h"

#if defined(__GNUC__)
#define TENSORFILE_INLINE inline __attribute__((always_inline))
#else
#define TENSORFILE_INLINE inline
#endif
#if defined(__GNUC__) && defined(__x86_64__)
#define TENSORFILE_INFLATE_BMI2
#endif

namespace tfile {

// The next bits of the input in a register, the first lowest. At least 56 of them are there after refill(). Those above
// `count` that are set are the input's too.
struct InflateBits {
  const uint8_t *in;
  uint64_t bits;
  uint32_t count;  // its low 6 bits; what is above means nothing, which saves an instruction in consume()

  TENSORFILE_INLINE void refill() {
    bits |= load_le<uint64_t>(in) << (count & 63);
    in += 7 - (count >> 3 & 7);
    count |= 56;
  }
  // Consumes as many as the low 6 bits of n say.
  TENSORFILE_INLINE void consume(uint32_t n) {
    bits >>= n & 63;
    count -= n;
  }
  // Gives back the whole bytes that have not been used.
  TENSORFILE_INLINE void give_back() {
    count &= 63;
    in -= count >> 3;
    count &= 7;
    bits &= (uint64_t{1} << count) - 1;
  }
};

// One stream, somewhere among the symbols of a block.
struct InflateLane {
  InflateBits in;
  const uint8_t *in_end;
  uint8_t *out;
  uint8_t *out_end;
  const uint8_t *out_begin;  // where matches can begin at the earliest
  const InflateTables *tables;
};

// A lane must have as much input and output left as one step of a loop can use.
inline constexpr size_t kFastInput = 32;
inline constexpr size_t kFastOutput = 320;
inline constexpr size_t kLiteralsInput = 16;
inline constexpr size_t kLiteralsOutput = 16;

enum class FastStop {
  kSlow,     // the next symbol is left to the caller, as the end of the block is
  kInvalid,  // the next code is none
  kEarlier,  // *match begins before out_begin
};

struct InflateMatch {
  size_t length;
  size_t distance;
};

// Decodes literals and matches.
FastStop decode_fast(InflateLane *lane, InflateMatch *match);
// Decodes literals of 2 to kMaxLanes streams in one loop, by `tables->literal`, until one of them meets something else
// or comes near an end. In one stream each look-up waits for the one before; several streams fill each other's gaps.
inline constexpr unsigned kMaxLanes = 4;
void decode_literals(InflateLane *lanes, unsigned count);

#if defined(TENSORFILE_INFLATE_BMI2)
// The same, only for a CPU with BMI2.
FastStop decode_fast_bmi2(InflateLane *lane, InflateMatch *match);
void decode_literals_bmi2(InflateLane *lanes, unsigned count);
#endif

}  // namespace tfile
