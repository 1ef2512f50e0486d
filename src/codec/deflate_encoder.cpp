#include "codec/deflate_encoder.h"

#include "base/checked.h"
#include "codec/deflate.h"
#include "codec/literal_counts.h"

namespace tfile {

namespace {

// The encoder decides about one segment after another. A segment fits in one stored block, so storing it adds 5 bytes.
constexpr size_t kSegment = kMaxStored;
// The levels that search longer decide more often, as zlib does.
constexpr size_t kDeepSegment = size_t{16} << 10;
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
// With so few values, runs alone are better only if at most one byte in this many remains a literal.
constexpr size_t kRunShare = 8;
// After a segment without matches, at most this many segments that cost about as much are not searched.
constexpr unsigned kMaxUnsearched = 3;
// Up to this level, the codes of literals are made from a sample of them.
constexpr int kLastSampledLevel = 2;
// Estimates of what the definitions of the codes of a block cost.
constexpr uint64_t kLiteralHeaderCost = 100 * 8 * kCostBit;
constexpr uint64_t kMatchHeaderCost = 110 * 8 * kCostBit;
// How much larger a block becomes if its codes are made from a quarter of its literals: 4 * 255 / ln(2) bits. Half of
// this is the amount by which the sample underestimates the entropy, the other half the extra length of its code.
constexpr uint64_t kSampledCost = 184 * 8 * kCostBit;

// Levels below this one use FastMatcher, the others ChainMatcher.
constexpr int kFirstChainLevel = 4;
// The numbers of zlib's levels.
constexpr ChainMatcher::Effort kChainEfforts[kMaxDeflateLevel - kFirstChainLevel + 1] = {
    {4, 4, 16, 16},    {8, 16, 32, 32},      {8, 16, 128, 128},
    {8, 32, 128, 256}, {32, 128, 258, 1024}, {32, kMaxMatch, kMaxMatch, 4096}};
constexpr FastMatcher::Effort kFastEfforts[kFirstChainLevel] = {{}, {3, false}, {5, false}, {5, true}};

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
  const Checked bound = Checked(deflate_bound(chunk.size())) + output->size() + write_slack(chunk.size());
  if (!bound.fits_memory())
    return Failure(TF_STATUS_OUT_OF_MEMORY) << "deflating " << static_cast<uint64_t>(chunk.size()) << " bytes";
  const size_t before = output->size();
  TFILE_TRY(output->resize(static_cast<size_t>(bound.value())));
  BitWriter writer(output->data() + before);
  level_ = level;
  chunk_ = chunk;
  pending_ = Pending{};
  sequences_.clear();
  costs_known_ = false;
  literal_cost_ = 0;
  unsearched_ = 0;
  stored_ = Bytes();
  if (level == 0) {
    write_stored(&writer, chunk, last);
  } else {
    TFILE_TRY(level >= kFirstChainLevel ? add_deep_segments(&writer) : add_segments(&writer));
    if (last || !chunk.empty()) flush(&writer, last);
    if (!last && !writer.aligned()) write_stored(&writer, Bytes(), false);
  }
  output->truncate(static_cast<size_t>(writer.align() - output->data()));
  return kOk;
}

Status DeflateEncoder::add_segments(BitWriter *writer) {
  TFILE_TRY(fast_.begin(chunk_, kFastEfforts[level_]));
  for (Bytes rest = chunk_; !rest.empty(); rest = rest.from(kSegment)) {
    const Bytes segment = rest.first(kSegment);
    TFILE_TRY(sequences_.reserve(sequences_.size() + ParseOutput::max_sequences(segment.size())));
    add(writer, choose_form(segment));
  }
  return kOk;
}

Status DeflateEncoder::add_deep_segments(BitWriter *writer) {
  TFILE_TRY(chains_.begin(chunk_, kChainEfforts[level_ - kFirstChainLevel]));
  for (Bytes rest = chunk_; !rest.empty();) {
    const Bytes segment = rest.first(kDeepSegment);
    TFILE_TRY(sequences_.reserve(sequences_.size() + ParseOutput::max_sequences(segment.size())));
    const Pending next = choose_deep_form(segment);
    add(writer, next);
    rest = rest.from(next.bytes.size());
  }
  return kOk;
}

void DeflateEncoder::add(BitWriter *writer, const Pending &next) {
  if (merge(next)) return;
  if (!pending_.bytes.empty()) flush(writer, false);
  pending_ = next;
}

DeflateEncoder::Pending DeflateEncoder::choose_deep_form(Bytes segment) {
  Pending next;
  const size_t first = sequences_.size();
  const SymbolCosts *const costs = costs_known_ ? &costs_ : nullptr;
  const uint8_t *const end = chains_.parse(ParseOutput{&sequences_, &next.counts}, segment, costs);
  next.bytes = Bytes(segment.data(), static_cast<size_t>(end - segment.data()));
  next.sequences = sequences_.size() - first;
  next.matches = true;
  next.cost = symbols_cost(next.counts) + kMatchHeaderCost;
  costs_.learn(next.counts, next.bytes.size());
  costs_known_ = true;
  Pending literals;
  literals.bytes = next.bytes;
  count_as_literals(&literals);
  // Matches that save little are not worth the time that they take to decode.
  if (next.cost < literals.cost - literals.cost / 256) return next;
  sequences_.truncate(first);
  return literals;
}

DeflateEncoder::Pending DeflateEncoder::choose_form(Bytes segment) {
  Pending literals;
  literals.bytes = segment;
  if (!costs_known_) {
    count_as_literals(&literals);
    if (!must_search(literals) || !worth_matching(segment)) return literals;
  }
  Pending next;
  next.bytes = segment;
  const size_t first = sequences_.size();
  parse(&next.counts, segment);
  next.cost = symbols_cost(next.counts) + kMatchHeaderCost;
  if (!is_cheap(next)) {
    if (costs_known_) count_as_literals(&literals);
    // Matches that save little are not worth the time that they take to decode.
    costs_known_ = next.cost < literals.cost - literals.cost / 64;
    if (!costs_known_) {
      sequences_.truncate(first);
      return literals;
    }
  }
  if (expected_cost_ != 0 && next.cost > expected_cost_ + expected_cost_ / 4) {
    // The data have changed, so another way of searching may suit them. As this segment may have both kinds of data, it
    // does not decide about the next one.
    sequences_.truncate(first);
    costs_known_ = false;
    expected_cost_ = 0;
    next = choose_form(segment);
    costs_known_ = false;
    return next;
  }
  next.matches = true;
  next.sequences = sequences_.size() - first;
  // Data that cost much less may have become runs.
  costs_known_ = next.cost >= expected_cost_ / 4;
  if (expected_cost_ == 0) expected_cost_ = next.cost;
  costs_.learn(next.counts, segment.size());
  return next;
}

bool DeflateEncoder::is_cheap(const Pending &next) const {
  // A literal costs at least one bit.
  if (next.cost < next.bytes.size() * kCostBit) return true;
  if (level_ > kLastSampledLevel || next.bytes.size() < kMinSampledBytes) return false;
  uint32_t counts[256];
  sample_literals(counts, next.bytes);
  const uint64_t literals = entropy_cost(counts, 256);
  return next.cost < literals - literals / 8;
}

bool DeflateEncoder::must_search(const Pending &literals) {
  const uint64_t before = literal_cost_;
  literal_cost_ = literals.cost;
  const uint64_t change = before < literals.cost ? literals.cost - before : before - literals.cost;
  const bool alike = literals.bytes.size() == kSegment && change < before / 32;
  unsearched_ = alike && !pending_.matches && unsearched_ < kMaxUnsearched ? unsearched_ + 1 : 0;
  return unsearched_ == 0 || level_ > kLastSampledLevel;
}

void DeflateEncoder::count_as_literals(Pending *next) const {
  uint32_t *const counts = next->counts.litlen;
  if (level_ <= kLastSampledLevel && next->bytes.size() >= kMinSampledBytes) {
    sample_literals(counts, next->bytes);
    next->cost = entropy_cost(counts, 256) + kLiteralHeaderCost + kSampledCost;
    const uint64_t stored = next->bytes.size() * 8 * kCostBit;
    next->sampled = next->cost < stored - stored / 32 && count_values(counts) == 256;
    if (next->sampled) return;
  }
  count_literals(counts, next->bytes);
  next->cost = literals_cost(next->counts);
}

bool DeflateEncoder::merge(const Pending &next) {
  if (pending_.bytes.empty() || pending_.matches != next.matches) return false;
  Pending both = pending_;
  both.bytes = Bytes(pending_.bytes.data(), pending_.bytes.size() + next.bytes.size());
  both.sequences += next.sequences;
  both.sampled = pending_.sampled || next.sampled;
  if (both.bytes.size() > (both.matches ? kMaxMatchBlock : kMaxLiteralBlock)) return false;
  if (both.sequences > kMaxBlockSequences) return false;
  add_counts(&both.counts, next.counts);
  both.cost = symbols_cost(both.counts) + (both.matches ? kMatchHeaderCost : kLiteralHeaderCost) +
              (both.sampled ? kSampledCost : 0);
  if (both.cost > pending_.cost + next.cost) return false;
  pending_ = both;
  return true;
}

void DeflateEncoder::flush(BitWriter *writer, bool last) {
  const DeflateBlock block{pending_.bytes, Span<const Sequence>(sequences_.data(), pending_.sequences),
                           &pending_.counts, pending_.sampled, stored_bits(pending_.bytes)};
  if (write_coded(writer, block, last)) {
    stored_ = Bytes();
  } else {
    store(writer, block.bytes, last);
  }
  const size_t rest = sequences_.size() - pending_.sequences;
  if (rest > 0) memmove(sequences_.data(), sequences_.data() + pending_.sequences, rest * sizeof(Sequence));
  sequences_.truncate(rest);
}

// Each stored piece of kMaxStored bytes may add 5 bytes. Segments of add_segments() are such pieces, others share them: only
// the first one of a chunk may count the 5 bytes, because a stored block that follows a coded one needs what that has saved.
uint64_t DeflateEncoder::stored_bits(Bytes bytes) const {
  const bool piece = level_ < kFirstChainLevel || bytes.data() == chunk_.data();
  return 8 * (piece ? deflate_bound(bytes.size()) : uint64_t{bytes.size()});
}

void DeflateEncoder::store(BitWriter *writer, Bytes bytes, bool last) {
  if (!stored_.empty()) {
    *writer = before_stored_;
    bytes = Bytes(stored_.data(), stored_.size() + bytes.size());
  }
  const Bytes whole = bytes.first(bytes.size() / kMaxStored * kMaxStored);
  stored_ = bytes.from(whole.size());
  if (!whole.empty()) write_stored(writer, whole, last && stored_.empty());
  before_stored_ = *writer;
  if (!stored_.empty()) write_stored(writer, stored_, last);
}

bool DeflateEncoder::worth_matching(Bytes segment) {
  const bool literals_before = !pending_.bytes.empty() && !pending_.matches;
  if (literals_before && !samples_match(segment, kNextSample)) return false;
  return samples_match(segment, kFirstSample);
}

bool DeflateEncoder::samples_match(Bytes segment, size_t size) {
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
  runs_ = false;
  expected_cost_ = 0;
  SymbolCounts matched = parse_sample(sample);
  runs_ = better_as_runs(&matched, sample, few_values);
  if (!few_values) {
    const uint64_t literal_cost = entropy_cost(sample.literals.litlen, 256);
    if (symbols_cost(matched) >= literal_cost - literal_cost / 32) return false;
  }
  if (!few_values && !runs_) {
    hash_lengths_ = kHashOfMore;
    const SymbolCounts more = parse_sample(sample);
    const bool better = symbols_cost(more) < symbols_cost(matched);
    if (better) matched = more;
    if (!better) hash_lengths_ = kHashOfShort;
  }
  costs_.learn(matched, sample.size());
  if (!runs_) forget(chunk_.size());
  return true;
}

bool DeflateEncoder::better_as_runs(SymbolCounts *matched, const Sample &sample, bool few_values) {
  runs_ = true;
  const SymbolCounts runs = parse_sample(sample);
  if (symbols_cost(runs) > symbols_cost(*matched)) return false;
  size_t literals = 0;
  for (unsigned i = 0; i < 256; ++i)
    literals += runs.litlen[i];
  if (few_values && literals > sample.size() / kRunShare) return false;
  *matched = runs;
  return true;
}

SymbolCounts DeflateEncoder::parse_sample(const Sample &sample) {
  const size_t first = sequences_.size();
  costs_.guess(sample.literals.litlen);
  if (!runs_) forget(sample.size());
  SymbolCounts matched{};
  for (const Bytes &part : sample.parts)
    parse(&matched, part);
  sequences_.truncate(first);
  return matched;
}

void DeflateEncoder::parse(SymbolCounts *counts, Bytes segment) {
  const ParseOutput output{&sequences_, counts};
  if (runs_) {
    parse_runs(output, segment, chunk_.data(), costs_, preferred_);
  } else {
    fast_.parse(output, segment, costs_, preferred_, hash_lengths_);
  }
}

void DeflateEncoder::forget(size_t nbytes) {
  fast_.forget(nbytes);
}

}  // namespace tfile
