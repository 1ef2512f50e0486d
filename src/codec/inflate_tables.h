// The tables for decoding the codes of a deflate block.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/deflate_format.h"

namespace tfile {

// An entry of a table. The index is the next bits of the input; the first bit of a code is the lowest bit.
//
//   bits 0-7    number of bits to consume: the code and its extra bits; for a link, the bits of the first-level index
//   bits 8-11   number of bits of the code alone; for a link, the index bits of the second level
//   bit 12      the entry is a literal
//   bit 13      the entry needs special treatment: a link, the end of the block or an invalid code
//   bit 14      the entry is a link to a table of the second level
//   bit 15      the entry is the end of the block (a special entry that is neither this nor a link is invalid)
//   bits 16-31  the literal, the base of the length or distance, or the start of the linked table
using InflateEntry = uint32_t;

inline constexpr InflateEntry kEntryLiteral = 1U << 12;
inline constexpr InflateEntry kEntrySpecial = 1U << 13;
inline constexpr InflateEntry kEntryLink = 1U << 14;
inline constexpr InflateEntry kEntryEnd = 1U << 15;
inline constexpr unsigned kEntryValueShift = 16;

constexpr unsigned entry_bits(InflateEntry entry) {
  return entry & 0xff;
}
constexpr unsigned entry_code_bits(InflateEntry entry) {
  return entry >> 8 & 15;
}
constexpr uint32_t entry_value(InflateEntry entry) {
  return entry >> kEntryValueShift;
}

// The index bits of the first-level tables, and the maximum number of entries that both levels can need. A test
// enumerates all complete codes to prove the sizes (inflate_tables_test.cpp).
inline constexpr unsigned kLitlenIndexBits = 11;
inline constexpr unsigned kDistanceIndexBits = 8;
inline constexpr size_t kLitlenEntries = 2342;
inline constexpr size_t kDistanceEntries = 402;
// A block without matches also gets a one-level table for its short codes. In its entries, bits 0-7 are the length of
// the code and bits 8-15 the literal.
inline constexpr unsigned kLiteralIndexBits = 11;
inline constexpr uint16_t kNoShortLiteral = 51;

struct InflateTables {
  InflateEntry litlen[kLitlenEntries];
  InflateEntry distance[kDistanceEntries];
  uint16_t literal[size_t{1} << kLiteralIndexBits];
};

// The number of entries in the precode's table. An entry contains the symbol in bits 0-7 and the length of its code
// above.
inline constexpr size_t kPrecodeEntries = size_t{1} << kMaxPrecodeLength;

// These build a table from the code lengths of all symbols, and return false if deflate does not allow the code: if it
// is over-subscribed or incomplete. A code with no symbols, or with a single symbol of one bit, may be incomplete; its
// unused bit patterns get invalid entries. The precode must be complete.
bool build_precode_table(uint16_t *table, const uint8_t *lengths);
bool build_litlen_table(InflateTables *tables, const uint8_t *lengths, unsigned symbols);
bool build_distance_table(InflateTables *tables, const uint8_t *lengths, unsigned symbols);
// Builds the one-level table of literals from the table of literals and lengths.
void build_literal_table(InflateTables *tables);
// Builds the tables for the fixed codes.
void build_fixed_tables(InflateTables *tables);

}  // namespace tfile
