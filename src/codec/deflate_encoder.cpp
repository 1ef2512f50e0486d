#include "codec/deflate_encoder.h"

#include "base/checked.h"
#include "codec/deflate.h"

namespace tfile {

namespace {

// What is decided about at once. As large as a stored block, so that storing costs 5 bytes for each.
constexpr size_t kSegment = kMaxStored;
// A block of literals; longer ones gain nothing.
constexpr size_t kMaxLiteralBlock = 4 * kSegment;
// Matches of a block; as zlib's blocks, so that codes follow the data.
constexpr size_t kMaxBlockSequences = 16384;
// Parts of a segment that tell whether it has matches.
constexpr size_t kSample = 4096;
// What the codes of a block cost.
constexpr uint64_t kLiteralHeaderCost = 100 * 8 * kCostBit;
constexpr uint64_t kMatchHeaderCost = 110 * 8 * kCostBit;

constexpr SearchEffort kEfforts[kMaxDeflateLevel + 1] = {
    {false, 0, 0, false},         {false, 1, 0, false},          {false, 1, 0, true},   {false, 1, 0, true},
    {true, 16, 16, true},         {true, 32, 32, true},          {true, 96, 128, true}, {true, 192, 192, true},
    {true, 512, kMaxMatch, true}, {true, 2048, kMaxMatch, true},
};

void count_literals(uint32_t *counts, Bytes bytes) {
  // Four tables, because a counter that has just been written must not be read at once.
  uint32_t tables[4][256] = {};
  const uint8_t *at = bytes.data();
  const uint8_t *const end = bytes.end();
  for (; end - at >= 8; at += 8) {
    const auto eight = load_le<uint64_t>(at);
    ++tables[0][eight & 255];
    ++tables[1][eight >> 8 & 255];
    ++tables[2][eight >> 16 & 255];
    ++tables[3][eight >> 24 & 255];
    ++tables[0][eight >> 32 & 255];
    ++tables[1][eight >> 40 & 255];
    ++tables[2][eight >> 48 & 255];
    ++tables[3][eight >> 56];
  }
  for (; at < end; ++at)
    ++tables[0][*at];
  for (unsigned i = 0; i < 256; ++i)
    counts[i] = tables[0][i] + tables[1][i] + tables[2][i] + tables[3][i];
}

uint64_t symbols_cost(const SymbolCounts &counts) {
  uint64_t cost = entropy_cost(counts.litlen, kLitlenSymbols) + entropy_cost(counts.distance, kDistanceSymbols);
  for (unsigned i = 0; i < kLengthSymbols; ++i)
    cost += uint64_t{counts.litlen[kFirstLength + i]} * kLengthExtra[i] * kCostBit;
  for (unsigned i = 0; i < kDistanceSymbols; ++i)
    cost += uint64_t{counts.distance[i]} * kDistanceExtra[i] * kCostBit;
  return cost;
}

void add_counts(SymbolCounts *to, const SymbolCounts &more) {
  for (unsigned i = 0; i < kLitlenSymbols; ++i)
    to->litlen[i] += more.litlen[i];
  for (unsigned i = 0; i < kDistanceSymbols; ++i)
    to->distance[i] += more.distance[i];
}

// The distance at which most bytes repeat; among equals the shortest.
unsigned repeating_distance(Bytes bytes) {
  constexpr uint8_t kDistances[] = {1, 2, 3, 4, 6, 8, 12, 16};
  unsigned best = 1;
  unsigned most = 0;
  for (const uint8_t distance : kDistances) {
    unsigned equal = 0;
    for (size_t i = 16; i < bytes.size(); ++i)
      equal += bytes[i] == bytes[i - distance] ? 1 : 0;
    if (equal > most) {
      most = equal;
      best = distance;
    }
  }
  return best;
}

}  // namespace

Status DeflateEncoder::run(Vec<uint8_t> *output, Bytes chunk, bool last, int level) {
  // The writer stores whole words.
  const Checked bound = Checked(deflate_bound(chunk.size())) + output->size() + sizeof(uint64_t);
  if (!bound.fits_memory()) return Failure(TF_STATUS_OUT_OF_MEMORY) << "deflating " << chunk.size() << " bytes";
  const size_t before = output->size();
  TFILE_TRY(output->resize(static_cast<size_t>(bound.value())));
  BitWriter writer(output->data() + before);
  chunk_ = chunk;
  pending_ = Pending{};
  sequences_.clear();
  costs_known_ = false;
  if (level == 0) {
    write_stored(&writer, chunk, last);
  } else {
    effort_ = kEfforts[level];
    TFILE_TRY(finder_.begin(chunk, effort_));
    for (Bytes rest = chunk; !rest.empty(); rest = rest.from(kSegment))
      TFILE_TRY(add_segment(&writer, rest.first(kSegment)));
    if (last || !chunk.empty()) flush(&writer, last);
    if (!last && !writer.aligned()) write_stored(&writer, Bytes(), false);
  }
  output->truncate(static_cast<size_t>(writer.align() - output->data()));
  return kOk;
}

Status DeflateEncoder::add_segment(BitWriter *writer, Bytes segment) {
  Pending next;
  next.bytes = segment;
  SymbolCounts literals{};
  count_literals(literals.litlen, segment);
  const uint64_t literal_cost = entropy_cost(literals.litlen, 256) + kLiteralHeaderCost;
  bool worth = costs_known_;
  const size_t first = sequences_.size();
  TFILE_TRY(sequences_.reserve(first + segment.size() / kMinMatch + 2));
  if (!worth) TFILE_TRY(worth_matching(&worth, segment, literals.litlen));
  if (worth) {
    parse(&next.counts, segment);
    next.cost = symbols_cost(next.counts) + kMatchHeaderCost;
    // A few matches are not worth the time that they take to decode.
    next.matches = next.cost < literal_cost - literal_cost / 64;
  }
  if (next.matches) {
    next.sequences = sequences_.size() - first;
    costs_.learn(next.counts, segment.size());
    costs_known_ = true;
  } else {
    sequences_.truncate(first);
    next.counts = literals;
    next.cost = literal_cost;
    costs_known_ = false;
  }
  if (!pending_.bytes.empty()) {
    Pending both = pending_;
    both.bytes = Bytes(pending_.bytes.data(), pending_.bytes.size() + segment.size());
    both.sequences += next.sequences;
    add_counts(&both.counts, next.counts);
    both.cost = symbols_cost(both.counts) + (both.matches ? kMatchHeaderCost : kLiteralHeaderCost);
    const bool fits = both.matches ? both.sequences <= kMaxBlockSequences : both.bytes.size() <= kMaxLiteralBlock;
    if (pending_.matches == next.matches && fits && both.cost <= pending_.cost + next.cost) {
      pending_ = both;
      return kOk;
    }
    flush(writer, false);
  }
  pending_ = next;
  return kOk;
}

void DeflateEncoder::flush(BitWriter *writer, bool last) {
  const DeflateBlock block{pending_.bytes, Span<const Sequence>(sequences_.data(), pending_.sequences),
                           &pending_.counts};
  write_block(writer, block, last);
  const size_t rest = sequences_.size() - pending_.sequences;
  if (rest > 0) memmove(sequences_.data(), sequences_.data() + pending_.sequences, rest * sizeof(Sequence));
  sequences_.truncate(rest);
}

Status DeflateEncoder::worth_matching(bool *worth, Bytes segment, const uint32_t *literal_counts) {
  costs_.guess(literal_counts);
  const Bytes parts[] = {segment.first(kSample), segment.from(segment.size() / 2).first(kSample)};
  const size_t first = sequences_.size();
  finder_.prefer(repeating_distance(parts[0]));
  finder_.use(costs_);
  SymbolCounts matched{};
  SymbolCounts literal{};
  size_t nbytes = 0;
  for (const Bytes &part : parts) {
    SymbolCounts counts{};
    count_literals(counts.litlen, part);
    add_counts(&literal, counts);
    parse_part(&matched, part);
    nbytes += part.size();
  }
  sequences_.truncate(first);
  const uint64_t cost = symbols_cost(matched);
  const uint64_t literal_cost = entropy_cost(literal.litlen, 256);
  *worth = cost < literal_cost - literal_cost / 32;
  if (!*worth) return kOk;
  costs_.learn(matched, nbytes);
  finder_.forget();
  return kOk;
}

void DeflateEncoder::parse(SymbolCounts *counts, Bytes segment) {
  finder_.use(costs_);
  parse_part(counts, segment);
}

void DeflateEncoder::append(uint32_t literals, const Match &match, SymbolCounts *counts) {
  (void)sequences_.push(Sequence{literals, static_cast<uint16_t>(match.length), static_cast<uint16_t>(match.distance)});
  if (match.length == 0) return;
  ++counts->litlen[length_symbol(match.length)];
  ++counts->distance[distance_symbol(match.distance)];
}

void DeflateEncoder::parse_part(SymbolCounts *counts, Bytes part) {
  const uint8_t *at = part.data();
  const uint8_t *const end = part.end();
  const uint8_t *literals = at;  // from here on
  size_t misses = 0;
  Match match;
  bool found = false;  // `match` is that at `at`
  while (static_cast<size_t>(end - at) >= MatchFinder::kReach + 1) {
    if (!found) match = finder_.find(at, end);
    found = false;
    const int32_t literal_value = costs_.per_byte - costs_.literal[*at] * kValueScale;
    if (match.length == 0 || match.value < literal_value) {
      ++counts->litlen[*at++];
      ++misses;
      for (size_t skip = effort_.chains ? 0 : misses >> 5; skip > 0 && at < end; --skip)
        ++counts->litlen[*at++];
      continue;
    }
    const bool looked_ahead = effort_.lazy && match.length < 32 && !finder_.cheap(match.distance);
    if (looked_ahead) {
      const Match next = finder_.find(at + 1, end);
      if (next.length != 0 && next.value + literal_value > match.value) {
        ++counts->litlen[*at++];
        match = next;
        found = true;
        continue;
      }
    }
    misses = 0;
    append(static_cast<uint32_t>(at - literals), match, counts);
    finder_.took(match.distance);
    const uint8_t *const next = at + match.length;
    finder_.remember_within(at, next, end, looked_ahead);
    at = literals = next;
  }
  for (; at < end; ++at)
    ++counts->litlen[*at];
  append(static_cast<uint32_t>(end - literals), Match(), counts);
}

}  // namespace tfile
