// Deflates chunks by code of our own. The bytes depend on the chunk and the level alone: all that is computed is integers.
#pragma once

#include "codec/block_writer.h"
#include "codec/matcher.h"

namespace tfile {

inline constexpr int kMaxDeflateLevel = 9;
inline constexpr int kDefaultDeflateLevel = 2;

class DeflateEncoder {
 public:
  explicit DeflateEncoder(Memory &memory) : fast_(memory), chains_(memory), sequences_(memory) {}

  // Appends a chunk, which can be inflated by itself, to *output: at most deflate_bound() bytes. The last chunk ends the
  // stream; the others end at a whole byte. Level 0 stores, 1 to 3 are fast, and 4 to 9 search ever longer.
  Status run(Vec<uint8_t> *output, Bytes chunk, bool last, int level);

 private:
  // Adjacent segments that are to be one block.
  struct Pending {
    Bytes bytes;
    size_t sequences = 0;
    SymbolCounts counts{};
    uint64_t cost = 0;
    bool matches = false;
  };

  Status add_segment(BitWriter *writer, Bytes segment);
  // Parts of a segment that tell what suits it.
  struct Sample {
    Bytes parts[2];
    SymbolCounts literals{};
  };

  // True if matches are worth the search, judging by parts of the segment. Then costs_ is set.
  bool worth_matching(Bytes segment);
  // Appends the segment's literals and matches to sequences_.
  void parse(SymbolCounts *counts, Bytes segment);
  SymbolCounts parse_sample(const Sample &sample);
  void forget();
  void flush(BitWriter *writer, bool last);

  int level_ = 0;
  FastMatcher fast_;
  ChainMatcher chains_;
  unsigned preferred_ = 1;  // a distance at which many bytes repeat
  FastMatcher::HashLengths hash_lengths_{};
  SymbolCosts costs_{};
  bool costs_known_ = false;  // of data with matches
  Vec<Sequence> sequences_;   // of the pending block, and of the segment after it
  Pending pending_;
};

}  // namespace tfile
