// Writes the blocks of a deflate stream.
#pragma once

#include "base/span.h"
#include "codec/bit_writer.h"
#include "codec/deflate_format.h"

namespace tfile {

// Literals followed by a match. After the last literals of a block there may be no match: then its length is 0.
struct Sequence {
  uint32_t literals;
  uint16_t length;
  uint16_t distance;
};

struct SymbolCounts {
  uint32_t litlen[kLitlenSymbols];
  uint32_t distance[kDistanceSymbols];
};

struct SymbolTables {
  uint8_t length[kMaxMatch + 1];
  // Symbol of each distance d, at index d - 1 if that is below 256, otherwise at 256 + (d - 1) / 128.
  uint8_t distance[512];
};

constexpr SymbolTables make_symbol_tables() {
  SymbolTables made{};
  for (unsigned i = 0; i < kLengthSymbols; ++i) {
    for (unsigned k = 0; k < 1U << kLengthExtra[i] && kLengthBase[i] + k <= kMaxMatch; ++k)
      made.length[kLengthBase[i] + k] = static_cast<uint8_t>(i);
  }
  for (unsigned i = 0; i < kDistanceSymbols; ++i) {
    const unsigned first = kDistanceBase[i] - 1U;
    for (unsigned k = 0; k < 1U << kDistanceExtra[i]; ++k)
      made.distance[first + k < 256 ? first + k : 256 + ((first + k) >> 7)] = static_cast<uint8_t>(i);
  }
  return made;
}

inline constexpr SymbolTables kSymbolTables = make_symbol_tables();

// Returns the symbol of a match length, which is kFirstLength or more.
inline unsigned length_symbol(unsigned length) {
  return kFirstLength + kSymbolTables.length[length];
}

// Returns the symbol of a match distance, which is 0 or more.
inline unsigned distance_symbol(unsigned distance) {
  return kSymbolTables.distance[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)];
}

// The bytes of a block, and the sequences that represent them. Without sequences, all bytes are literals.
struct DeflateBlock {
  Bytes bytes;
  Span<const Sequence> sequences;
  const SymbolCounts *counts;  // not counting the end-of-block symbol
  bool sampled;                // the counts are estimates; only without sequences
  uint64_t stored_bits;        // what storing the bytes costs
};

// Returns how many bytes after the end of the output may be overwritten while blocks of nbytes are written.
size_t write_slack(size_t nbytes);

// Writes a block with fixed codes or with its own, whichever is smaller. Returns false, and leaves the writer as it was, if
// the block should be stored.
bool write_coded(BitWriter *writer, const DeflateBlock &block, bool last);
// Writes stored blocks.
void write_stored(BitWriter *writer, Bytes bytes, bool last);

}  // namespace tfile
