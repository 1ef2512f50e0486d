// Raw deflate streams: inflated in pieces of any size, deflated in chunks.
#pragma once

#include "base/options.h"
#include "base/vec.h"

namespace tfile {

// The loops that decode: those for this CPU, or those that every CPU can run.
enum class InflateVariant { kBest, kPortable };

// Inflates one stream in pieces. Its memory is that of the tables and a window of 32 KiB, because a match can refer to
// output that far back, which is then no longer at hand. Nothing is written after the stream has ended.
class Inflater {
 public:
  explicit Inflater(Memory &memory, InflateVariant variant = InflateVariant::kBest)
      : memory_(memory), variant_(variant) {}
  Inflater(const Inflater &) = delete;
  Inflater &operator=(const Inflater &) = delete;
  ~Inflater();
  Status begin();  // starts a stream; call it before each one

  // Reads from *input and writes to *output until one of them is used up or the stream ends. Removes the used parts
  // from the front of both. Reads no byte after the end of the stream. If the bytes are not a deflate stream, sets
  // *valid to false but not the error record, because only the caller knows the file and the offset.
  Status run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output);
  // True if the input so far ends between two blocks and at the end of a byte. Every chunk except the last ends like
  // that.
  bool at_border() const;

 private:
  struct State;
  Memory &memory_;
  InflateVariant variant_;
  State *state_ = nullptr;
};

// A chunk that a Deflater wrote, completely in memory.
struct InflateChunk {
  Bytes input;
  Span<uint8_t> output;
  bool last = false;  // this is the last chunk of the stream
  bool good = false;  // set by run() if the input is exactly one chunk that fills the output exactly
};

// Inflates several chunks in one loop on one thread. Decoding is a chain of table look-ups, each of which depends on
// the previous one. While the CPU waits for a look-up of one chunk, it can work on the others. Needs no memory but that
// of the tables, because all output is at hand.
class InterleavedInflater {
 public:
  static constexpr size_t kMaxChunks = 4;

  explicit InterleavedInflater(Memory &memory, InflateVariant variant = InflateVariant::kBest)
      : memory_(memory), variant_(variant) {}
  InterleavedInflater(const InterleavedInflater &) = delete;
  InterleavedInflater &operator=(const InterleavedInflater &) = delete;
  ~InterleavedInflater();

  // Inflates at most kMaxChunks chunks, which may belong to different streams.
  Status run(Span<InflateChunk> chunks);

 private:
  struct States;
  bool run_once(size_t streams, struct InflateCursor *cursors, bool *stopped);

  Memory &memory_;
  InflateVariant variant_;
  States *states_ = nullptr;
};

// How bytes are deflated.
struct DeflateMethod {
  bool zlib = false;  // true: zlib; false: DeflateEncoder
  int level = -1;     // 0 to 9, or -1 for the default of the encoder
};

// Returns the method that the settings choose.
DeflateMethod deflate_method(const Settings &settings);

// Returns the size of `nbytes` bytes in stored blocks. The output of DeflateEncoder is never larger; that of zlib can
// be.
constexpr uint64_t deflate_bound(uint64_t nbytes) {
  constexpr uint64_t kMaxBlock = 65535;
  return nbytes + 5 * (nbytes == 0 ? 1 : (nbytes - 1) / kMaxBlock + 1);
}

// True if this build has zlib. If not, kNoZlib is the error.
bool has_zlib();
inline constexpr char kNoZlib[] = "this library was built without zlib; deflate \"auto\" needs none";

// Deflates chunks that can be inflated independently. All chunks together form one stream.
class Deflater {
 public:
  explicit Deflater(Memory &memory) : memory_(memory), output_(memory) {}
  Deflater(const Deflater &) = delete;
  Deflater &operator=(const Deflater &) = delete;
  ~Deflater();

  // Deflates a chunk. The last chunk ends the stream; the others end at the end of a byte. Fails with UNSUPPORTED if
  // the method is zlib and has_zlib() is false.
  Status run(Bytes chunk, bool last, const DeflateMethod &method);
  // Returns the output of the last run(), borrowed until the next one.
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
