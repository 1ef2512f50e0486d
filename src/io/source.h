// Source (tf_source): positional reads, and memory mapping where the bytes allow it.
#pragma once

#include "base/checked.h"
#include "base/file_identity.h"
#include "base/memory.h"
#include "base/span.h"
#include "io/part.h"

namespace tfile {

struct SourceOps;

}  // namespace tfile

struct tf_source {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // of this object
  const tfile::SourceOps *ops = nullptr;
  void *state = nullptr;        // what the operations work on; owned, except by a part
  tfile::Ref<tf_source> whole;  // of a part: the source whose operations and state it uses
  uint64_t base = 0;            // of a part: its offset in the whole
  uint64_t size = 0;            // in bytes
  bool concurrent = false;      // several threads may read at once
  tfile::Text label;            // the file's path for messages, or ""; NUL-terminated

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Source = ::tf_source;

// What one kind of source does. Offsets count from source.base; read_at(), read_parts() and map_range() check the range
// before they call an operation. Messages name source.label and the offset within the source.
struct SourceOps {
  // Reads nbytes, which is not 0. `array` names the array that is read, or is "".
  Status (*read)(const Source &source, uint64_t offset, void *to, size_t nbytes, Text array);
  // Reads all parts, `total` bytes together; memory is for scratch buffers. NULL: the parts are read as one range and
  // copied.
  Status (*read_parts)(const Source &source, uint64_t offset, Span<const ReadPart> parts, uint64_t total,
                       Memory &memory, Text array) = nullptr;
  // Maps a range; *out remains NULL if that is not possible. NULL: the source is never mapped.
  Status (*map)(const Source &source, uint64_t offset, uint64_t nbytes, const void **out) = nullptr;
  // Returns the file that has the bytes. NULL: they are in no file.
  FileIdentity (*identify)(const Source &source) = nullptr;
  // Frees the state. NULL: there is nothing to free.
  void (*destroy)(void *state) = nullptr;
  bool maps_privately = false;  // mapped memory may be written without changing the source
  bool is_callback = false;     // the operations call functions of the user
};

// Makes a source that calls the user's functions; map may be NULL. Calls release if it fails.
Status source_from_callbacks(Ref<Source> &out, Memory &memory, uint64_t size, bool concurrent, tf_read_at_fn read_at,
                             tf_map_fn map, tf_release_fn release, void *user);
// Makes a source from memory that the user owns until release is called. Mapping returns that memory, read-only.
Status source_from_memory(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes, tf_release_fn release,
                          void *user);
// Opens a regular file. The first mapping maps the whole file, privately and writable, until the source is released.
Status source_from_path(Ref<Source> &out, Memory &memory, const char *path);
// Makes a source of `size` bytes, UINT64_MAX for all that follow, from `offset` on of a regular file that the user has
// open. The descriptor is duplicated. Mapping works as for source_from_path().
Status source_from_descriptor(Ref<Source> &out, Memory &memory, int32_t descriptor, uint64_t offset, uint64_t size);
// Makes a source of a range of another source, which it retains. Its offsets, also those in messages, count from the
// start of the range.
Status source_from_part(Ref<Source> &out, Memory &memory, Source &whole, uint64_t offset, uint64_t size);

// Reads all of nbytes. Fails with TRUNCATED if the source ends before them, or with the status of the user's read_at.
// `array` names the array that is read in messages, or is "".
Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array);
// Reads consecutive bytes into at most kMaxParts buffers with as few reads as the source allows. The bytes of a part
// whose `to` is NULL are discarded. memory is for scratch buffers.
Status read_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, Memory &memory, Text array);
// Maps a range that is inside the source; *out is NULL if the source cannot be mapped.
Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out);
// Returns the file that has the source's bytes; unknown for memory and for the user's callbacks.
FileIdentity identity_of(const Source &source);

}  // namespace tfile
