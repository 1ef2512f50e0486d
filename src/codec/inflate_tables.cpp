#include "codec/inflate_tables.h"

#include <cstring>

namespace tfile {

namespace {

constexpr InflateEntry kInvalidEntry = kEntrySpecial | 1U << 8 | 1;

// The symbols of a code, sorted by code length and then by number, which is the order of canonical codes.
struct SortedCode {
  uint16_t counts[kMaxCodeLength + 1] = {};  // the number of codes of each length
  uint16_t symbols[kFixedLitlenSymbols];
  unsigned used = 0;
  unsigned longest = 0;
  bool complete = false;

  // Sorts the symbols. Returns false if the code is over-subscribed, or is incomplete and has more than a single code
  // of one bit.
  bool sort(const uint8_t *lengths, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      ++counts[lengths[i]];
    used = count - counts[0];
    counts[0] = 0;
    unsigned starts[kMaxCodeLength + 2] = {};
    uint32_t space = 1;
    for (unsigned length = 1; length <= kMaxCodeLength; ++length) {
      starts[length + 1] = starts[length] + counts[length];
      if (counts[length] > space * 2) return false;
      space = space * 2 - counts[length];
      if (counts[length] != 0) longest = length;
    }
    for (unsigned i = 0; i < count; ++i) {
      if (lengths[i] != 0) symbols[starts[lengths[i]]++] = static_cast<uint16_t>(i);
    }
    complete = space == 0;
    return complete || longest <= 1;
  }
};

// Returns the next code of the same length. Codes here are bit-reversed, so this adds 1 at the highest bit and carries
// downwards.
uint32_t next_code(uint32_t code, unsigned length) {
  uint32_t bit = 1U << (length - 1);
  while ((code & bit) != 0)
    bit >>= 1;
  return bit == 0 ? 0 : (code & (bit - 1)) | bit;
}

// Returns the index bits of the second-level table that begins with the next code of this length: the minimum for all
// codes that share its first-level bits.
unsigned link_bits(const SortedCode &code, const uint16_t *remaining, unsigned length, unsigned index_bits) {
  unsigned bits = length - index_bits;
  uint32_t space = 1U << bits;
  while (remaining[length] < space && length < code.longest) {
    space = (space - remaining[length]) * 2;
    ++length;
    ++bits;
  }
  return bits;
}

// Builds a table from a code. `entry_of` returns the value, flags and extra bits of a symbol; the length of the code is
// added.
template <typename EntryOf>
class TableFiller {
 public:
  TableFiller(InflateEntry *table, unsigned index_bits, const SortedCode &code, EntryOf entry_of)
      : table_(table), index_bits_(index_bits), code_(code), symbol_(code.symbols), entry_of_(entry_of) {
    memcpy(remaining_, code.counts, sizeof(remaining_));
  }

  void fill() {
    const size_t size = size_t{1} << index_bits_;
    if (!code_.complete) {
      for (size_t i = 0; i < size; ++i)
        table_[i] = kInvalidEntry;
    }
    unsigned length = 1;
    for (; length <= index_bits_; ++length) {
      // Only the first 2^length entries are written; they are then copied to double the table. Entries that are still
      // missing are prefixes of longer codes.
      for (; remaining_[length] != 0; --remaining_[length], bits_ = next_code(bits_, length))
        table_[bits_] = next_entry(length, length);
      const size_t filled = size_t{1} << length;
      if (filled < size) memcpy(table_ + filled, table_, filled * sizeof(InflateEntry));
    }
    size_t end = size;  // the end of the tables written so far
    for (; length <= code_.longest; ++length) {
      for (; remaining_[length] != 0; --remaining_[length], bits_ = next_code(bits_, length))
        fill_linked(length, &end);
    }
  }

 private:
  InflateEntry next_entry(unsigned consumed, unsigned code_bits) {
    return entry_of_(*symbol_++) + consumed + (code_bits << 8);
  }

  void fill_linked(unsigned length, size_t *end) {
    const uint32_t first = bits_ & ((1U << index_bits_) - 1);
    if (first != linked_) {
      linked_ = first;
      target_ = table_ + *end;
      target_bits_ = link_bits(code_, remaining_, length, index_bits_);
      table_[first] = static_cast<InflateEntry>(*end) << kEntryValueShift | kEntrySpecial | kEntryLink |
                      target_bits_ << 8 | index_bits_;
      *end += size_t{1} << target_bits_;
    }
    // The link entry consumes the first index_bits_ bits of the code.
    const unsigned rest = length - index_bits_;
    const InflateEntry entry = next_entry(rest, rest);
    for (size_t i = bits_ >> index_bits_; i < size_t{1} << target_bits_; i += size_t{1} << rest)
      target_[i] = entry;
  }

  InflateEntry *table_;
  unsigned index_bits_;
  const SortedCode &code_;
  const uint16_t *symbol_;
  EntryOf entry_of_;
  uint16_t remaining_[kMaxCodeLength + 1];
  uint32_t bits_ = 0;  // the next code
  uint32_t linked_ = UINT32_MAX;
  InflateEntry *target_ = nullptr;
  unsigned target_bits_ = 0;
};

InflateEntry litlen_entry(unsigned symbol) {
  if (symbol < kEndOfBlock) return symbol << kEntryValueShift | kEntryLiteral;
  if (symbol == kEndOfBlock) return kEntrySpecial | kEntryEnd;
  const unsigned i = symbol - kFirstLength;
  if (i >= kLengthSymbols) return kEntrySpecial;
  return static_cast<InflateEntry>(kLengthBase[i]) << kEntryValueShift | kLengthExtra[i];
}

InflateEntry distance_entry(unsigned symbol) {
  if (symbol >= kDistanceSymbols) return kEntrySpecial;
  return static_cast<InflateEntry>(kDistanceBase[symbol]) << kEntryValueShift | kDistanceExtra[symbol];
}

}  // namespace

bool build_precode_table(uint16_t *table, const uint8_t *lengths) {
  SortedCode code;
  if (!code.sort(lengths, kPrecodeSymbols) || !code.complete) return false;
  uint32_t bits = 0;
  const uint16_t *symbol = code.symbols;
  for (unsigned length = 1; length <= code.longest; ++length) {
    for (unsigned i = 0; i < code.counts[length]; ++i, ++symbol, bits = next_code(bits, length)) {
      for (size_t k = bits; k < kPrecodeEntries; k += size_t{1} << length)
        table[k] = static_cast<uint16_t>(*symbol | length << 8);
    }
  }
  return true;
}

bool build_litlen_table(InflateTables *tables, const uint8_t *lengths, unsigned symbols) {
  SortedCode code;
  if (!code.sort(lengths, symbols)) return false;
  TableFiller(tables->litlen, kLitlenIndexBits, code, litlen_entry).fill();
  return true;
}

bool build_distance_table(InflateTables *tables, const uint8_t *lengths, unsigned symbols) {
  SortedCode code;
  if (!code.sort(lengths, symbols)) return false;
  TableFiller(tables->distance, kDistanceIndexBits, code, distance_entry).fill();
  return true;
}

void build_literal_table(InflateTables *tables) {
  constexpr size_t kFirstLevel = size_t{1} << kLitlenIndexBits;
  for (size_t i = 0; i < size_t{1} << kLiteralIndexBits; ++i) {
    InflateEntry entry = tables->litlen[i & (kFirstLevel - 1)];
    unsigned length = entry_code_bits(entry);
    if ((entry & kEntryLink) != 0) {
      entry = tables->litlen[entry_value(entry) + (i >> kLitlenIndexBits & ((1U << length) - 1))];
      length = entry_code_bits(entry) + kLitlenIndexBits;
    }
    const bool fits = (entry & kEntryLiteral) != 0 && length <= kLiteralIndexBits;
    tables->literal[i] = static_cast<uint16_t>(fits ? entry_value(entry) << 8 | length : kNoShortLiteral);
  }
}

void build_fixed_tables(InflateTables *tables) {
  uint8_t lengths[kFixedLitlenSymbols];
  for (unsigned i = 0; i < kFixedLitlenSymbols; ++i)
    lengths[i] = fixed_litlen_length(i);
  (void)build_litlen_table(tables, lengths, kFixedLitlenSymbols);
  memset(lengths, kFixedDistanceLength, kFixedDistanceSymbols);
  (void)build_distance_table(tables, lengths, kFixedDistanceSymbols);
}

}  // namespace tfile
