// The tables by which codes of a deflate block are decoded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/deflate_format.h"

namespace tfile {

// An entry of a table. A table is indexed by the next bits of the input, the code's first bit lowest.
//
//   bits 0-7    bits to consume: the code and its extra bits; of a link the bits of the first-level index
//   bits 8-11   bits of the code alone; of a link the index bits of the second level
//   bit 12      the entry is a literal
//   bit 13      the entry needs special treatment: a link, the end of the block or an invalid code
//   bit 14      the entry is a link to a table of the second level
//   bit 15      the entry is the end of the block (else, if special and no link: invalid)
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

// Index bits of the first level, and the entries that both levels can need. inflate_tables_test.cpp proves the sizes by
// going through all complete codes.
inline constexpr unsigned kLitlenIndexBits = 11;
inline constexpr unsigned kDistanceIndexBits = 8;
inline constexpr size_t kLitlenEntries = 2342;
inline constexpr size_t kDistanceEntries = 402;
// A block without matches also gets a table of one level for its short codes: bits 0-7 are the bits of the code, bits
// 8-15 the literal.
inline constexpr unsigned kLiteralIndexBits = 11;
inline constexpr uint16_t kNoShortLiteral = 63;

struct InflateTables {
  InflateEntry litlen[kLitlenEntries];
  InflateEntry distance[kDistanceEntries];
  uint16_t literal[size_t{1} << kLiteralIndexBits];
};

// Entries of the table for the precode: the symbol and, from bit 8 on, the bits of its code.
inline constexpr size_t kPrecodeEntries = size_t{1} << kMaxPrecodeLength;

// Each of these builds from the code lengths of all symbols, and returns false if they are not a code that deflate
// allows: over-subscribed or incomplete. Only one code of one bit, or no code, may be incomplete; what it leaves out is
// invalid when it is met. The precode must be complete.
bool build_precode_table(uint16_t *table, const uint8_t *lengths);
bool build_litlen_table(InflateTables *tables, const uint8_t *lengths, unsigned symbols);
bool build_distance_table(InflateTables *tables, const uint8_t *lengths, unsigned symbols);
// Fills `literal` from `litlen`.
void build_literal_table(InflateTables *tables);
// The code of fixed blocks.
void build_fixed_tables(InflateTables *tables);

}  // namespace tfile
