#include "codec/huffman.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <vector>

#include "codec/deflate_format.h"

namespace tfile {
namespace {

// The bits that an unlimited Huffman code needs, by the textbook.
uint64_t best_cost(const std::vector<uint32_t> &counts) {
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> nodes;
  for (const uint32_t count : counts) {
    if (count != 0) nodes.push(count);
  }
  uint64_t cost = 0;
  while (nodes.size() > 1) {
    const uint64_t first = nodes.top();
    nodes.pop();
    const uint64_t second = nodes.top();
    nodes.pop();
    cost += first + second;
    nodes.push(first + second);
  }
  return cost;
}

std::vector<uint32_t> random_counts(std::mt19937 &random) {
  std::vector<uint32_t> counts(1 + random() % kFixedLitlenSymbols);
  const unsigned kind = random() % 4;
  for (uint32_t &count : counts) {
    const auto number = static_cast<uint32_t>(random());
    count = kind == 0   ? number % 3
            : kind == 1 ? number % 1000
            : kind == 2 ? 1U << number % 22
                        : (number % 20 == 0 ? number % 100000 : number % 2);
  }
  return counts;
}

TEST(Huffman, LengthsAreAnOptimalCode) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    const std::vector<uint32_t> counts = random_counts(random);
    const auto used = std::count_if(counts.begin(), counts.end(), [](uint32_t count) { return count != 0; });
    const unsigned limit = i % 3 == 0 ? 9 : i % 3 == 1 ? 12 : 15;
    std::vector<uint8_t> lengths(counts.size());
    make_code_lengths(lengths.data(), counts.data(), static_cast<unsigned>(counts.size()), limit);
    uint64_t cost = 0;
    uint32_t space = 0;
    unsigned longest = 0;
    for (size_t k = 0; k < counts.size(); ++k) {
      ASSERT_EQ(lengths[k] != 0, counts[k] != 0);
      cost += uint64_t{counts[k]} * lengths[k];
      if (lengths[k] != 0) space += 1U << (15 - lengths[k]);
      longest = std::max<unsigned>(longest, lengths[k]);
    }
    ASSERT_LE(longest, limit);
    if (used < 2) continue;
    ASSERT_EQ(space, 1U << 15) << "the code is not complete";
    ASSERT_GE(cost, best_cost(counts));
    if (longest == limit) continue;
    ASSERT_EQ(cost, best_cost(counts));
  }
}

TEST(Huffman, OneSymbolAndNone) {
  const uint32_t counts[] = {0, 7, 0};
  uint8_t lengths[3] = {9, 9, 9};
  make_code_lengths(lengths, counts, 3, 15);
  EXPECT_EQ(lengths[0], 0);
  EXPECT_EQ(lengths[1], 1);
  make_code_lengths(lengths, counts, 1, 15);
  EXPECT_EQ(lengths[0], 0);
}

// RFC 1951, 3.2.2: the example with the lengths 3, 3, 3, 3, 3, 2, 4, 4.
TEST(Huffman, CodesAreCanonical) {
  const uint8_t lengths[] = {3, 3, 3, 3, 3, 2, 4, 4};
  const uint32_t expected[] = {2, 3, 4, 5, 6, 0, 14, 15};
  uint16_t codes[8];
  make_codes(codes, lengths, 8);
  for (unsigned i = 0; i < 8; ++i)
    EXPECT_EQ(codes[i], reverse_code(expected[i], lengths[i])) << i;
}

}  // namespace
}  // namespace tfile
