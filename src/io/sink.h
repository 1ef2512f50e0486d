// Sink (tf_sink): where a save writes; Output: the position, padding and progress of one save.
#pragma once

#include "base/buffer.h"
#include "base/checked.h"
#include "base/options.h"
#include "base/span.h"
#include "base/vec.h"
#include "io/resolver.h"
#include "io/source.h"

namespace tfile {

struct File;
struct SinkOps;

using SinkResolver = Resolver<tf_resolve_sink_fn>;

}  // namespace tfile

struct tf_sink {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // allocated this object
  const tfile::SinkOps *ops = nullptr;
  void *state = nullptr;  // the argument of the operations
  // Functions of the user, of which exactly one is called exactly once; NULL if there are none.
  tf_commit_fn commit = nullptr;
  tf_abort_fn abort = nullptr;
  void *user = nullptr;                      // their argument
  bool ended = false;                        // one of them has been called
  tfile::Ref<tfile::Buffer> name;            // the base of the names of a set, NUL-terminated; empty if there is none
  tfile::Ref<tfile::SinkResolver> resolver;  // makes the sinks of a set; may be empty

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Sink = ::tf_sink;

// What one kind of sink does.
struct SinkOps {
  // Appends nbytes. `offset` is the number of bytes appended before, for messages.
  Status (*write)(Sink &sink, uint64_t offset, const void *from, size_t nbytes);
  // Overwrites bytes that were written before. NULL if the sink cannot do this.
  Status (*patch)(Sink &sink, uint64_t offset, const void *from, size_t nbytes) = nullptr;
  // Sets the size of an output whose size is known in advance. Called before anything is written; afterwards only put()
  // is called, until every byte has been written. NULL if the sink cannot do this.
  Status (*reserve)(Sink &sink, uint64_t size) = nullptr;
  // Writes consecutive pieces at an offset of the reserved output. Several threads may call it at once. NULL if reserve
  // is NULL.
  Status (*put)(Sink &sink, uint64_t offset, const Bytes *pieces, size_t count) = nullptr;
  // Appends bytes of a file, at least 1 of nbytes; *copied is how many. `from_path` is for messages. NULL if the sink
  // cannot do this.
  Status (*copy)(Sink &sink, uint64_t *copied, const File &from, Text from_path, uint64_t offset,
                 uint64_t nbytes) = nullptr;
  // Frees the state. NULL if the sink does not own it.
  void (*destroy)(void *state) = nullptr;
  // True if small writes are to be collected into larger ones, because each call is expensive, such as one into another
  // language.
  bool collects = false;
};

// Makes a sink. If ops.destroy is NULL, the caller owns the state, which must outlive the use of the sink.
Status make_sink(Ref<Sink> &out, Memory &memory, const SinkOps &ops, void *state);
// Makes a sink that calls the user's function. Calls release if it fails.
Status sink_from_callback(Ref<Sink> &out, Memory &memory, tf_write_fn write, tf_release_fn release, void *user);

// Fails if the sink has been committed or aborted.
Status check_open(const Sink &sink);
// Also fails if there is more than one reference: a writer reads the callbacks when it begins to use the sink.
Status require_unused(const Sink &sink);
// Calls the user's commit function, if there is one, because everything has been written.
Status commit_sink(Sink &sink);
// Calls the user's abort function, unless the sink has been committed or aborted.
void abort_sink(Sink &sink);
// Sets the resolver, and the name from which the names of the files of a set are derived. If the function is NULL,
// removes both. Takes ownership of the release callback on success.
Status set_sink_resolver(Sink &sink, Text name, tf_resolve_sink_fn resolve, PendingRelease &release);
// Asks the resolver of a sink for the sink of a file of the set.
Status resolve_sink(Ref<Sink> &out, const Sink &sink, Text name);

// Collects the bytes of an output in memory; finish() returns them as a Buffer.
class MemorySink {
 public:
  explicit MemorySink(Memory &memory) : memory_(memory) {}
  MemorySink(const MemorySink &) = delete;
  MemorySink &operator=(const MemorySink &) = delete;
  ~MemorySink();
  // Makes a sink that writes to this object, which must exist for as long as the sink is used. Allocates memory for
  // `expected` bytes in advance; more is allocated when it is needed.
  Status open(Ref<Sink> &out, uint64_t expected = 0);
  Status finish(Ref<Buffer> &out);

 private:
  static const SinkOps kOps;
  static Status write(Sink &sink, uint64_t offset, const void *from, size_t nbytes);
  static Status patch(Sink &sink, uint64_t offset, const void *from, size_t nbytes);
  static Status reserve(Sink &sink, uint64_t size);
  static Status put(Sink &sink, uint64_t offset, const Bytes *pieces, size_t count);
  Status grow(Checked size);

  Memory &memory_;
  char *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Writes one save to a sink: counts the position and reports the bytes of arrays.
class Output {
 public:
  Output(Sink &sink, const Settings &settings, uint64_t array_bytes)
      : sink_(sink), progress_(settings, array_bytes), pending_(settings.memory()) {}

  Status write(const void *from, uint64_t nbytes);
  // Passes the collected bytes to the sink. Must be called after the last write.
  Status flush();
  // Writes bytes of an array and reports them to the progress callback.
  Status write_data(const void *from, uint64_t nbytes);
  // Appends bytes of a source and reports them to the progress callback. The system copies them if both are files.
  Status copy(const Source &source, uint64_t offset, uint64_t nbytes);
  // Reports array bytes that were written in another form, such as compressed.
  Status advance(uint64_t nbytes) { return progress_.advance(nbytes); }
  Status write_zeros(uint64_t count);
  // Writes zeros up to a multiple of the alignment.
  Status pad_to(uint64_t alignment);
  bool can_patch() const { return sink_.ops->patch != nullptr; }
  // Overwrites bytes that were written before.
  Status patch(uint64_t offset, const void *from, size_t nbytes);
  uint64_t position() const { return position_; }

 private:
  Status copy_file(uint64_t *copied, const Source &source, uint64_t offset, uint64_t nbytes);

  Sink &sink_;
  Progress progress_;
  uint64_t position_ = 0;  // includes the bytes in pending_
  Vec<uint8_t> pending_;   // collected, not yet passed to the sink
};

}  // namespace tfile
