// Raw deflate streams, in pieces of any size.
#pragma once

#include "base/memory.h"
#include "base/span.h"

namespace tfile {

// Unpacks one stream. After `done` nothing more is written; input beyond the end of the stream is not taken.
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

 private:
  struct State;
  Memory &memory_;
  State *state_ = nullptr;
};

// Packs one stream.
class Deflater {
 public:
  explicit Deflater(Memory &memory) : memory_(memory) {}
  Deflater(const Deflater &) = delete;
  Deflater &operator=(const Deflater &) = delete;
  ~Deflater();
  Status begin(int level);  // -1 to 9; also to begin another stream

  using TakeFn = Status (*)(void *context, const void *bytes, size_t nbytes);
  // Packs bytes, handing what comes out to take; last ends the stream.
  Status run(Bytes input, bool last, TakeFn take, void *context);

 private:
  struct State;
  Memory &memory_;
  State *state_ = nullptr;
};

}  // namespace tfile
