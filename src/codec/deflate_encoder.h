// Deflates chunks. The output depends only on the chunk and the level, because all estimates are integers.
#pragma once

#include "codec/block_writer.h"
#include "codec/matcher.h"

namespace tfile {

inline constexpr int kMaxDeflateLevel = 9;
inline constexpr int kDefaultDeflateLevel = 2;

class DeflateEncoder {
 public:
  explicit DeflateEncoder(Memory &memory) : fast_(memory), chains_(memory), sequences_(memory) {}

  // Deflates a chunk so that it can be inflated by itself, and appends at most deflate_bound() bytes to *output. The last
  // chunk ends the stream; the others end at a whole byte. Level 0 stores, 1 to 3 are fast, and 4 to 9 search longer.
  Status run(Vec<uint8_t> *output, Bytes chunk, bool last, int level);

 private:
  // Adjacent segments that will be written as one block.
  struct Pending {
    Bytes bytes;
    size_t sequences = 0;
    SymbolCounts counts{};
    uint64_t cost = 0;
    bool matches = false;  // else it consists of literals only
    bool sampled = false;  // the counts are estimates
  };
  // Two parts of a segment by which it is judged.
  struct Sample {
    Bytes parts[2];
    SymbolCounts literals{};

    size_t size() const { return parts[0].size() + parts[1].size(); }
  };

  Status add_segments(BitWriter *writer);
  Status add_deep_segments(BitWriter *writer);  // the levels from kFirstChainLevel on
  Pending choose_deep_form(Bytes segment);
  void add(BitWriter *writer, const Pending &next);
  // Chooses between matches and literals alone by what they cost. Appends the sequences of the segment to sequences_.
  Pending choose_form(Bytes segment);
  // True if matches cost so little that literals alone need not be counted.
  bool is_cheap(const Pending &next) const;
  // Counts the literals of a segment and estimates their cost.
  void count_as_literals(Pending *next) const;
  // Adds a segment to the pending block if that costs no more than two blocks. Otherwise returns false.
  bool merge(const Pending &next);
  // Searches samples of the segment, and returns true if matches save enough there to search the rest. Then costs_,
  // preferred_, runs_ and hash_lengths_ suit the segment.
  bool worth_matching(Bytes segment);
  // Does the same with samples of this size.
  bool samples_match(Bytes segment, size_t size);
  // False if a segment resembles those before it, in which no matches were found, so that it need not be searched.
  bool must_search(const Pending &literals);
  // Returns true, and the symbols, if runs alone are better than what `matched` has.
  bool better_as_runs(SymbolCounts *matched, const Sample &sample, bool few_values);
  // Appends the segment's literals and matches to sequences_.
  void parse(SymbolCounts *counts, Bytes segment);
  SymbolCounts parse_sample(const Sample &sample);
  void forget(size_t nbytes);
  void flush(BitWriter *writer, bool last);
  uint64_t stored_bits(Bytes bytes) const;
  // Writes a stored block, or adds the bytes to the one before.
  void store(BitWriter *writer, Bytes bytes, bool last);

  int level_ = 0;
  FastMatcher fast_;
  ChainMatcher chains_;
  Bytes chunk_;
  unsigned preferred_ = 1;  // a distance at which many bytes repeat
  bool runs_ = false;       // parse() looks only for matches of that distance
  FastMatcher::HashLengths hash_lengths_{};
  SymbolCosts costs_{};
  uint64_t expected_cost_ = 0;  // of the next segment; 0: unknown
  bool costs_known_ = false;    // of data with matches
  uint64_t literal_cost_ = 0;   // of the last segment that was counted as literals
  unsigned unsearched_ = 0;     // segments since the last one that was searched
  Vec<Sequence> sequences_;     // of the pending block, and of the segment after it
  Pending pending_;
  Bytes stored_;  // what the last stored block contains, if it is the last block and can contain more
  BitWriter before_stored_{nullptr};
};

}  // namespace tfile
