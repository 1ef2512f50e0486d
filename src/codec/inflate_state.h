// The state of a deflate decoder between calls.
#pragma once

#include "base/span.h"
#include "codec/inflate_fast.h"

namespace tfile {

// The input and output of one call. The pointers advance as bytes are used.
struct InflateCursor {
  const uint8_t *in;
  const uint8_t *in_end;
  uint8_t *out;
  uint8_t *out_end;
  const uint8_t *out_begin;  // where this call's output starts

  size_t in_remaining() const { return static_cast<size_t>(in_end - in); }
  size_t out_remaining() const { return static_cast<size_t>(out_end - out); }
};

class InflateState {
 public:
  // Begins another stream. It is decoded with these loops; only interleaved streams use InflateLoops::literals.
  void begin(const InflateLoops &loops, bool interleaved);
  // Decodes until input or output is used up, the stream ends, or the stream is found to be invalid.
  void run(InflateCursor *cursor);
  // Like run(), but also returns, after some progress, as soon as InflateLoops::literals can continue.
  void run_until_literals(InflateCursor *cursor);
  // lane() converts the state for the fast loops, and resume() converts it back.
  InflateLane lane(const InflateCursor &cursor) const;
  void resume(const InflateLane &lane, InflateCursor *cursor);
  // Copies the end of the output to `window`, a ring buffer of kDeflateWindow bytes, because matches in later calls may
  // refer to it. A stream must always have the same window.
  void remember(const InflateCursor &cursor, uint8_t *window);

  bool done() const { return step_ == Step::kDone; }
  bool invalid() const { return step_ == Step::kInvalid; }
  // True between two blocks and at the end of a byte, where a chunk may end.
  bool at_border() const { return step_ == Step::kBlock && bit_count_ == 0; }
  // True if InflateLoops::literals can continue.
  bool has_literals(const InflateCursor &cursor) const {
    return step_ == Step::kSymbols && literals_only_ && cursor.in_remaining() >= kLiteralsInput &&
           cursor.out_remaining() >= kLiteralsOutput;
  }

 private:
  enum class Step : uint8_t {
    kBlock,
    kStoredSize,
    kStored,
    kCounts,
    kPrecode,
    kLengths,
    kSymbols,
    kDistance,
    kCopy,
    kDone,
    kInvalid,
  };

  // Each step returns false if it needs more input or output.
  bool step(InflateCursor *cursor);
  bool start_block(InflateCursor *cursor);
  bool read_stored_size(InflateCursor *cursor);
  bool copy_stored(InflateCursor *cursor);
  bool read_counts(InflateCursor *cursor);
  bool read_precode(InflateCursor *cursor);
  bool read_lengths(InflateCursor *cursor);
  void decode_far_from_end(InflateCursor *cursor);
  bool decode_symbol(InflateCursor *cursor);
  bool decode_distance(InflateCursor *cursor);
  bool copy_match(InflateCursor *cursor);
  void build_tables();

  bool need(InflateCursor *cursor, unsigned count);
  bool peek(InflateCursor *cursor, InflateEntry *entry, const InflateEntry *table, unsigned index_bits,
            unsigned *code_start);
  uint32_t take(unsigned count);
  // Returns the byte `distance` bytes before the cursor's output. The distance must have been checked.
  uint8_t earlier(const InflateCursor &cursor, size_t distance) const;
  size_t history(const InflateCursor &cursor) const {
    return static_cast<size_t>(cursor.out - cursor.out_begin) + window_size_;
  }

  Step step_ = Step::kBlock;
  bool last_block_ = false;
  bool interleaved_ = false;
  bool literals_only_ = false;  // the block has no matches, and tables_.literal is filled
  unsigned bit_count_ = 0;
  uint64_t bits_ = 0;          // the next bits of the input; the first one is the lowest
  unsigned litlen_count_ = 0;  // number of symbols in the block's codes
  unsigned distance_count_ = 0;
  unsigned precode_count_ = 0;
  unsigned index_ = 0;  // index of the next code length
  size_t length_ = 0;   // remaining bytes of a stored block or match
  size_t distance_ = 0;
  const uint8_t *window_ = nullptr;  // the output of earlier calls
  size_t window_size_ = 0;           // bytes of it
  size_t window_next_ = 0;           // the index after the last of them
  const InflateLoops *loops_ = nullptr;
  uint16_t precode_[kPrecodeEntries];
  uint8_t lengths_[kFixedLitlenSymbols + kFixedDistanceSymbols];
  InflateTables tables_;
};

}  // namespace tfile
