#include "codec/block_writer.h"

#include "base/cpu.h"
#include "codec/deflate.h"
#include "codec/huffman.h"
#include "codec/literal_counts.h"
#include "codec/literal_writer.h"

namespace tfile {

namespace {

// The maximum code length in a block without matches. Up to this length, a decoder needs only one table look-up.
constexpr unsigned kWrittenLiteralLimit = 11;
// A block is only coded if that saves more bits than padding the last byte and a flush after it can add, so that the sum
// of all blocks never exceeds deflate_bound().
constexpr uint64_t kMinSaved = 3 + 8 + 40;
// The number of literals to write before the size is compared with the limit again.
constexpr size_t kSampledPiece = size_t{16} << 10;

// The code lengths of a block, converted to symbols of the code length code (the precode).
class LengthsWriter {
 public:
  LengthsWriter(const uint8_t *litlen, const uint8_t *distance) {
    while (litlen_ > kFirstLength && litlen[litlen_ - 1] == 0)
      --litlen_;
    while (distance_ > 1 && distance[distance_ - 1] == 0)
      --distance_;
    uint8_t all[kLitlenSymbols + kDistanceSymbols];
    memcpy(all, litlen, litlen_);
    memcpy(all + litlen_, distance, distance_);
    const unsigned total = litlen_ + distance_;
    for (unsigned i = 0; i < total;) {
      unsigned run = 1;
      while (i + run < total && all[i + run] == all[i])
        ++run;
      add_run(all[i], run);
      i += run;
    }
    make_code_lengths(lengths_, counts_, kPrecodeSymbols, kMaxPrecodeLength);
    while (precode_ > 4 && lengths_[kPrecodeOrder[precode_ - 1]] == 0)
      --precode_;
  }

  uint64_t bits() const {
    uint64_t bits = 5 + 5 + 4 + 3 * precode_;
    for (unsigned i = 0; i < kPrecodeSymbols; ++i)
      bits += uint64_t{counts_[i]} * (lengths_[i] + extra_bits(i));
    return bits;
  }

  void write(BitWriter *writer) const {
    writer->put(litlen_ - kFirstLength, 5);
    writer->put(distance_ - 1, 5);
    writer->put(precode_ - 4, 4);
    for (unsigned i = 0; i < precode_; ++i)
      writer->put(lengths_[kPrecodeOrder[i]], 3);
    uint16_t codes[kPrecodeSymbols];
    make_codes(codes, lengths_, kPrecodeSymbols);
    for (unsigned i = 0; i < size_; ++i) {
      writer->put(codes[symbols_[i]], lengths_[symbols_[i]]);
      writer->put(extras_[i], extra_bits(symbols_[i]));
    }
  }

 private:
  static unsigned extra_bits(unsigned symbol) {
    return symbol == kRepeatLength ? 2 : symbol == kRepeatZeros ? 3 : symbol == kRepeatManyZeros ? 7 : 0;
  }
  void add(unsigned symbol, unsigned extra) {
    symbols_[size_] = static_cast<uint8_t>(symbol);
    extras_[size_++] = static_cast<uint8_t>(extra);
    ++counts_[symbol];
  }
  void add_run(unsigned length, unsigned run) {
    while (length == 0 && run >= 3) {
      const unsigned count = run < 138 ? run : 138;
      add(count < 11 ? kRepeatZeros : kRepeatManyZeros, count - (count < 11 ? 3 : 11));
      run -= count;
    }
    if (length != 0 && run >= 4) {
      add(length, 0);
      for (--run; run >= 3;) {
        const unsigned count = run < 6 ? run : 6;
        add(kRepeatLength, count - 3);
        run -= count;
      }
    }
    for (; run > 0; --run)
      add(length, 0);
  }

  unsigned litlen_ = kLitlenSymbols;
  unsigned distance_ = kDistanceSymbols;
  unsigned precode_ = kPrecodeSymbols;
  unsigned size_ = 0;
  uint8_t symbols_[kLitlenSymbols + kDistanceSymbols];
  uint8_t extras_[kLitlenSymbols + kDistanceSymbols];
  uint32_t counts_[kPrecodeSymbols] = {};
  uint8_t lengths_[kPrecodeSymbols];
};

// The codes of a block in the form in which they are written.
struct BlockCodes {
  uint8_t litlen_lengths[kFixedLitlenSymbols];
  uint8_t distance_lengths[kFixedDistanceSymbols];
  PackedCode literal[256];
  PackedCode length[kMaxMatch + 1];  // includes the extra bits: at most 19 bits
  PackedCode distance[kFixedDistanceSymbols];
  PackedCode end;

  void set(unsigned symbols, unsigned distances) {
    uint16_t litlen_codes[kFixedLitlenSymbols];
    uint16_t distance_codes[kFixedDistanceSymbols];
    make_codes(litlen_codes, litlen_lengths, symbols);
    make_codes(distance_codes, distance_lengths, distances);
    const auto packed = [](uint32_t code, unsigned bits) { return code << kPackedShift | bits; };
    for (unsigned i = 0; i < 256; ++i)
      literal[i] = packed(litlen_codes[i], litlen_lengths[i]);
    end = packed(litlen_codes[kEndOfBlock], litlen_lengths[kEndOfBlock]);
    for (unsigned i = 0; i < distances; ++i)
      distance[i] = packed(distance_codes[i], distance_lengths[i]);
    for (unsigned i = kMinMatch; i <= kMaxMatch; ++i) {
      const unsigned symbol = kSymbolTables.length[i];
      const unsigned bits = litlen_lengths[kFirstLength + symbol];
      length[i] =
          packed(litlen_codes[kFirstLength + symbol] | (i - kLengthBase[symbol]) << bits, bits + kLengthExtra[symbol]);
    }
  }
};

void write_literals(BitWriter *writer, const BlockCodes &codes, Bytes bytes) {
#if defined(TENSORFILE_LITERALS_VBMI)
  if (cpu_has_vbmi()) return put_literals_vbmi(writer, codes.literal, bytes.data(), bytes.size());
#endif
  put_literals(writer, codes.literal, bytes.data(), bytes.size());
}

inline void write_match(BitWriter *writer, const BlockCodes &codes, const Sequence &match) {
  const unsigned symbol = distance_symbol(match.distance);
  put_code(writer, codes.length[match.length]);
  put_code(writer, codes.distance[symbol]);
  writer->add(match.distance - kDistanceBase[symbol], kDistanceExtra[symbol]);
  writer->flush();
}

void write_sequences(BitWriter *shared, const BlockCodes &codes, const DeflateBlock &block) {
  BitWriter writer = *shared;  // in registers, because nothing else points to it
  const uint8_t *at = block.bytes.data();
  for (const Sequence &sequence : block.sequences) {
    put_literals(&writer, codes.literal, at, sequence.literals);
    at += sequence.literals;
    if (sequence.length == 0) continue;
    write_match(&writer, codes, sequence);
    at += sequence.length;
  }
  *shared = writer;
}

void write_symbols(BitWriter *writer, const BlockCodes &codes, const DeflateBlock &block) {
  if (block.sequences.empty()) {
    write_literals(writer, codes, block.bytes);
  } else {
    write_sequences(writer, codes, block);
  }
  put_code(writer, codes.end);
  writer->flush();
}

uint64_t symbol_bits(const SymbolCounts &counts, const BlockCodes &codes) {
  uint64_t bits = codes.litlen_lengths[kEndOfBlock];
  for (unsigned i = 0; i < kEndOfBlock; ++i)
    bits += uint64_t{counts.litlen[i]} * codes.litlen_lengths[i];
  for (unsigned i = 0; i < kLengthSymbols; ++i)
    bits += uint64_t{counts.litlen[kFirstLength + i]} * (codes.litlen_lengths[kFirstLength + i] + kLengthExtra[i]);
  for (unsigned i = 0; i < kDistanceSymbols; ++i)
    bits += uint64_t{counts.distance[i]} * (codes.distance_lengths[i] + kDistanceExtra[i]);
  return bits;
}

void write_kind(BitWriter *writer, DeflateBlockKind kind, bool last) {
  writer->put((last ? 1 : 0) | static_cast<unsigned>(kind) << 1, 3);
}

// Writes a block of literals with codes that are made from estimated counts. Returns false, and leaves the writer as it
// was, if the block would be larger than the estimate by more than a 64th, or not smaller than stored.
bool write_sampled(BitWriter *shared, const DeflateBlock &block, bool last) {
  SymbolCounts counts = *block.counts;
  counts.litlen[kEndOfBlock] = 1;
  BlockCodes codes;
  make_code_lengths(codes.litlen_lengths, counts.litlen, kLitlenSymbols, kWrittenLiteralLimit);
  memset(codes.distance_lengths, 0, sizeof(codes.distance_lengths));
  const LengthsWriter lengths(codes.litlen_lengths, codes.distance_lengths);
  const uint64_t expected = lengths.bits() + symbol_bits(counts, codes);
  const uint64_t stored = block.stored_bits - kMinSaved;
  const uint64_t limit = expected + expected / 64 < stored ? expected + expected / 64 : stored;
  codes.set(kLitlenSymbols, kDistanceSymbols);
  BitWriter writer = *shared;
  const uint8_t *const end = writer.at() + limit / 8;
  write_kind(&writer, DeflateBlockKind::kDynamic, last);
  lengths.write(&writer);
  for (Bytes rest = block.bytes; !rest.empty() && writer.at() < end; rest = rest.from(kSampledPiece))
    write_literals(&writer, codes, rest.first(kSampledPiece));
  if (writer.at() >= end) return false;
  put_code(&writer, codes.end);
  writer.flush();
  *shared = writer;
  return true;
}

}  // namespace

void write_stored(BitWriter *writer, Bytes bytes, bool last) {
  do {
    const Bytes piece = bytes.first(kMaxStored);
    bytes = bytes.from(piece.size());
    write_kind(writer, DeflateBlockKind::kStored, last && bytes.empty());
    uint8_t *const head = writer->align();
    store_le(head, static_cast<uint16_t>(piece.size()));
    store_le(head + 2, static_cast<uint16_t>(~piece.size()));
    if (!piece.empty()) memcpy(head + 4, piece.data(), piece.size());
    writer->advance(4 + piece.size());
  } while (!bytes.empty());
}

size_t write_slack(size_t nbytes) {
  // BitWriter stores whole words.
  const size_t piece = nbytes < kSampledPiece ? nbytes : kSampledPiece;
  return piece * kWrittenLiteralLimit / 8 + 2 * sizeof(uint64_t);
}

bool write_coded(BitWriter *writer, const DeflateBlock &block, bool last) {
  SymbolCounts counts = *block.counts;
  if (block.sampled) {
    if (write_sampled(writer, block, last)) return true;
    count_literals(counts.litlen, block.bytes);
  }
  counts.litlen[kEndOfBlock] = 1;
  BlockCodes dynamic;
  const unsigned limit = block.sequences.empty() ? kWrittenLiteralLimit : kMaxPackedLiteral;
  make_code_lengths(dynamic.litlen_lengths, counts.litlen, kLitlenSymbols, limit);
  make_code_lengths(dynamic.distance_lengths, counts.distance, kDistanceSymbols, kMaxCodeLength);
  const LengthsWriter lengths(dynamic.litlen_lengths, dynamic.distance_lengths);
  const uint64_t dynamic_bits = lengths.bits() + symbol_bits(counts, dynamic);
  BlockCodes fixed;
  for (unsigned i = 0; i < kFixedLitlenSymbols; ++i)
    fixed.litlen_lengths[i] = fixed_litlen_length(i);
  memset(fixed.distance_lengths, kFixedDistanceLength, sizeof(fixed.distance_lengths));
  const uint64_t fixed_bits = symbol_bits(counts, fixed);
  const uint64_t least = dynamic_bits < fixed_bits ? dynamic_bits : fixed_bits;
  if (!block.bytes.empty() && least + kMinSaved >= block.stored_bits) return false;
  const bool is_fixed = fixed_bits <= dynamic_bits;
  write_kind(writer, is_fixed ? DeflateBlockKind::kFixed : DeflateBlockKind::kDynamic, last);
  if (is_fixed) {
    fixed.set(kFixedLitlenSymbols, kFixedDistanceSymbols);
    write_symbols(writer, fixed, block);
    return true;
  }
  lengths.write(writer);
  dynamic.set(kLitlenSymbols, kDistanceSymbols);
  write_symbols(writer, dynamic, block);
  return true;
}

}  // namespace tfile
