// Raw deflate streams: unpacked in pieces of any size, packed in chunks. zlib does it, or ISA-L where it is built in.
#pragma once

#include "base/vec.h"

namespace tfile {

// Unpacks one stream. After `done` nothing more is written.
class Inflater {
 public:
  explicit Inflater(Memory &memory) : memory_(memory) {}
  Inflater(const Inflater &) = delete;
  Inflater &operator=(const Inflater &) = delete;
  ~Inflater();
  Status begin();  // also to begin another stream

  // Takes from *input and fills *output, both cut at their front by what was used, until either is empty or the stream
  // ends. False: the bytes are not a deflate stream (no error record; the caller knows where).
  Status run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output);
  // After `done`: bytes of former inputs that were taken though they lie beyond the end of the stream.
  size_t excess() const { return excess_; }

 private:
  struct State;
  Memory &memory_;
  State *state_ = nullptr;
  size_t excess_ = 0;
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
