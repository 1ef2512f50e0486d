#include "codec/matcher.h"

namespace tfile {

namespace {

// Returns a hash of the first `count` bytes of a little-endian number.
unsigned chain_hash(uint64_t bytes, unsigned count, unsigned bits) {
  return static_cast<unsigned>((bytes << (64 - 8 * count)) * 0x9E3779B185EBCA87U >> (64 - bits));
}

}  // namespace

Status ChainMatcher::begin(Bytes chunk, const Effort &effort) {
  chunk_ = chunk;
  effort_ = effort;
  last_ = 1;
  bits_ = static_cast<unsigned>(std::bit_width(chunk.size() | 255));
  if (bits_ > kMaxBits) bits_ = kMaxBits;
  TFILE_TRY(heads_.resize(size_t{1} << bits_));
  TFILE_TRY(short_heads_.resize(size_t{1} << bits_));
  TFILE_TRY(previous_.resize(chunk.size() < kDeflateWindow ? chunk.size() : kDeflateWindow));
  forget();
  return kOk;
}

void ChainMatcher::forget() {
  memset(heads_.data(), 0, heads_.size() * sizeof(uint32_t));
  memset(short_heads_.data(), 0, short_heads_.size() * sizeof(uint32_t));
}

inline void ChainMatcher::consider(Match *best, const uint8_t *at, const uint8_t *end, size_t distance,
                                   unsigned least) const {
  // Rejects distances that are too long, 0 (by wrap-around), or beyond the start of the chunk.
  if (distance - 1 >= kDeflateWindow || distance > static_cast<size_t>(at - chunk_.data())) return;
  const unsigned length = match_length(at, end, distance);
  if (length < least) return;
  const auto back = static_cast<unsigned>(distance);
  const int32_t value = costs_->worth[length] - costs_->distance[distance_symbol(back)];
  if (value > best->value) *best = Match{length, back, value};
}

// Enters the current position into the tables. Returns the distance to the last position with the same hash of 4 bytes.
uint32_t ChainMatcher::remember(const uint8_t *at) {
  const auto bytes = load_le<uint64_t>(at);
  const auto here = static_cast<uint32_t>(at - chunk_.data());
  uint32_t &head = heads_[chain_hash(bytes, 4, bits_)];
  const uint32_t back = here - head;
  previous_[here % kDeflateWindow] = static_cast<uint16_t>(back < kDeflateWindow ? back : 0);
  head = here;
  short_heads_[chain_hash(bytes, 3, bits_)] = here;
  return back;
}

ChainMatcher::Match ChainMatcher::find(const uint8_t *at, const uint8_t *end) {
  Match best;
  const auto here = static_cast<uint32_t>(at - chunk_.data());
  const uint32_t short_far = here - short_heads_[chain_hash(load_le<uint64_t>(at), 3, bits_)];
  uint32_t back = remember(at);
  consider(&best, at, end, last_, kMinMatch);
  if (preferred_ != last_) consider(&best, at, end, preferred_, kMinMatch);
  consider(&best, at, end, short_far, kMinMatch);
  if (best.length >= effort_.nice) return best;
  unsigned longest = best.length < 4 ? 3 : best.length;
  for (unsigned depth = effort_.depth; depth > 0 && back - 1 < kDeflateWindow - 1 && back <= here; --depth) {
    // A longer distance costs more, so only a longer match can be better.
    if (longest < static_cast<size_t>(end - at) && at[longest] == *(at - back + longest)) {
      const unsigned length = match_length(at, end, back);
      if (length > longest) {
        longest = length;
        consider(&best, at, end, back, 4);
        if (length >= effort_.nice) break;
      }
    }
    const uint16_t more = previous_[(here - back) % kDeflateWindow];
    if (more == 0) break;
    back += more;
  }
  return best;
}

void ChainMatcher::parse(ParseOutput output, Bytes part, const SymbolCosts &costs, unsigned preferred) {
  // A match of at least this length is used without looking for a better one at the next position.
  constexpr unsigned kLong = 64;
  costs_ = &costs;
  preferred_ = preferred;
  const uint8_t *literals = part.data();
  const uint8_t *at = literals;
  const uint8_t *const end = part.end();
  const uint8_t *const limit = part.size() > kMatchReach ? end - kMatchReach : at;
  while (at < limit) {
    Match match = find(at, end);
    if (match.length == 0 || !costs.beats_literals(at, match.length, match.value)) {
      ++at;
      continue;
    }
    int32_t literal_value = costs.per_byte - costs.literal[*at];
    const uint8_t *remembered = at + 1;
    while (match.length < kLong && at + 1 < limit) {
      const Match next = find(at + 1, end);
      remembered = at + 2;
      if (next.length == 0 || next.value + literal_value <= match.value) break;
      match = next;
      ++at;
      literal_value = costs.per_byte - costs.literal[*at];
    }
    output.add(literals, at, match.length, match.distance);
    last_ = match.distance;
    at = literals = at + match.length;
    for (; remembered < at && remembered < limit; ++remembered)
      (void)remember(remembered);
  }
  output.add(literals, end, 0, 0);
}

}  // namespace tfile
