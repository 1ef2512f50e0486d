#include "codec/deflate_encoder.h"

#include "base/checked.h"
#include "codec/deflate.h"

namespace tfile {

namespace {

// The encoder decides about one segment after another. A segment fits in one stored block, so storing it adds 5 bytes.
constexpr size_t kSegment = kMaxStored;
// Longer blocks of literals would not be smaller.
constexpr size_t kMaxLiteralBlock = 4 * kSegment;
// Blocks with matches end after as many matches as zlib's, so that their codes follow the data. The number of bytes is
// limited too, because make_code_lengths() takes counts below 2^23.
constexpr size_t kMaxBlockSequences = 16384;
constexpr size_t kMaxMatchBlock = 64 * kSegment;
// Bytes of each of the two samples that show whether a segment has matches. If the segment before had none, less is
// enough.
constexpr size_t kFirstSample = 4096;
constexpr size_t kNextSample = 1024;
constexpr FastMatcher::HashLengths kHashOfShort = {3, 6};
constexpr FastMatcher::HashLengths kHashOfMore = {4, 8};
constexpr FastMatcher::HashLengths kHashOfFewValues = {8, 16};
// If a segment has at most this many different byte values, its matches are so long that a sample cannot show them.
constexpr unsigned kFewValues = 8;
// Estimates of what the definitions of the codes of a block cost.
constexpr uint64_t kLiteralHeaderCost = 100 * 8 * kCostBit;
constexpr uint64_t kMatchHeaderCost = 110 * 8 * kCostBit;

// Levels below this one use FastMatcher.
constexpr int kFirstChainLevel = 4;
constexpr ChainMatcher::Effort kChainEfforts[kMaxDeflateLevel - kFirstChainLevel + 1] = {
    {16, 16}, {32, 32}, {96, 128}, {192, 192}, {512, kMaxMatch}, {2048, kMaxMatch}};
constexpr FastMatcher::Effort kFastEfforts[kFirstChainLevel] = {{}, {8, false}, {32, false}, {32, true}};

void count_literals(uint32_t *counts, Bytes bytes) {
  // The same byte often follows itself. With four tables the CPU need not wait until a counter is written before it
  // increments it again.
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

// Returns what literals alone cost. With few values the code of the end of the block matters, which the estimate by
// entropy leaves out, so the exact code is made.
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

// Returns the distance at which most bytes are repeated, and among equal ones the shortest.
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
  // BitWriter stores whole words, so it writes up to 8 bytes beyond the end.
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
  TFILE_TRY(sequences_.reserve(sequences_.size() + ParseOutput::max_sequences(segment.size())));
  const Pending next = choose_form(segment);
  if (merge(next)) return kOk;
  if (!pending_.bytes.empty()) flush(writer, false);
  pending_ = next;
  return kOk;
}

DeflateEncoder::Pending DeflateEncoder::choose_form(Bytes segment) {
  Pending next;
  next.bytes = segment;
  const size_t first = sequences_.size();
  if (costs_known_ || worth_matching(segment)) {
    parse(&next.counts, segment);
    next.cost = symbols_cost(next.counts) + kMatchHeaderCost;
    next.matches = true;
  }
  // A literal costs at least one bit, so literals alone need not be counted if the matches cost less than that.
  if (!next.matches || next.cost >= segment.size() * kCostBit) {
    SymbolCounts literals{};
    count_literals(literals.litlen, segment);
    const uint64_t literal_cost = literals_cost(literals);
    // Matches that save little are not worth the time that they take to decode.
    next.matches = next.matches && next.cost < literal_cost - literal_cost / 64;
    if (!next.matches) {
      next.counts = literals;
      next.cost = literal_cost;
      sequences_.truncate(first);
    }
  }
  costs_known_ = next.matches;
  if (next.matches) costs_.learn(next.counts, segment.size());
  next.sequences = sequences_.size() - first;
  return next;
}

bool DeflateEncoder::merge(const Pending &next) {
  if (pending_.bytes.empty() || pending_.matches != next.matches) return false;
  Pending both = pending_;
  both.bytes = Bytes(pending_.bytes.data(), pending_.bytes.size() + next.bytes.size());
  both.sequences += next.sequences;
  if (both.bytes.size() > (both.matches ? kMaxMatchBlock : kMaxLiteralBlock)) return false;
  if (both.sequences > kMaxBlockSequences) return false;
  add_counts(&both.counts, next.counts);
  both.cost = symbols_cost(both.counts) + (both.matches ? kMatchHeaderCost : kLiteralHeaderCost);
  if (both.cost > pending_.cost + next.cost) return false;
  pending_ = both;
  return true;
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
  if (!few_values && level_ < kFirstChainLevel) {
    const uint64_t literal_cost = entropy_cost(sample.literals.litlen, 256);
    if (symbols_cost(matched) >= literal_cost - literal_cost / 32) return false;
    hash_lengths_ = kHashOfMore;
    const SymbolCounts more = parse_sample(sample);
    const bool better = symbols_cost(more) < symbols_cost(matched);
    if (better) matched = more;
    if (!better) hash_lengths_ = kHashOfShort;
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
