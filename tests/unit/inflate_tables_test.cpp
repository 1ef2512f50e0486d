#include "codec/inflate_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include "codec/huffman.h"

namespace tfile {
namespace {

// Enumerates all complete codes of up to `symbols` symbols and 15 bits, and finds the largest table. The second-level
// tables depend only on the number of first-level patterns that short codes leave unused, so each such number is
// examined only once.
class TableSizes {
 public:
  TableSizes(unsigned symbols, unsigned index_bits) : symbols_(symbols), index_bits_(index_bits) {}

  size_t largest() {
    const unsigned size = 1U << index_bits_;
    size_t most = size;
    for (unsigned open = 1; open < size; ++open) {
      // The patterns of index_bits_ bits that shorter codes use. They take at least popcount(used) codes.
      const unsigned used = size - open;
      const auto least = static_cast<unsigned>(std::popcount(used));
      for (unsigned longer = 2; longer + least <= symbols_; ++longer)
        most = std::max(most, size + examine(index_bits_ + 1, 2 * open, longer, 0));
    }
    return most;
  }

 private:
  static constexpr unsigned kImpossible = 0;

  // The most entries that second-level tables take, given that `open` patterns of `length` bits are left for `symbols`
  // codes, and `rest` of these patterns belong to the table that has been begun.
  size_t examine(unsigned length, unsigned open, unsigned symbols, unsigned rest) {
    if (symbols < open || symbols > uint64_t{open} << (kMaxCodeLength - length)) return kImpossible;
    const auto key = std::make_tuple(length, open, symbols, rest);
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    size_t most = kImpossible;
    size_t entries = 0;
    for (unsigned used = 0; used <= std::min(open, symbols); ++used) {
      if (used > 0) {
        if (rest == 0) {
          rest = 1U << (length - index_bits_);
          entries += rest;
        }
        --rest;
      }
      if (used == open && used == symbols) {
        most = std::max(most, entries);
      } else if (used < open && length < kMaxCodeLength) {
        // A table that has patterns left is doubled.
        const size_t doubled = rest == 0 ? 0 : size_t{1} << (length - index_bits_);
        const size_t more = examine(length + 1, 2 * (open - used), symbols - used, 2 * rest);
        if (more != kImpossible || 2 * (open - used) == symbols - used) most = std::max(most, entries + doubled + more);
      }
    }
    known_.emplace(key, most);
    return most;
  }

  unsigned symbols_;
  unsigned index_bits_;
  std::map<std::tuple<unsigned, unsigned, unsigned, unsigned>, size_t> known_;
};

TEST(InflateTables, HoldEveryCompleteCode) {
  EXPECT_EQ(TableSizes(kFixedLitlenSymbols, kLitlenIndexBits).largest(), kLitlenEntries);
  EXPECT_EQ(TableSizes(kFixedDistanceSymbols, kDistanceIndexBits).largest(), kDistanceEntries);
}

// What zlib's enough.c prints for the sizes that zlib itself uses (ENOUGH_LENS and ENOUGH_DISTS in its inftrees.h).
TEST(InflateTables, TheEnumerationIsThatOfZlib) {
  EXPECT_EQ(TableSizes(286, 9).largest(), 852U);
  EXPECT_EQ(TableSizes(30, 6).largest(), 592U);
}

InflateEntry look_up(const InflateEntry *table, unsigned index_bits, uint32_t bits, unsigned *length) {
  InflateEntry entry = table[bits & ((1U << index_bits) - 1)];
  *length = entry_code_bits(entry);
  if ((entry & kEntryLink) == 0) return entry;
  entry = table[entry_value(entry) + (bits >> index_bits & ((1U << entry_code_bits(entry)) - 1))];
  *length = index_bits + entry_code_bits(entry);
  return entry;
}

TEST(InflateTables, FindEveryCode) {
  std::mt19937 random(3);
  const auto tables = std::make_unique<InflateTables>();
  for (int i = 0; i < 500; ++i) {
    uint32_t counts[kLitlenSymbols];
    for (uint32_t &count : counts)
      count = random() % 3 == 0 ? 0 : 1U << random() % 20;
    uint8_t lengths[kLitlenSymbols];
    uint16_t codes[kLitlenSymbols];
    make_code_lengths(lengths, counts, kLitlenSymbols, kMaxCodeLength);
    make_codes(codes, lengths, kLitlenSymbols);
    ASSERT_TRUE(build_litlen_table(tables.get(), lengths, kLitlenSymbols));
    build_literal_table(tables.get());
    for (unsigned symbol = 0; symbol < kLitlenSymbols; ++symbol) {
      if (lengths[symbol] == 0) continue;
      const uint32_t bits = codes[symbol] | static_cast<uint32_t>(random()) << lengths[symbol];
      unsigned length = 0;
      const InflateEntry entry = look_up(tables->litlen, kLitlenIndexBits, bits, &length);
      ASSERT_EQ(length, lengths[symbol]);
      ASSERT_EQ((entry & kEntryLiteral) != 0, symbol < kEndOfBlock);
      ASSERT_EQ((entry & kEntryEnd) != 0, symbol == kEndOfBlock);
      const unsigned value = symbol < kEndOfBlock    ? symbol
                             : symbol == kEndOfBlock ? 0
                                                     : kLengthBase[symbol - kFirstLength];
      ASSERT_EQ(entry_value(entry), value);
      const uint16_t literal = tables->literal[bits & ((1U << kLiteralIndexBits) - 1)];
      const bool is_short = symbol < kEndOfBlock && length <= kLiteralIndexBits;
      ASSERT_EQ(literal, is_short ? symbol << 8 | length : kNoShortLiteral);
    }
  }
}

TEST(InflateTables, RefuseWhatDeflateDoesNotAllow) {
  const auto tables = std::make_unique<InflateTables>();
  uint8_t lengths[kDistanceSymbols] = {};
  EXPECT_TRUE(build_distance_table(tables.get(), lengths, kDistanceSymbols)) << "no code at all";
  unsigned length = 0;
  EXPECT_NE(look_up(tables->distance, kDistanceIndexBits, 0, &length) & kEntrySpecial, 0U);
  lengths[7] = 1;
  EXPECT_TRUE(build_distance_table(tables.get(), lengths, kDistanceSymbols)) << "one code of one bit";
  EXPECT_EQ(look_up(tables->distance, kDistanceIndexBits, 0, &length) & kEntrySpecial, 0U);
  EXPECT_NE(look_up(tables->distance, kDistanceIndexBits, 1, &length) & kEntrySpecial, 0U) << "the other bit";
  lengths[7] = 2;
  EXPECT_FALSE(build_distance_table(tables.get(), lengths, kDistanceSymbols)) << "one code of two bits";
  lengths[3] = lengths[7] = lengths[9] = 1;
  EXPECT_FALSE(build_distance_table(tables.get(), lengths, kDistanceSymbols)) << "three codes of one bit";
  uint16_t precode[kPrecodeEntries];
  uint8_t precode_lengths[kPrecodeSymbols] = {};
  EXPECT_FALSE(build_precode_table(precode, precode_lengths)) << "an empty precode";
  precode_lengths[0] = 1;
  EXPECT_FALSE(build_precode_table(precode, precode_lengths)) << "an incomplete precode";
  precode_lengths[18] = 1;
  EXPECT_TRUE(build_precode_table(precode, precode_lengths));
}

}  // namespace
}  // namespace tfile
