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
// Parts of a segment that tell whether it has matches, and shorter ones after a segment without.
constexpr size_t kFirstSample = 4096;
constexpr size_t kNextSample = 1024;
constexpr FastMatcher::HashLengths kHashOfShort = {3, 6};
constexpr FastMatcher::HashLengths kHashOfMore = {4, 8};
constexpr FastMatcher::HashLengths kHashOfFewValues = {8, 16};
// Of so few different bytes a sample is too short to tell what matches save.
constexpr unsigned kFewValues = 8;
// What the codes of a block cost.
constexpr uint64_t kLiteralHeaderCost = 100 * 8 * kCostBit;
constexpr uint64_t kMatchHeaderCost = 110 * 8 * kCostBit;

// Levels below look at few positions.
constexpr int kFirstChainLevel = 4;
constexpr ChainMatcher::Effort kChainEfforts[kMaxDeflateLevel - kFirstChainLevel + 1] = {
    {16, 16}, {32, 32}, {96, 128}, {192, 192}, {512, kMaxMatch}, {2048, kMaxMatch}};
constexpr FastMatcher::Effort kFastEfforts[kFirstChainLevel] = {{}, {8, false}, {32, false}, {32, true}};

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

unsigned count_values(const uint32_t *counts) {
  unsigned values = 0;
  for (unsigned i = 0; i < 256; ++i)
    values += counts[i] != 0 ? 1 : 0;
  return values;
}

// What literals alone cost. Of few values the estimate would miss that the end of the block needs a code, too.
uint64_t literals_cost(const SymbolCounts &counts) {
  if (count_values(counts.litlen) > kFewValues) return entropy_cost(counts.litlen, 256) + kLiteralHeaderCost;
  SymbolCounts ended = counts;
  ended.litlen[kEndOfBlock] = 1;
  uint8_t lengths[kLitlenSymbols];
  make_code_lengths(lengths, ended.litlen, kLitlenSymbols, kMaxCodeLength);
  uint64_t cost = kLiteralHeaderCost;
  for (unsigned i = 0; i < 256; ++i)
    cost += uint64_t{counts.litlen[i]} * lengths[i] * kCostBit;
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
  level_ = level;
  pending_ = Pending{};
  sequences_.clear();
  costs_known_ = false;
  if (level == 0) {
    write_stored(&writer, chunk, last);
  } else {
    const bool chains = level >= kFirstChainLevel;
    TFILE_TRY(chains ? chains_.begin(chunk, kChainEfforts[level - kFirstChainLevel])
                     : fast_.begin(chunk, kFastEfforts[level]));
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
  const size_t first = sequences_.size();
  TFILE_TRY(sequences_.reserve(first + ParseOutput::max_sequences(segment.size())));
  if (costs_known_ || worth_matching(segment)) {
    parse(&next.counts, segment);
    next.cost = symbols_cost(next.counts) + kMatchHeaderCost;
    next.matches = true;
  }
  // Literals cost at least a bit each.
  SymbolCounts literals;
  if (!next.matches || next.cost >= segment.size() * kCostBit) {
    literals = SymbolCounts{};
    count_literals(literals.litlen, segment);
    const uint64_t literal_cost = literals_cost(literals);
    // A few matches are not worth the time that they take to decode.
    next.matches = next.matches && next.cost < literal_cost - literal_cost / 64;
    if (!next.matches) next.cost = literal_cost;
  }
  if (next.matches) {
    next.sequences = sequences_.size() - first;
    costs_.learn(next.counts, segment.size());
    costs_known_ = true;
  } else {
    sequences_.truncate(first);
    next.counts = literals;
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

bool DeflateEncoder::worth_matching(Bytes segment) {
  const size_t size = pending_.bytes.empty() ? kFirstSample : kNextSample;
  Sample sample;
  sample.parts[0] = segment.first(size);
  sample.parts[1] = segment.from(segment.size() / 2).first(size);
  for (const Bytes &part : sample.parts) {
    SymbolCounts counts{};
    count_literals(counts.litlen, part);
    add_counts(&sample.literals, counts);
  }
  preferred_ = repeating_distance(sample.parts[0]);
  const bool few_values = count_values(sample.literals.litlen) <= kFewValues;
  hash_lengths_ = few_values ? kHashOfFewValues : kHashOfShort;
  SymbolCounts matched = parse_sample(sample);
  const uint64_t literal_cost = entropy_cost(sample.literals.litlen, 256);
  const bool saves = symbols_cost(matched) < literal_cost - literal_cost / 32;
  if (!saves && !few_values && level_ < kFirstChainLevel) return false;
  if (!few_values && level_ < kFirstChainLevel) {
    hash_lengths_ = kHashOfMore;
    const SymbolCounts more = parse_sample(sample);
    if (symbols_cost(more) < symbols_cost(matched)) {
      matched = more;
    } else {
      hash_lengths_ = kHashOfShort;
    }
  }
  costs_.learn(matched, sample.parts[0].size() + sample.parts[1].size());
  forget();
  return true;
}

SymbolCounts DeflateEncoder::parse_sample(const Sample &sample) {
  const size_t first = sequences_.size();
  costs_.guess(sample.literals.litlen);
  forget();
  SymbolCounts matched{};
  for (const Bytes &part : sample.parts)
    parse(&matched, part);
  sequences_.truncate(first);
  return matched;
}

void DeflateEncoder::parse(SymbolCounts *counts, Bytes segment) {
  const ParseOutput output{&sequences_, counts};
  if (level_ >= kFirstChainLevel) {
    chains_.parse(output, segment, costs_, preferred_);
  } else {
    fast_.parse(output, segment, costs_, preferred_, hash_lengths_);
  }
}

void DeflateEncoder::forget() {
  if (level_ >= kFirstChainLevel) {
    chains_.forget();
  } else {
    fast_.forget();
  }
}

}  // namespace tfile
