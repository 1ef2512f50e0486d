#include "codec/matcher.h"

namespace tfile {

namespace {

// Returns a hash of the first three bytes.
unsigned hash_of_three(const uint8_t *at, unsigned bits) {
  const uint32_t three = at[0] | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16;
  return three * 0x9E3779B1U >> (32 - bits);
}

}  // namespace

Status ChainMatcher::begin(Bytes chunk, const Effort &effort) {
  chunk_ = chunk;
  effort_ = effort;
  bits_ = static_cast<unsigned>(std::bit_width(chunk.size() | 255));
  if (bits_ > kMaxBits) bits_ = kMaxBits;
  TFILE_TRY(heads_.resize(size_t{1} << bits_));
  TFILE_TRY(previous_.resize(chunk.size() < kDeflateWindow ? chunk.size() : kDeflateWindow));
  forget(chunk.data());
  return kOk;
}

void ChainMatcher::forget(const uint8_t *start) {
  start_ = next_ = start;
  memset(heads_.data(), 0, heads_.size() * sizeof(uint32_t));
}

// Enters the position into the tables. Returns the last position with the same hash.
inline uint32_t ChainMatcher::remember(const uint8_t *at) {
  const auto here = static_cast<uint32_t>(at - start_) + kDeflateWindow;
  uint32_t &head = heads_[hash_of_three(at, bits_)];
  const uint32_t last = head;
  previous_[here % kDeflateWindow] = last;
  head = here;
  return last;
}

void ChainMatcher::remember_until(const uint8_t *end) {
  if (chunk_.end() - end < ptrdiff_t{kMinMatch} - 1) end = chunk_.end() - (kMinMatch - 1);
  for (; next_ < end; ++next_)
    (void)remember(next_);
}

ChainMatcher::Match ChainMatcher::find(const uint8_t *at, unsigned longest) {
  const auto remaining = static_cast<size_t>(chunk_.end() - at);
  const unsigned most = remaining < kMaxMatch ? static_cast<unsigned>(remaining) : kMaxMatch;
  Match best;
  if (remaining < sizeof(uint32_t)) return best;
  const auto here = static_cast<uint32_t>(at - start_) + kDeflateWindow;
  const uint32_t oldest = here - kDeflateWindow + 1;
  uint32_t position = remember(at);
  next_ = at + 1;
  const unsigned nice = effort_.nice < most ? effort_.nice : most;
  unsigned depth = longest < effort_.good ? effort_.depth : effort_.depth / 4;
  if (longest < kMinMatch) longest = kMinMatch - 1;
  if (longest >= most) return best;
  // The last bytes that a longer match must have differ more often than its first ones.
  uint32_t mask = longest < 3 ? 0xffffff : 0xffffffff;
  size_t skip = longest < 3 ? 0 : longest - 3;
  uint32_t wanted = load_le<uint32_t>(at + skip) & mask;
  for (; position >= oldest && depth > 0; --depth, position = previous_[position % kDeflateWindow]) {
    const uint8_t *const before = start_ + (position - kDeflateWindow);
    if ((load_le<uint32_t>(before + skip) & mask) != wanted) continue;
    const unsigned length = match_length(at, chunk_.end(), here - position);
    if (length <= longest) continue;
    longest = length;
    best = Match{length, here - position};
    if (length >= nice) break;
    mask = 0xffffffff;
    skip = length - 3;
    wanted = load_le<uint32_t>(at + skip);
  }
  return best;
}

bool ChainMatcher::is_cheap(const uint8_t *at, const Match &match) const {
  constexpr unsigned kLong = 8;
  constexpr unsigned kNear = 4096;
  if (match.length == 0) return false;
  if (costs_ == nullptr) return match.length > kMinMatch || match.distance <= kNear;
  if (match.length > kLong) return true;
  int32_t literals = 0;
  for (unsigned i = 0; i < match.length; ++i)
    literals += costs_->literal[at[i]];
  const int32_t value = costs_->worth[match.length] - costs_->distance[distance_symbol(match.distance)];
  return static_cast<int32_t>(match.length) * costs_->per_byte - value < literals;
}

const uint8_t *ChainMatcher::parse(ParseOutput output, Bytes segment, const SymbolCosts *costs) {
  // Where this many matches in a row cost too much, up to three of four positions are not searched.
  constexpr unsigned kPatience = 64;
  constexpr unsigned kMaxSkipped = 3;
  // Before positions exceed 32 bits, they begin anew.
  if (static_cast<size_t>(segment.data() - start_) >= max_history_) forget(segment.data());
  costs_ = costs;
  const uint8_t *literals = segment.data();
  const uint8_t *at = literals;
  unsigned rejected = 0;
  while (at < segment.end()) {
    Match match = find(at, 0);
    if (!is_cheap(at, match)) {
      rejected += match.length != 0 ? 1 : 0;
      const size_t step = 1 + (rejected / kPatience < kMaxSkipped ? rejected / kPatience : kMaxSkipped);
      at += step < static_cast<size_t>(segment.end() - at) ? step : static_cast<size_t>(segment.end() - at);
      remember_until(at);
      continue;
    }
    rejected = 0;
    while (match.length < effort_.lazy) {
      const Match longer = find(at + 1, match.length);
      if (!is_cheap(at + 1, longer)) break;
      match = longer;
      ++at;
    }
    const uint8_t *const end = at + match.length;
    // A skipped position may have been better.
    while (at > literals && match.length<kMaxMatch &&static_cast<size_t>(at - chunk_.data())> match.distance &&
           at[-1] == *(at - 1 - match.distance)) {
      --at;
      ++match.length;
    }
    output.add(literals, at, match.length, match.distance);
    at = literals = end;
    remember_until(at);
  }
  output.add(literals, at, 0, 0);
  return at;
}

}  // namespace tfile
