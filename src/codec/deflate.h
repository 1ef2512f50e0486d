// Raw deflate streams: inflated in pieces of any size, deflated in chunks.
#pragma once

#include "base/vec.h"

namespace tfile {

// Inflates one stream, in bounded memory. Nothing is written after the stream has ended.
class Inflater {
 public:
  explicit Inflater(Memory &memory) : memory_(memory) {}
  Inflater(const Inflater &) = delete;
  Inflater &operator=(const Inflater &) = delete;
  ~Inflater();
  Status begin();  // also to begin another stream

  // Reads from *input and writes to *output until either is used up or the stream ends; both are advanced past what was
  // used. No byte after the end of the stream is read. *valid is false, without an error record, if the bytes are not a
  // deflate stream: the caller knows where they are from.
  Status run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output);
  size_t excess() const { return 0; }

 private:
  struct State;
  Memory &memory_;
  State *state_ = nullptr;
};

// A chunk that a Deflater wrote, whole in memory.
struct InflateChunk {
  Bytes input;
  Span<uint8_t> output;
  bool last = false;  // its end is the stream's
  bool good = false;  // set by run(): the input is exactly one chunk, which inflates to exactly the output
};

// Inflates several chunks in one loop on one thread. Decoding is a chain of look-ups, each of which waits for the one
// before; the chains of several chunks fill each other's gaps.
class InterleavedInflater {
 public:
  static constexpr size_t kMost = 4;

  explicit InterleavedInflater(Memory &memory) : memory_(memory) {}
  InterleavedInflater(const InterleavedInflater &) = delete;
  InterleavedInflater &operator=(const InterleavedInflater &) = delete;
  ~InterleavedInflater();

  // At most kMost chunks, of any streams.
  Status run(Span<InflateChunk> chunks);

 private:
  struct States;
  bool run_once(size_t streams, struct InflateCursor *cursors, bool *stopped);

  Memory &memory_;
  States *states_ = nullptr;
};

constexpr int kMaxIsalLevel = 3;  // ISA-L knows 1, 2 and this

// How bytes are packed.
struct DeflateMethod {
  bool isal = false;  // by ISA-L; else by zlib
  int level = 6;      // 0 to 9
};

// Whether ISA-L is built in.
bool has_isal();

// Packs chunks, each of which can be unpacked by itself: concatenated they are one stream.
class Deflater {
 public:
  explicit Deflater(Memory &memory) : memory_(memory), output_(memory) {}
  Deflater(const Deflater &) = delete;
  Deflater &operator=(const Deflater &) = delete;
  ~Deflater();

  // Packs a chunk; the last one ends the stream, the others end with a full flush.
  Status run(Bytes chunk, bool last, const DeflateMethod &method);
  // What came out, until the next run().
  Bytes output() const { return Bytes(output_.data(), output_.size()); }

 private:
  struct ZlibState;
  struct IsalState;

  Status run_zlib(Bytes chunk, bool last, int level);
  Status run_isal(Bytes chunk, bool last, int level);
  Status store_first_byte(Bytes *chunk);

  Memory &memory_;
  ZlibState *zlib_ = nullptr;
  IsalState *isal_ = nullptr;
  Vec<uint8_t> output_;
};

}  // namespace tfile
