#include "codec/symbol_costs.h"

#include "codec/huffman.h"

namespace tfile {

namespace {

// The maximum cost of a symbol, including those that have not occurred so far, because they may occur later.
constexpr unsigned kMaxCost = 15 * kCostBit;

void learn_costs(uint16_t *costs, const uint32_t *counts, unsigned symbols) {
  uint32_t total = 0;
  for (unsigned i = 0; i < symbols; ++i)
    total += counts[i];
  const unsigned whole = total == 0 ? 0 : log2_sixteenths(total);
  for (unsigned i = 0; i < symbols; ++i) {
    const unsigned cost = counts[i] == 0 ? whole + kCostBit : whole - log2_sixteenths(counts[i]);
    costs[i] = static_cast<uint16_t>(cost < kMaxCost ? (cost < kCostBit ? kCostBit : cost) : kMaxCost);
  }
}

}  // namespace

uint64_t symbols_cost(const SymbolCounts &counts) {
  uint64_t cost = entropy_cost(counts.litlen, kLitlenSymbols) + entropy_cost(counts.distance, kDistanceSymbols);
  for (unsigned i = 0; i < kLengthSymbols; ++i)
    cost += uint64_t{counts.litlen[kFirstLength + i]} * kLengthExtra[i] * kCostBit;
  for (unsigned i = 0; i < kDistanceSymbols; ++i)
    cost += uint64_t{counts.distance[i]} * kDistanceExtra[i] * kCostBit;
  return cost;
}

// Sets the value of each match length, before subtracting the cost of the distance.
void SymbolCosts::set_worth(const uint16_t *length_costs) {
  for (unsigned i = 0; i < kMinMatch; ++i)
    worth[i] = kNoMatch;
  for (unsigned i = kMinMatch; i <= kMaxMatch; ++i)
    worth[i] = static_cast<int32_t>(i) * per_byte - length_costs[i] * kValueScale;
}

void SymbolCosts::guess(const uint32_t *literal_counts) {
  uint16_t costs[256];
  learn_costs(costs, literal_counts, 256);
  for (unsigned i = 0; i < 256; ++i)
    literal[i] = (costs[i] + kCostBit) * kValueScale;
  uint16_t lengths[kMaxMatch + 1];
  for (unsigned i = 0; i <= kMaxMatch; ++i)
    lengths[i] = static_cast<uint16_t>(i < 11 ? 4 * kCostBit : 7 * kCostBit);
  for (unsigned i = 0; i < kDistanceSymbols; ++i)
    distance[i] = static_cast<int32_t>((4 + kDistanceExtra[i]) * kCostBit) * kValueScale;
  uint32_t total = 0;
  for (unsigned i = 0; i < 256; ++i)
    total += literal_counts[i];
  per_byte = total == 0 ? 0 : static_cast<int32_t>(entropy_cost(literal_counts, 256) * kValueScale / total);
  set_worth(lengths);
}

void SymbolCosts::learn(const SymbolCounts &counts, uint64_t nbytes) {
  uint16_t costs[kLitlenSymbols];
  learn_costs(costs, counts.litlen, kLitlenSymbols);
  for (unsigned i = 0; i < 256; ++i)
    literal[i] = costs[i] * kValueScale;
  uint16_t lengths[kMaxMatch + 1];
  for (unsigned i = kMinMatch; i <= kMaxMatch; ++i) {
    const unsigned symbol = length_symbol(i);
    lengths[i] = static_cast<uint16_t>(costs[symbol] + kLengthExtra[symbol - kFirstLength] * kCostBit);
  }
  learn_costs(costs, counts.distance, kDistanceSymbols);
  for (unsigned i = 0; i < kDistanceSymbols; ++i)
    distance[i] = static_cast<int32_t>(costs[i] + kDistanceExtra[i] * kCostBit) * kValueScale;
  per_byte = nbytes == 0 ? 0 : static_cast<int32_t>(symbols_cost(counts) * kValueScale / nbytes);
  set_worth(lengths);
}

}  // namespace tfile
