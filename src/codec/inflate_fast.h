// The fast loops of the decoder, which run while input and output are far enough from their ends.
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

// The next bits of the input in a register; the first one is the lowest. After refill() at least 56 are valid. Bits
// above `count` are either zero or already have the values of later input.
struct InflateBits {
  const uint8_t *in;
  uint64_t bits;
  uint32_t count;  // number of valid bits, in its low 6 bits; ignoring the others saves an instruction in consume()

  TENSORFILE_INLINE void refill() {
    bits |= load_le<uint64_t>(in) << (count & 63);
    in += 7 - (count >> 3 & 7);
    count |= 56;
  }
  // Consumes n bits; only the low 6 bits of n are used.
  TENSORFILE_INLINE void consume(uint32_t n) {
    bits >>= n & 63;
    count -= n;
  }
  // Moves `in` back over whole bytes that have not been consumed, but not before `begin`: bits that were read before the
  // loop began can be of an earlier piece of the input, which is gone. They remain in `bits`.
  TENSORFILE_INLINE void give_back(const uint8_t *begin) {
    count &= 63;
    const auto read = static_cast<size_t>(in - begin);
    const uint32_t bytes = count >> 3 < read ? count >> 3 : static_cast<uint32_t>(read);
    in -= bytes;
    count -= bytes * 8;
    bits &= (uint64_t{1} << count) - 1;
  }
};

// The state of one stream inside a block, for the fast loops.
struct InflateLane {
  InflateBits in;
  const uint8_t *in_end;
  uint8_t *out;
  uint8_t *out_end;
  const uint8_t *out_begin;  // the earliest output that a match can refer to
  const InflateTables *tables;
};

// The minimum input and output that a lane needs for one step of each loop.
inline constexpr size_t kFastInput = 32;
inline constexpr size_t kFastOutput = 320;
inline constexpr size_t kLiteralsInput = 16;
inline constexpr size_t kLiteralsOutput = 16;

enum class FastStop {
  kSlow,     // the caller must decode the next symbol, for example the end of the block
  kInvalid,  // the next bits are not a valid code
  kEarlier,  // *match refers to bytes before out_begin
};

struct InflateMatch {
  size_t length;
  size_t distance;
};

inline constexpr unsigned kMaxLanes = 4;

// The loops for one kind of CPU.
struct InflateLoops {
  // Decodes literals and matches of one stream until it must stop for one of the reasons above.
  FastStop (*decode)(InflateLane *lane, InflateMatch *match);
  // Decodes literals of 2 to kMaxLanes streams in one loop with `tables->literal`, until one stream has another symbol
  // or comes near the end of its input or output. Look-ups of one stream depend on each other; those of different
  // streams can overlap.
  void (*literals)(InflateLane *lanes, unsigned count);
};

extern const InflateLoops kPortableLoops;
#if defined(TENSORFILE_INFLATE_BMI2)
extern const InflateLoops kBmi2Loops;  // for a CPU with BMI2
#endif

}  // namespace tfile
