// Huffman codes of limited length, and what they cost.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace tfile {

// Gives each symbol that occurs a code length of at most `limit`, the others 0. A single symbol gets 1 bit. The lengths
// depend on the counts alone. At most 288 symbols, each of which occurs less than 2^23 times.
void make_code_lengths(uint8_t *lengths, const uint32_t *counts, unsigned symbols, unsigned limit);

// The canonical codes of these lengths, the first bit lowest, as deflate writes them.
void make_codes(uint16_t *codes, const uint8_t *lengths, unsigned symbols);

// Costs are counted in sixteenths of a bit, by integers, so that every machine computes the same ones.
inline constexpr unsigned kCostBit = 16;

// Returns about log2(value) in sixteenths; value must not be 0.
inline unsigned log2_sixteenths(uint32_t value) {
  // 16 * log2(1 + i / 16), rounded.
  constexpr uint8_t kFractions[16] = {0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15};
  const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
  const auto fraction = static_cast<unsigned>((uint64_t{value} << 4) >> exponent) & 15;
  return exponent * kCostBit + kFractions[fraction];
}

// Returns about what symbols that occur so often need in a Huffman code: their entropy, but at least one bit each.
uint64_t entropy_cost(const uint32_t *counts, unsigned symbols);

}  // namespace tfile
