// Estimates the cost in bits of the symbols of a block from the data before it.
#pragma once

#include "codec/block_writer.h"
#include "codec/huffman.h"

namespace tfile {

// Costs are compared in units of 1/256 of a sixteenth of a bit, because highly compressible data needs less than a
// sixteenth of a bit for each byte.
inline constexpr int32_t kValueScale = 256;

// Returns the approximate cost of these symbols and their extra bits, in sixteenths of a bit.
uint64_t symbols_cost(const SymbolCounts &counts);

// The cost of each symbol, estimated from the counts that guess() or learn() is given. The unit is a sixteenth of a bit
// divided by kValueScale, so a cost of one bit is stored as 16 * kValueScale.
struct SymbolCosts {
  static constexpr int32_t kNoMatch = INT32_MIN / 2;

  int32_t per_byte;  // average cost of a byte
  int32_t literal[256];
  int32_t
      worth[kMaxMatch + 1];  // for each length: the average cost of that many bytes minus the cost of the length symbol
  int32_t distance[kDistanceSymbols];

  // True if a match at `at` is better than a literal: it saves more, compared with the average cost, than the literal
  // does, or it costs less than its bytes as literals. The second test matters where literals are cheap, because there
  // the average cost does not reflect the value of a rare match.
  bool beats_literals(const uint8_t *at, unsigned length, int32_t value) const {
    if (value > per_byte - literal[*at]) return true;
    const auto bytes = static_cast<int32_t>(length);
    return bytes * per_byte - value < literal[*at] + (bytes - 1) * literal[at[length - 1]];
  }

  // Estimates the costs from counts of literals, if there are no matches to learn from yet.
  void guess(const uint32_t *literal_counts);
  void learn(const SymbolCounts &counts, uint64_t nbytes);

 private:
  void set_worth(const uint16_t *length_costs);
};

}  // namespace tfile
