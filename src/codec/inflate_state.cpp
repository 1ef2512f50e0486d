#include "codec/inflate_state.h"

namespace tfile {

void InflateState::begin(const InflateLoops &loops, bool interleaved) {
  loops_ = &loops;
  interleaved_ = interleaved;
  literals_only_ = false;
  step_ = Step::kBlock;
  last_block_ = false;
  bit_count_ = 0;
  bits_ = 0;
  window_size_ = window_next_ = 0;
}

void InflateState::run(InflateCursor *cursor) {
  do
    decode_far_from_end(cursor);
  while (step(cursor));
}

void InflateState::run_until_literals(InflateCursor *cursor) {
  do {
    if (!literals_only_) decode_far_from_end(cursor);
  } while (step(cursor) && !has_literals(*cursor));
}

void InflateState::decode_far_from_end(InflateCursor *cursor) {
  const bool far_from_end = cursor->in_remaining() >= kFastInput && cursor->out_remaining() >= kFastOutput;
  if (step_ != Step::kSymbols || !far_from_end) return;
  InflateLane fast = lane(*cursor);
  InflateMatch match{};
  const FastStop stop = loops_->decode(&fast, &match);
  resume(fast, cursor);
  if (stop == FastStop::kInvalid) step_ = Step::kInvalid;
  if (stop != FastStop::kEarlier) return;
  length_ = match.length;
  distance_ = match.distance;
  step_ = distance_ <= history(*cursor) ? Step::kCopy : Step::kInvalid;
}

InflateLane InflateState::lane(const InflateCursor &cursor) const {
  const InflateBits in{cursor.in, bits_, bit_count_};
  return InflateLane{in, cursor.in_end, cursor.out, cursor.out_end, cursor.out_begin, &tables_};
}

void InflateState::resume(const InflateLane &lane, InflateCursor *cursor) {
  cursor->in = lane.in.in;
  cursor->out = lane.out;
  bits_ = lane.in.bits;
  bit_count_ = lane.in.count;
}

bool InflateState::step(InflateCursor *cursor) {
  switch (step_) {
    case Step::kBlock:
      return start_block(cursor);
    case Step::kStoredSize:
      return read_stored_size(cursor);
    case Step::kStored:
      return copy_stored(cursor);
    case Step::kCounts:
      return read_counts(cursor);
    case Step::kPrecode:
      return read_precode(cursor);
    case Step::kLengths:
      return read_lengths(cursor);
    case Step::kSymbols:
      return decode_symbol(cursor);
    case Step::kDistance:
      return decode_distance(cursor);
    case Step::kCopy:
      return copy_match(cursor);
    default:
      return false;
  }
}

// Reads input until at least `count` bits are available. Reads single bytes, so that it never reads past the end of the
// stream.
bool InflateState::need(InflateCursor *cursor, unsigned count) {
  while (bit_count_ < count) {
    if (cursor->in == cursor->in_end) return false;
    bits_ |= uint64_t{*cursor->in++} << bit_count_;
    bit_count_ += 8;
  }
  return true;
}

uint32_t InflateState::take(unsigned count) {
  const auto value = static_cast<uint32_t>(bits_ & ((uint64_t{1} << count) - 1));
  bits_ >>= count;
  bit_count_ -= count;
  return value;
}

bool InflateState::start_block(InflateCursor *cursor) {
  if (last_block_) {
    step_ = Step::kDone;
    bits_ = 0;
    bit_count_ = 0;
    return false;
  }
  if (!need(cursor, 3)) return false;
  last_block_ = take(1) != 0;
  switch (take(2)) {
    case static_cast<uint32_t>(DeflateBlockKind::kStored):
      take(bit_count_ & 7);
      step_ = Step::kStoredSize;
      break;
    case static_cast<uint32_t>(DeflateBlockKind::kFixed):
      build_fixed_tables(&tables_);
      literals_only_ = false;
      step_ = Step::kSymbols;
      break;
    case static_cast<uint32_t>(DeflateBlockKind::kDynamic):
      step_ = Step::kCounts;
      break;
    default:
      step_ = Step::kInvalid;
  }
  return true;
}

bool InflateState::read_stored_size(InflateCursor *cursor) {
  if (!need(cursor, 32)) return false;
  const uint32_t size = take(16);
  const uint32_t complement = take(16);
  length_ = size;
  step_ = (size ^ complement) == 0xffff ? Step::kStored : Step::kInvalid;
  return true;
}

bool InflateState::copy_stored(InflateCursor *cursor) {
  size_t count = cursor->in_remaining() < cursor->out_remaining() ? cursor->in_remaining() : cursor->out_remaining();
  if (count > length_) count = length_;
  if (count > 0) memcpy(cursor->out, cursor->in, count);
  cursor->in += count;
  cursor->out += count;
  length_ -= count;
  if (length_ > 0) return false;
  step_ = Step::kBlock;
  return true;
}

bool InflateState::read_counts(InflateCursor *cursor) {
  if (!need(cursor, 14)) return false;
  litlen_count_ = take(5) + kFirstLength;
  distance_count_ = take(5) + 1;
  precode_count_ = take(4) + 4;
  index_ = 0;
  memset(lengths_, 0, kPrecodeSymbols);
  const bool valid = litlen_count_ <= kLitlenSymbols && distance_count_ <= kDistanceSymbols;
  step_ = valid ? Step::kPrecode : Step::kInvalid;
  return true;
}

bool InflateState::read_precode(InflateCursor *cursor) {
  for (; index_ < precode_count_; ++index_) {
    if (!need(cursor, 3)) return false;
    lengths_[kPrecodeOrder[index_]] = static_cast<uint8_t>(take(3));
  }
  index_ = 0;
  step_ = build_precode_table(precode_, lengths_) ? Step::kLengths : Step::kInvalid;
  return true;
}

bool InflateState::read_lengths(InflateCursor *cursor) {
  const unsigned total = litlen_count_ + distance_count_;
  while (index_ < total) {
    uint16_t entry = precode_[bits_ & (kPrecodeEntries - 1)];
    while (entry >> 8U > bit_count_) {
      if (!need(cursor, bit_count_ + 1)) return false;
      entry = precode_[bits_ & (kPrecodeEntries - 1)];
    }
    const unsigned symbol = entry & 0xffU;
    const unsigned code_bits = entry >> 8U;
    if (symbol < kRepeatLength) {
      take(code_bits);
      lengths_[index_++] = static_cast<uint8_t>(symbol);
      continue;
    }
    const unsigned extra = symbol == kRepeatLength ? 2 : symbol == kRepeatZeros ? 3 : 7;
    if (!need(cursor, code_bits + extra)) return false;
    take(code_bits);
    const unsigned count = take(extra) + (symbol == kRepeatManyZeros ? 11 : 3);
    if (count > total - index_ || (symbol == kRepeatLength && index_ == 0)) {
      step_ = Step::kInvalid;
      return true;
    }
    memset(lengths_ + index_, symbol == kRepeatLength ? lengths_[index_ - 1] : 0, count);
    index_ += count;
  }
  build_tables();
  return true;
}

void InflateState::build_tables() {
  const bool valid = lengths_[kEndOfBlock] != 0 && build_litlen_table(&tables_, lengths_, litlen_count_) &&
                     build_distance_table(&tables_, lengths_ + litlen_count_, distance_count_);
  step_ = valid ? Step::kSymbols : Step::kInvalid;
  if (!valid || !interleaved_) return;
  literals_only_ = true;
  for (unsigned i = kFirstLength; i < litlen_count_; ++i)
    literals_only_ = literals_only_ && lengths_[i] == 0;
  if (literals_only_) build_literal_table(&tables_);
}

// Looks up the entry for the next code. *code_start is the number of bits of the code that a link entry has used.
bool InflateState::peek(InflateCursor *cursor, InflateEntry *entry, const InflateEntry *table, unsigned index_bits,
                        unsigned *code_start) {
  for (;;) {
    *code_start = 0;
    *entry = table[bits_ & ((1U << index_bits) - 1)];
    if ((*entry & kEntryLink) != 0) {
      *code_start = index_bits;
      *entry = table[entry_value(*entry) + (bits_ >> index_bits & ((1U << entry_code_bits(*entry)) - 1))];
    }
    // Bits that have not been read yet are zero here, so if the code needs more bits than have been read, it may be
    // wrong: then reads more and looks again.
    if (*code_start + entry_code_bits(*entry) <= bit_count_) return true;
    if (!need(cursor, bit_count_ + 1)) return false;
  }
}

bool InflateState::decode_symbol(InflateCursor *cursor) {
  InflateEntry entry = 0;
  unsigned start = 0;
  if (!peek(cursor, &entry, tables_.litlen, kLitlenIndexBits, &start)) return false;
  if ((entry & kEntryLiteral) != 0) {
    if (cursor->out == cursor->out_end) return false;
    *cursor->out++ = static_cast<uint8_t>(entry_value(entry));
    take(start + entry_code_bits(entry));
    return true;
  }
  if ((entry & kEntrySpecial) != 0) {
    step_ = (entry & kEntryEnd) != 0 ? Step::kBlock : Step::kInvalid;
    take(start + entry_code_bits(entry));
    return true;
  }
  if (!need(cursor, start + entry_bits(entry))) return false;
  take(start + entry_code_bits(entry));
  length_ = entry_value(entry) + take(entry_bits(entry) - entry_code_bits(entry));
  step_ = Step::kDistance;
  return true;
}

bool InflateState::decode_distance(InflateCursor *cursor) {
  InflateEntry entry = 0;
  unsigned start = 0;
  if (!peek(cursor, &entry, tables_.distance, kDistanceIndexBits, &start)) return false;
  if ((entry & kEntrySpecial) != 0) {
    step_ = Step::kInvalid;
    return true;
  }
  if (!need(cursor, start + entry_bits(entry))) return false;
  take(start + entry_code_bits(entry));
  distance_ = entry_value(entry) + take(entry_bits(entry) - entry_code_bits(entry));
  step_ = distance_ <= history(*cursor) ? Step::kCopy : Step::kInvalid;
  return true;
}

uint8_t InflateState::earlier(const InflateCursor &cursor, size_t distance) const {
  const auto written = static_cast<size_t>(cursor.out - cursor.out_begin);
  if (distance <= written) return *(cursor.out - distance);
  return window_[(window_next_ + written + kDeflateWindow - distance) % kDeflateWindow];
}

bool InflateState::copy_match(InflateCursor *cursor) {
  for (; length_ > 0; --length_) {
    if (cursor->out == cursor->out_end) return false;
    *cursor->out = earlier(*cursor, distance_);
    ++cursor->out;
  }
  step_ = Step::kSymbols;
  return true;
}

void InflateState::remember(const InflateCursor &cursor, uint8_t *window) {
  window_ = window;
  auto count = static_cast<size_t>(cursor.out - cursor.out_begin);
  const size_t most = kDeflateWindow;
  if (count > most) count = most;
  if (count == 0) return;
  const uint8_t *from = cursor.out - count;
  const size_t until_end = most - window_next_ < count ? most - window_next_ : count;
  memcpy(window + window_next_, from, until_end);
  memcpy(window, from + until_end, count - until_end);
  window_next_ = (window_next_ + count) % kDeflateWindow;
  window_size_ = window_size_ + count < most ? window_size_ + count : most;
}

}  // namespace tfile
