// Makes Huffman codes of limited length and estimates their cost.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tfile {

// Computes a code length of at most `limit` for each symbol that occurs, and 0 for the others. If only one symbol
// occurs, it gets 1 bit. The lengths depend only on the counts. There may be at most 288 symbols, each with a count
// below 2^23.
void make_code_lengths(uint8_t *lengths, const uint32_t *counts, unsigned symbols, unsigned limit);

// Computes the canonical codes for these lengths. The first bit of a code is its lowest, which is the order of deflate.
void make_codes(uint16_t *codes, const uint8_t *lengths, unsigned symbols);

// Costs are integers in sixteenths of a bit, so that every machine computes the same values.
inline constexpr unsigned kCostBit = 16;

// Returns approximately log2(value) in sixteenths. The value must not be 0.
inline unsigned log2_sixteenths(uint32_t value) {
  // 16 * log2(1 + i / 16), rounded.
  constexpr uint8_t kFractions[16] = {0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15};
  const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
  const auto fraction = static_cast<unsigned>((uint64_t{value} << 4) >> exponent) & 15;
  return exponent * kCostBit + kFractions[fraction];
}

// Returns the approximate cost of symbols with these counts in a Huffman code: their entropy, but at least one bit
// each.
uint64_t entropy_cost(const uint32_t *counts, unsigned symbols);

}  // namespace tfile
