#include "codec/matcher.h"

namespace tfile {

namespace {

constexpr uint64_t kHashFactor = 0x9E3779B185EBCA87;
constexpr uint64_t kTailFactor = 0xC2B2AE3D27D4EB4F;
constexpr unsigned kMaxBits = 14;

// Returns the bits of the index of a table for searching nbytes.
unsigned table_bits(size_t nbytes) {
  const auto bits = static_cast<unsigned>(std::bit_width(nbytes | 255));
  return bits < kMaxBits ? bits : kMaxBits;
}

struct FastMatch {
  int32_t value;
  unsigned length;
  uint32_t distance;
};

// What a search needs, in one struct that the compiler can keep in registers.
struct FastParse {
  const uint8_t *start;
  const uint8_t *end;
  uint16_t *heads;
  uint16_t *long_heads;
  unsigned bits;
  unsigned short_shift;  // shifts out the bytes that the shorter hash leaves out
  unsigned long_shift;   // likewise for the first 8 bytes of the longer hash
  uint64_t tail_factor;  // for the next 8 bytes of the longer hash; 0 leaves them out
  uint32_t preferred;
  int32_t preferred_cost;
  const SymbolCosts *costs;

  uint16_t &head_of(uint64_t bytes) const { return heads[(bytes << short_shift) * kHashFactor >> (64 - bits)]; }
  uint16_t &long_head_of(const uint8_t *at, uint64_t bytes) const {
    const auto tail = load_le<uint64_t>(at + 8);
    return long_heads[((bytes << long_shift) * kHashFactor ^ tail * tail_factor) >> (64 - bits)];
  }

  void remember(const uint8_t *at) const {
    const auto bytes = load_le<uint64_t>(at);
    const auto here = static_cast<uint16_t>(at - start);
    head_of(bytes) = here;
    long_head_of(at, bytes) = here;
  }

  // Returns how many of the 8 bytes at `at` equal those `distance` before.
  static unsigned equal(const uint8_t *at, uint64_t bytes, uint32_t distance) {
    const uint64_t differ = load_le<uint64_t>(at - distance) ^ bytes;
    return static_cast<unsigned>(std::countr_zero(differ)) / 8;
  }

  void extend(FastMatch *best, const uint8_t *at, uint32_t distance, int32_t distance_cost) const {
    const unsigned length = match_length(at, end, distance);
    const int32_t value = costs->worth[length] - distance_cost;
    if (value > best->value) *best = FastMatch{value, length, distance};
  }

  // Returns the best of three candidates, and remembers the position. Which one is best is unpredictable, so the choice
  // between the first two takes no branch.
  FastMatch find(const uint8_t *at) const {
    const auto bytes = load_le<uint64_t>(at);
    const auto here = static_cast<uint16_t>(at - start);
    uint16_t &head = head_of(bytes);
    uint16_t &long_head = long_head_of(at, bytes);
    const uint32_t back = static_cast<uint16_t>(here - head);
    const uint32_t long_far = static_cast<uint16_t>(here - long_head);
    head = here;
    long_head = here;
    const auto before = static_cast<size_t>(at - start);
    const auto reach = static_cast<uint32_t>(before < kDeflateWindow ? before : kDeflateWindow);
    if (reach < preferred) return FastMatch{SymbolCosts::kNoMatch, 0, 0};

    const unsigned length = equal(at, bytes, preferred);
    FastMatch best{costs->worth[length] - preferred_cost, length, preferred};
    const uint32_t distance = back - 1 < reach ? back : 1;
    const unsigned far_length = back - 1 < reach ? equal(at, bytes, distance) : 0;
    const int32_t far_cost = costs->distance[distance_symbol(distance)];
    const int32_t far_value = costs->worth[far_length] - far_cost;
    const bool better = far_value > best.value;
    best.value = better ? far_value : best.value;
    best.length = better ? far_length : best.length;
    best.distance = better ? distance : best.distance;
    if (long_far - 1 < reach) {
      const unsigned long_length = equal(at, bytes, long_far);
      const bool longer = long_length == 8 || long_length > far_length;
      if (longer) extend(&best, at, long_far, costs->distance[distance_symbol(long_far)]);
    }
    if (far_length == 8) extend(&best, at, distance, far_cost);
    if (length == 8) extend(&best, at, preferred, preferred_cost);
    return best;
  }
};

}  // namespace

Status FastMatcher::begin(Bytes chunk, const Effort &effort) {
  start_ = chunk.data();
  effort_ = effort;
  max_bits_ = table_bits(chunk.size());
  TFILE_TRY(heads_.resize(size_t{1} << max_bits_));
  TFILE_TRY(long_heads_.resize(size_t{1} << max_bits_));
  forget(chunk.size());
  return kOk;
}

void FastMatcher::forget(size_t nbytes) {
  bits_ = table_bits(nbytes);
  if (bits_ > max_bits_) bits_ = max_bits_;
  memset(heads_.data(), 0, sizeof(uint16_t) << bits_);
  memset(long_heads_.data(), 0, sizeof(uint16_t) << bits_);
}

void FastMatcher::parse(ParseOutput output, Bytes part, const SymbolCosts &costs, unsigned preferred,
                        HashLengths lengths) {
  // The number of positions at each end of a match that are entered into the tables. The positions between them would
  // only repeat earlier entries.
  constexpr ptrdiff_t kRemembered = 8;
  const FastParse fast{start_,
                       part.end(),
                       heads_.data(),
                       long_heads_.data(),
                       bits_,
                       64 - 8 * lengths.shorter,
                       lengths.longer < 8 ? 64 - 8 * lengths.longer : 0,
                       lengths.longer > 8 ? kTailFactor : 0,
                       preferred,
                       costs.distance[distance_symbol(preferred)],
                       &costs};
  const uint8_t *literals = part.data();
  const uint8_t *at = literals;
  const uint8_t *const limit = part.size() > kMatchReach ? part.end() - kMatchReach : part.data();
  unsigned misses = 0;
  while (at < limit) {
    FastMatch match = fast.find(at);
    if (match.length < kMinMatch || !costs.beats_literals(at, match.length, match.value)) {
      at += 1 + (misses++ >> effort_.patience);
      continue;
    }
    misses = 0;
    int32_t literal_value = costs.per_byte - costs.literal[*at];
    while (effort_.lazy && match.value < 0 && at + 1 < limit) {
      const FastMatch next = fast.find(at + 1);
      if (next.value + literal_value <= match.value) break;
      match = next;
      ++at;
      literal_value = costs.per_byte - costs.literal[*at];
    }
    const uint8_t *const begin = at;
    output.add(literals, at, match.length, match.distance);
    const uint8_t *const next = at + match.length;
    const uint8_t *const last = next < limit ? next : limit;
    while (++at < last) {
      fast.remember(at);
      if (at == begin + kRemembered && last - at > kRemembered) at = last - kRemembered;
    }
    at = literals = next;
  }
  output.add(literals, part.end(), 0, 0);
}

}  // namespace tfile
