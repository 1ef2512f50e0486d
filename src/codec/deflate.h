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
  // True if the input so far ends between two blocks, at a whole byte, as every chunk but the last does.
  bool at_border() const;

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
  static constexpr size_t kMaxChunks = 4;

  explicit InterleavedInflater(Memory &memory) : memory_(memory) {}
  InterleavedInflater(const InterleavedInflater &) = delete;
  InterleavedInflater &operator=(const InterleavedInflater &) = delete;
  ~InterleavedInflater();

  // At most kMaxChunks chunks, of any streams.
  Status run(Span<InflateChunk> chunks);

 private:
  struct States;
  bool run_once(size_t streams, struct InflateCursor *cursors, bool *stopped);

  Memory &memory_;
  States *states_ = nullptr;
};

// How bytes are deflated.
struct DeflateMethod {
  bool zlib = false;  // by zlib, else by DeflateEncoder
  int level = -1;     // 0 to 9; -1: the compressor's default
};

// Returns the size of `nbytes` in stored blocks. What a Deflater writes is no larger, unless zlib writes it.
constexpr uint64_t deflate_bound(uint64_t nbytes) {
  constexpr uint64_t kMaxBlock = 65535;
  return nbytes + 5 * (nbytes == 0 ? 1 : (nbytes - 1) / kMaxBlock + 1);
}

// True if this build has zlib.
bool has_zlib();

// Deflates chunks, each of which can be inflated by itself. Concatenated they are one stream.
class Deflater {
 public:
  explicit Deflater(Memory &memory) : memory_(memory), output_(memory) {}
  Deflater(const Deflater &) = delete;
  Deflater &operator=(const Deflater &) = delete;
  ~Deflater();

  // Deflates a chunk. The last one ends the stream, the others end at a whole byte. Fails with UNSUPPORTED if the method
  // is zlib and has_zlib() is false.
  Status run(Bytes chunk, bool last, const DeflateMethod &method);
  // Returns what the last run() wrote; borrowed until the next.
  Bytes output() const { return Bytes(output_.data(), output_.size()); }

 private:
  struct Zlib;

  Status run_zlib(Bytes chunk, bool last, int level);

  Memory &memory_;
  class DeflateEncoder *encoder_ = nullptr;
  Zlib *zlib_ = nullptr;
  Vec<uint8_t> output_;
};

}  // namespace tfile
