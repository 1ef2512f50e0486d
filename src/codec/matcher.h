// Cuts bytes into literals and matches of earlier bytes, by what they are estimated to cost.
#pragma once

#include <bit>

#include "base/endian.h"
#include "base/vec.h"
#include "codec/symbol_costs.h"

namespace tfile {

// Collects what a matcher finds.
struct ParseOutput {
  Vec<Sequence> *sequences;  // has capacity for max_sequences() more
  SymbolCounts *counts;

  // Returns the most sequences that nbytes can give: matches of the shortest length, and the literals after the last.
  static constexpr size_t max_sequences(size_t nbytes) { return nbytes / kMinMatch + 2; }

  void add(const uint8_t *literals, const uint8_t *at, unsigned length, unsigned distance) {
    for (const uint8_t *p = literals; p < at; ++p)
      ++counts->litlen[*p];
    (void)sequences->push(
        Sequence{static_cast<uint32_t>(at - literals), static_cast<uint16_t>(length), static_cast<uint16_t>(distance)});
    if (length == 0) return;
    ++counts->litlen[length_symbol(length)];
    ++counts->distance[distance_symbol(distance)];
  }
};

// Bytes that a matcher looks at: nearer to the end it finds no matches.
inline constexpr size_t kMatchReach = 16;

// Returns how many bytes from `at` on equal those `distance` before, up to `end` and kMaxMatch.
inline unsigned match_length(const uint8_t *at, const uint8_t *end, size_t distance) {
  const uint8_t *const stop = static_cast<size_t>(end - at) < kMaxMatch ? end : at + kMaxMatch;
  const uint8_t *p = at;
  while (stop - p >= 8) {
    const uint64_t differ = load_le<uint64_t>(p) ^ load_le<uint64_t>(p - distance);
    if (differ != 0) return static_cast<unsigned>(p - at) + static_cast<unsigned>(std::countr_zero(differ)) / 8;
    p += 8;
  }
  while (p < stop && *p == *(p - distance))
    ++p;
  return static_cast<unsigned>(p - at);
}

// Finds runs: matches of one distance, which is short. Needs no table, and finds the end of a long run quickly. `chunk` is
// where the history begins.
void parse_runs(ParseOutput output, Bytes part, const uint8_t *chunk, const SymbolCosts &costs, unsigned distance);

// Looks at three candidates: one distance that suits the data, and the last positions whose next few bytes, and whose
// next somewhat more bytes, have the same hash.
class FastMatcher {
 public:
  // How many bytes are hashed: 3 to 8, and up to 8 or 16.
  struct HashLengths {
    unsigned shorter;
    unsigned longer;
  };

  struct Effort {
    unsigned patience;  // after 2^patience positions without a match, more and more positions are skipped
    bool lazy;          // true: compares a match with a value below the average with the match one byte later
  };

  explicit FastMatcher(Memory &memory) : heads_(memory), long_heads_(memory) {}

  Status begin(Bytes chunk, const Effort &effort);
  // Forgets all positions, and prepares for searching about nbytes.
  void forget(size_t nbytes);
  // Parts must be of the chunk, and rise. The lengths must stay the same until forget().
  void parse(ParseOutput output, Bytes part, const SymbolCosts &costs, unsigned preferred, HashLengths lengths);

 private:
  const uint8_t *start_ = nullptr;
  Effort effort_{};
  unsigned max_bits_ = 0;  // of the index of the tables
  unsigned bits_ = 0;      // as many of them as are used
  // Positions modulo 2^16, twice the longest distance. What is older appears nearer than it is; comparing the bytes
  // shows whether it is a match all the same.
  Vec<uint16_t> heads_;
  Vec<uint16_t> long_heads_;
};

// Follows the chain of all positions whose next three bytes have the same hash. It searches as zlib does, so that it finds
// the same matches, but leaves out those that cost more than their bytes as literals.
class ChainMatcher {
 public:
  // The numbers of zlib's levels.
  struct Effort {
    unsigned good;   // after a match of this length, a quarter of the positions is enough
    unsigned lazy;   // a match of this length is used without looking for a longer one at the next position
    unsigned nice;   // a match of this length ends the search
    unsigned depth;  // positions to look at
  };

  // All positions are forgotten after max_history bytes.
  explicit ChainMatcher(Memory &memory, size_t max_history = size_t{1} << 30)
      : max_history_(max_history), heads_(memory), previous_(memory) {}

  Status begin(Bytes chunk, const Effort &effort);
  // Parses a segment of the chunk, which must begin where the last one ended. The last match may exceed the segment.
  // Returns the end of what was parsed. Without costs, it uses all matches except short ones that are far away.
  const uint8_t *parse(ParseOutput output, Bytes segment, const SymbolCosts *costs);

 private:
  static constexpr unsigned kMaxBits = 15;

  struct Match {
    unsigned length = 0;  // 0: there is none
    unsigned distance = 0;
  };

  // Enters the position, and looks for a match of more than `longest` bytes.
  Match find(const uint8_t *at, unsigned longest);
  bool is_cheap(const uint8_t *at, const Match &match) const;
  uint32_t remember(const uint8_t *at);
  void remember_until(const uint8_t *end);
  void forget(const uint8_t *start);

  size_t max_history_;
  Bytes chunk_;
  Effort effort_{};
  const SymbolCosts *costs_ = nullptr;
  const uint8_t *next_ = nullptr;  // the first position that is not in the tables
  unsigned bits_ = 0;
  // Positions count from start_ and begin with kDeflateWindow, so that 0 is too old.
  const uint8_t *start_ = nullptr;
  Vec<uint32_t> heads_;
  Vec<uint32_t> previous_;  // at a position modulo kDeflateWindow: the one before with the same hash
};

}  // namespace tfile
