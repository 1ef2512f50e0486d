// What the symbols of a block cost, estimated by what was written before.
#pragma once

#include "codec/block_writer.h"
#include "codec/huffman.h"

namespace tfile {

// Costs are compared in this part of a sixteenth of a bit, because data that shrink much have less for each byte.
inline constexpr int32_t kValueScale = 256;

// Returns about what these symbols and their extra bits cost, in sixteenths of a bit.
uint64_t symbols_cost(const SymbolCounts &counts);

// What symbols cost by what was written before, times kValueScale.
struct SymbolCosts {
  static constexpr int32_t kNoMatch = INT32_MIN / 2;

  int32_t per_byte;  // on average
  int32_t literal[256];
  int32_t worth[kMaxMatch + 1];  // of a length: what as many bytes cost on average, less the cost of the length
  int32_t distance[kDistanceSymbols];

  // True if a match is worth taking at `at`: it saves more against the average than the literal there, or costs less than
  // its bytes as literals. (Where literals alone are cheap, the average tells nothing about a rare match.)
  bool beats_literals(const uint8_t *at, unsigned length, int32_t value) const {
    if (value > per_byte - literal[*at]) return true;
    const auto bytes = static_cast<int32_t>(length);
    return bytes * per_byte - value < literal[*at] + (bytes - 1) * literal[at[length - 1]];
  }

  // Without matches before: from the literals.
  void guess(const uint32_t *literal_counts);
  void learn(const SymbolCounts &counts, uint64_t nbytes);

 private:
  void set_worth(const uint16_t *length_costs);
};

}  // namespace tfile
