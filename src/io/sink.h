// Sink (tf_sink): sequential writes; Output: the position, padding and progress of one save.
#pragma once

#include "base/buffer.h"
#include "base/checked.h"
#include "base/options.h"
#include "base/span.h"
#include "base/vec.h"

namespace tfile {

// Rewrites bytes that were written before; files and memory can, a caller's sink cannot.
using PatchFn = tf_status (*)(void *user, uint64_t offset, const void *src, size_t nbytes);
// For outputs whose size is known before anything is written: makes room for `size` bytes, each of which is then put.
using ReserveFn = tf_status (*)(void *user, uint64_t size);
// Puts pieces that lie behind one another in the output anywhere into the room; several threads may do so at once.
using PutFn = tf_status (*)(void *user, uint64_t offset, const Bytes *pieces, size_t count);

// What a sink can do besides taking bytes one after another.
struct Placement {
  PatchFn patch = nullptr;
  ReserveFn reserve = nullptr;  // before any write; then nothing but put is called
  PutFn put = nullptr;
};

}  // namespace tfile

struct tf_sink {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  bool foreign = false;  // the callback is the caller's: its failures have no error record of ours
  tf_write_fn write = nullptr;
  tfile::Placement placement;  // empty for a caller's sink
  tf_release_fn release_user = nullptr;
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Sink = ::tf_sink;

Status make_sink(Ref<Sink> &out, Memory &memory, tf_write_fn write, const Placement &placement, tf_release_fn release,
                 void *user);

// Bytes in memory that grow; finish() hands them out as a Buffer.
class MemorySink {
 public:
  explicit MemorySink(Memory &memory) : memory_(memory) {}
  MemorySink(const MemorySink &) = delete;
  MemorySink &operator=(const MemorySink &) = delete;
  ~MemorySink();
  // *this must outlive the sink's use. expected: bytes to make room for at once, where they are known.
  Status open(Ref<Sink> &out, uint64_t expected = 0);
  Status finish(Ref<Buffer> &out);

 private:
  static tf_status write(void *user, const void *src, size_t nbytes);
  static tf_status patch(void *user, uint64_t offset, const void *src, size_t nbytes);
  static tf_status reserve(void *user, uint64_t size);
  static tf_status put(void *user, uint64_t offset, const Bytes *pieces, size_t count);
  Status grow(Checked size);

  Memory &memory_;
  char *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// One save: counts what is written, and reports the bytes of arrays. A caller's sink gets small pieces together, because
// its call may cost much, such as one into another language.
class Output {
 public:
  Output(Sink &sink, const Settings &settings, uint64_t array_bytes)
      : sink_(sink), progress_(settings, array_bytes), gathered_(settings.memory()) {}

  Status write(const void *from, uint64_t nbytes);
  // Hands over what has been gathered; due at the end.
  Status flush();
  // As write(), and told to the progress callback.
  Status write_data(const void *from, uint64_t nbytes);
  // Tells the callback of array bytes that were written in another form.
  Status advance(uint64_t nbytes) { return progress_.advance(nbytes); }
  Status write_zeros(uint64_t count);
  Status pad_to(uint64_t alignment);
  bool can_patch() const { return sink_.placement.patch != nullptr; }
  Status patch(uint64_t offset, const void *from, size_t nbytes);
  uint64_t position() const { return position_; }

 private:
  Status write_through(uint64_t offset, const void *from, uint64_t nbytes);

  Sink &sink_;
  Progress progress_;
  uint64_t position_ = 0;
  Vec<uint8_t> gathered_;  // what has been gathered
};

}  // namespace tfile
