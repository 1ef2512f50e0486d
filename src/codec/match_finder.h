// Finds earlier copies of the bytes to be deflated, and chooses among them by what they cost.
#pragma once

#include <bit>

#include "base/endian.h"
#include "base/vec.h"
#include "codec/block_writer.h"
#include "codec/huffman.h"

namespace tfile {

// What symbols cost, in sixteenths of a bit, as far as the data before allow to tell.
struct SymbolCosts {
  uint16_t literal[256];
  uint16_t length[kMaxMatch + 1];
  uint16_t distance[kDistanceSymbols];
  int32_t per_byte;  // of all that was written before, times kValueScale

  void guess(const uint32_t *literal_counts);
  void learn(const SymbolCounts &counts, uint64_t nbytes);
};

// Averages of data that shrink much are fractions of a sixteenth.
inline constexpr int32_t kValueScale = 256;

struct Match {
  unsigned length = 0;  // 0: there is none
  unsigned distance = 0;
  int32_t value = INT32_MIN;  // how much less it costs than as many bytes do on average, times kValueScale
};

// How hard to search.
struct SearchEffort {
  bool chains;     // all positions with the same hash, not only the last
  unsigned depth;  // positions to look at
  unsigned nice;   // a match of this length ends the search
  bool lazy;       // looks whether a match that begins one byte later is worth more
};

// The bytes of a chunk, and the positions of what may be repeated. Positions count from the start of the chunk modulo
// 2^32; those that are too far back, or mean nothing after the count has wrapped, are recognised by their distance or by
// comparing the bytes.
class MatchFinder {
 public:
  explicit MatchFinder(Memory &memory)
      : fast_heads_(memory), long_heads_(memory), heads_(memory), short_heads_(memory), previous_(memory) {}

  Status begin(Bytes chunk, const SearchEffort &effort);
  // Forgets all positions.
  void forget();
  void use(const SymbolCosts &costs) { costs_ = &costs; }
  // Distances that are always tried: that of the last match, and one that fits the data.
  void prefer(unsigned distance) { preferred_ = distance; }

  // Returns the match at `at` that is worth most, and remembers the position. No match goes beyond `end`, where at least
  // kReach bytes must be left. Positions must rise.
  Match find(const uint8_t *at, const uint8_t *end);
  void remember(const uint8_t *at, const uint8_t *end);
  bool cheap(unsigned distance) const { return !effort_.chains && (distance == preferred_ || distance == last_); }
  void took(unsigned distance) { last_ = distance; }
  // Remembers positions within a match: as many as later matches are likely to begin at.
  void remember_within(const uint8_t *from, const uint8_t *to, const uint8_t *end, bool looked_ahead);

  static constexpr size_t kReach = 8;

 private:
  static constexpr unsigned kMaxHeadBits = 15;

  uint32_t position(const uint8_t *at) const { return static_cast<uint32_t>(at - chunk_.data()); }
  unsigned hash(uint64_t bytes, unsigned count, unsigned bits) const {
    return static_cast<unsigned>((bytes << (64 - 8 * count)) * 0x9E3779B185EBCA87u >> (64 - bits));
  }
  void consider(Match *best, const uint8_t *at, const uint8_t *end, size_t distance, unsigned least) const;
  Match find_last(const uint8_t *at, const uint8_t *end);
  Match find_in_chains(const uint8_t *at, const uint8_t *end);

  Bytes chunk_;
  SearchEffort effort_{};
  unsigned head_bits_ = 0;
  const SymbolCosts *costs_ = nullptr;
  unsigned last_ = 1;
  unsigned preferred_ = 1;
  // The last position of each hash of 4 and of 8 bytes, modulo 2^16: a distance of more is not one.
  Vec<uint16_t> fast_heads_;
  Vec<uint16_t> long_heads_;
  Vec<uint32_t> heads_;        // the last position of each hash of 4 bytes
  Vec<uint32_t> short_heads_;  // of 3 bytes
  Vec<uint16_t> previous_;     // the distance from each position to the one before with the same hash
};

}  // namespace tfile
