// Deflates chunks by code of our own. The bytes depend on the chunk and the level alone: all that is computed is integers.
#pragma once

#include "codec/block_writer.h"
#include "codec/match_finder.h"

namespace tfile {

inline constexpr int kMaxDeflateLevel = 9;
inline constexpr int kDefaultDeflateLevel = 2;

class DeflateEncoder {
 public:
  explicit DeflateEncoder(Memory &memory) : finder_(memory), sequences_(memory) {}

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
  // Whether matches are worth the search, judging by parts of the segment.
  Status worth_matching(bool *worth, Bytes segment, const uint32_t *literal_counts);
  // Cuts a segment into literals and matches, which it appends to sequences_.
  void parse(SymbolCounts *counts, Bytes segment);
  void parse_part(SymbolCounts *counts, Bytes part);
  void append(uint32_t literals, const Match &match, SymbolCounts *counts);
  void flush(BitWriter *writer, bool last);

  Bytes chunk_;
  SearchEffort effort_{};
  MatchFinder finder_;
  SymbolCosts costs_{};
  bool costs_known_ = false;  // of data with matches
  Vec<Sequence> sequences_;   // of the pending block, and of the segment after it
  Pending pending_;
};

}  // namespace tfile
