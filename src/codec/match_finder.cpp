#include "codec/match_finder.h"

namespace tfile {

namespace {

// Symbols that have not occurred may occur.
constexpr unsigned kMaxCost = 15 * kCostBit;

void learn_costs(uint16_t *costs, const uint32_t *counts, unsigned symbols) {
  uint32_t total = 0;
  for (unsigned i = 0; i < symbols; ++i)
    total += counts[i];
  const unsigned whole = total == 0 ? 0 : log2_sixteenths(total);
  for (unsigned i = 0; i < symbols; ++i) {
    const unsigned cost = counts[i] == 0 ? whole + kCostBit : whole - log2_sixteenths(counts[i]);
    costs[i] = static_cast<uint16_t>(cost < kMaxCost ? (cost < kCostBit ? kCostBit : cost) : kMaxCost);
  }
}

// Bytes from `at` on that equal those `distance` before, up to `end`. The first 8 may be read beyond it.
unsigned match_length(const uint8_t *at, const uint8_t *end, size_t distance) {
  const uint8_t *const most = static_cast<size_t>(end - at) < kMaxMatch ? end : at + kMaxMatch;
  const uint8_t *p = at;
  while (most - p >= 8) {
    const uint64_t differ = load_le<uint64_t>(p) ^ load_le<uint64_t>(p - distance);
    if (differ != 0) return static_cast<unsigned>(p - at) + static_cast<unsigned>(std::countr_zero(differ)) / 8;
    p += 8;
  }
  while (p < most && *p == *(p - distance))
    ++p;
  return static_cast<unsigned>(p - at);
}

}  // namespace

void SymbolCosts::guess(const uint32_t *literal_counts) {
  learn_costs(literal, literal_counts, 256);
  for (uint16_t &cost : literal)
    cost = static_cast<uint16_t>(cost + kCostBit);
  for (unsigned i = 0; i <= kMaxMatch; ++i)
    length[i] = static_cast<uint16_t>(i < 11 ? 4 * kCostBit : 7 * kCostBit);
  for (unsigned i = 0; i < kDistanceSymbols; ++i)
    distance[i] = static_cast<uint16_t>((4 + kDistanceExtra[i]) * kCostBit);
  uint32_t total = 0;
  for (unsigned i = 0; i < 256; ++i)
    total += literal_counts[i];
  per_byte = total == 0 ? 0 : static_cast<int32_t>(entropy_cost(literal_counts, 256) * kValueScale / total);
}

void SymbolCosts::learn(const SymbolCounts &counts, uint64_t nbytes) {
  uint16_t costs[kLitlenSymbols];
  learn_costs(costs, counts.litlen, kLitlenSymbols);
  memcpy(literal, costs, sizeof(literal));
  for (unsigned i = kMinMatch; i <= kMaxMatch; ++i) {
    const unsigned symbol = length_symbol(i);
    length[i] = static_cast<uint16_t>(costs[symbol] + kLengthExtra[symbol - kFirstLength] * kCostBit);
  }
  learn_costs(distance, counts.distance, kDistanceSymbols);
  uint64_t total = entropy_cost(counts.litlen, kLitlenSymbols) + entropy_cost(counts.distance, kDistanceSymbols);
  for (unsigned i = 0; i < kDistanceSymbols; ++i) {
    distance[i] = static_cast<uint16_t>(distance[i] + kDistanceExtra[i] * kCostBit);
    total += uint64_t{counts.distance[i]} * kDistanceExtra[i] * kCostBit;
  }
  for (unsigned i = 0; i < kLengthSymbols; ++i)
    total += uint64_t{counts.litlen[kFirstLength + i]} * kLengthExtra[i] * kCostBit;
  per_byte = nbytes == 0 ? 0 : static_cast<int32_t>(total * kValueScale / nbytes);
}

Status MatchFinder::begin(Bytes chunk, const SearchEffort &effort) {
  chunk_ = chunk;
  effort_ = effort;
  last_ = preferred_ = 1;
  head_bits_ = static_cast<unsigned>(std::bit_width(chunk.size() | 255));
  if (head_bits_ > kMaxHeadBits) head_bits_ = kMaxHeadBits;
  const size_t heads = size_t{1} << head_bits_;
  if (!effort.chains) {
    TFILE_TRY(fast_heads_.resize(heads));
    TFILE_TRY(long_heads_.resize(heads));
  } else {
    TFILE_TRY(heads_.resize(heads));
    TFILE_TRY(short_heads_.resize(heads));
    TFILE_TRY(previous_.resize(chunk.size() < kDeflateWindow ? chunk.size() : kDeflateWindow));
  }
  forget();
  return kOk;
}

void MatchFinder::forget() {
  if (!effort_.chains) {
    memset(fast_heads_.data(), 0, fast_heads_.size() * sizeof(uint16_t));
    memset(long_heads_.data(), 0, long_heads_.size() * sizeof(uint16_t));
  } else {
    memset(heads_.data(), 0, heads_.size() * sizeof(uint32_t));
    memset(short_heads_.data(), 0, short_heads_.size() * sizeof(uint32_t));
  }
}

inline void MatchFinder::consider(Match *best, const uint8_t *at, const uint8_t *end, size_t distance,
                                  unsigned least) const {
  // Also false for a distance of 0, and for one of what lies ahead.
  if (distance - 1 >= kDeflateWindow || distance > static_cast<size_t>(at - chunk_.data())) return;
  const unsigned length = match_length(at, end, distance);
  if (length < least) return;
  const auto far = static_cast<unsigned>(distance);
  const int32_t cost = costs_->length[length] + costs_->distance[distance_symbol(far)];
  const int32_t value = static_cast<int32_t>(length) * costs_->per_byte - cost * kValueScale;
  if (value > best->value) *best = Match{length, far, value};
}

Match MatchFinder::find(const uint8_t *at, const uint8_t *end) {
  return effort_.chains ? find_in_chains(at, end) : find_last(at, end);
}

Match MatchFinder::find_last(const uint8_t *at, const uint8_t *end) {
  Match best;
  const auto bytes = load_le<uint64_t>(at);
  const auto before = static_cast<size_t>(at - chunk_.data());
  // Bytes that are equal, up to 8; 0 where no match can begin.
  const auto equal = [&](size_t distance) {
    if (distance - 1 >= kDeflateWindow || distance > before) return 0U;
    const uint64_t differ = load_le<uint64_t>(at - distance) ^ bytes;
    return differ == 0 ? 8U : static_cast<unsigned>(std::countr_zero(differ)) / 8;
  };
  if (equal(preferred_) >= kMinMatch) consider(&best, at, end, preferred_, kMinMatch);
  if (preferred_ != last_ && equal(last_) >= kMinMatch) consider(&best, at, end, last_, kMinMatch);
  // What repeats at these distances costs least.
  if (best.length > 3 || (best.length && !effort_.lazy)) return best;
  const auto here = static_cast<uint16_t>(position(at));
  uint16_t &head = fast_heads_[hash(bytes, 4, head_bits_)];
  uint16_t &long_head = long_heads_[hash(bytes, 8, head_bits_)];
  const auto far = static_cast<uint16_t>(here - head);
  const auto long_far = static_cast<uint16_t>(here - long_head);
  head = here;
  long_head = here;
  if (equal(long_far) == 8) consider(&best, at, end, long_far, 8);
  if (far != long_far && equal(far) >= 4) consider(&best, at, end, far, 4);
  return best;
}

Match MatchFinder::find_in_chains(const uint8_t *at, const uint8_t *end) {
  Match best;
  const auto bytes = load_le<uint64_t>(at);
  const uint32_t here = position(at);
  uint32_t &head = heads_[hash(bytes, 4, head_bits_)];
  uint32_t &short_head = short_heads_[hash(bytes, 3, head_bits_)];
  uint32_t far = here - head;
  const uint32_t short_far = here - short_head;
  previous_[here % kDeflateWindow] = static_cast<uint16_t>(far < kDeflateWindow ? far : 0);
  head = here;
  short_head = here;
  consider(&best, at, end, last_, kMinMatch);
  if (preferred_ != last_) consider(&best, at, end, preferred_, kMinMatch);
  consider(&best, at, end, short_far, kMinMatch);
  unsigned longest = best.length < 4 ? 3 : best.length;
  for (unsigned depth = effort_.depth; depth > 0 && far - 1 < kDeflateWindow - 1 && far <= here; --depth) {
    // Only what is longer than all before it can be worth more, being further away.
    if (longest < static_cast<size_t>(end - at) && at[longest] == *(at - far + longest)) {
      const unsigned length = match_length(at, end, far);
      if (length > longest) {
        longest = length;
        consider(&best, at, end, far, 4);
        if (length >= effort_.nice) break;
      }
    }
    const uint16_t more = previous_[(here - far) % kDeflateWindow];
    if (more == 0) break;
    far += more;
  }
  return best;
}

void MatchFinder::remember(const uint8_t *at, const uint8_t *end) {
  if (static_cast<size_t>(end - at) < kReach) return;
  const auto bytes = load_le<uint64_t>(at);
  const uint32_t here = position(at);
  if (!effort_.chains) {
    fast_heads_[hash(bytes, 4, head_bits_)] = static_cast<uint16_t>(here);
    long_heads_[hash(bytes, 8, head_bits_)] = static_cast<uint16_t>(here);
    return;
  }
  uint32_t &head = heads_[hash(bytes, 4, head_bits_)];
  const uint32_t far = here - head;
  previous_[here % kDeflateWindow] = static_cast<uint16_t>(far < kDeflateWindow ? far : 0);
  short_heads_[hash(bytes, 3, head_bits_)] = here;
  head = here;
}

void MatchFinder::remember_within(const uint8_t *from, const uint8_t *to, const uint8_t *end, bool looked_ahead) {
  if (effort_.chains) {
    for (from += looked_ahead ? 2 : 1; from < to; ++from)
      remember(from, end);
    return;
  }
  from += preferred_;
  for (unsigned i = 0; i < 8 && from < to; ++i, from += preferred_)
    remember(from, end);
}

}  // namespace tfile
