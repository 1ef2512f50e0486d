// Source (tf_source): reads bytes at any offset, and maps them into memory where that is possible.
#pragma once

#include "base/buffer.h"
#include "base/checked.h"
#include "base/file_identity.h"
#include "base/memory.h"
#include "base/span.h"
#include "base/vec.h"
#include "io/part.h"
#include "io/resolver.h"

namespace tfile {

struct File;
struct SourceOps;

// What the owner of a source knows about the cost of its reads.
struct SourceHints {
  // A gap of at most this many bytes between wanted parts is read and discarded, because another read would take
  // longer.
  uint64_t gap = uint64_t{16} << 10;
  uint64_t piece = 0;     // bytes of an efficient read; 0: the reader decides
  uint32_t requests = 0;  // reads to make at the same time; 0: as many as there are threads
};

// The maximum of the hints for gaps and pieces.
inline constexpr uint64_t kMaxPieceHint = uint64_t{64} << 20;
// No read of a header becomes larger than this because of a hint, unless as much of the header has been read before.
inline constexpr uint64_t kMaxHeaderPiece = uint64_t{1} << 20;

using SourceResolver = Resolver<tf_resolve_source_fn>;

}  // namespace tfile

struct tf_source {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // allocated this object
  const tfile::SourceOps *ops = nullptr;
  void *state = nullptr;        // the argument of the operations; owned, except by a part
  tfile::Ref<tf_source> whole;  // for a part: the source whose operations and state it uses
  uint64_t base = 0;            // for a part: its offset in that source
  uint64_t size = 0;            // in bytes
  bool concurrent = false;      // several threads may read at once
  tfile::SourceHints hints;
  tfile::Text label;                           // the file's path or the source's name, or ""; NUL-terminated
  tfile::Ref<tfile::Buffer> name;              // contains the label, if the user has set it
  bool has_path = false;                       // the label is a path, in whose folder the other files of a set are
  tfile::Ref<tfile::SourceResolver> resolver;  // finds the other files of a set; may be empty

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Source = ::tf_source;

// The operations of one kind of source. Offsets are relative to source.base; read_at(), read_parts() and map_range()
// check the range before they call an operation. Messages name source.label and the offset within the source.
struct SourceOps {
  // Reads nbytes, which is not 0. `array` names the array that is read, or is "".
  Status (*read)(const Source &source, uint64_t offset, void *to, size_t nbytes, Text array);
  // Reads all parts, `total` bytes together; memory is for scratch buffers. If it is NULL, read_parts() reads the parts
  // as one range and copies them.
  Status (*read_parts)(const Source &source, uint64_t offset, Span<const ReadPart> parts, uint64_t total,
                       Memory &memory, Text array) = nullptr;
  // Maps a range; *out remains NULL if that is not possible. NULL: the source is never mapped.
  Status (*map)(const Source &source, uint64_t offset, uint64_t nbytes, const void **out) = nullptr;
  // Returns the file that contains the bytes, from source.base on. NULL if the bytes are not in a file.
  const File &(*file)(const Source &source) = nullptr;
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
// With is_folder, a folder is no error: *is_folder becomes true, and out stays empty.
Status source_from_path(Ref<Source> &out, Memory &memory, const char *path, bool *is_folder = nullptr);
// Makes a source of `size` bytes at `offset` of a regular file that the user has open; UINT64_MAX means up to the end
// of the file. The descriptor is duplicated. Mapping works as for source_from_path().
Status source_from_descriptor(Ref<Source> &out, Memory &memory, int32_t descriptor, uint64_t offset, uint64_t size);
// Makes a source for a range of another source, which it retains. All offsets, including those in messages, are
// relative to the start of the range.
Status source_from_part(Ref<Source> &out, Memory &memory, Source &whole, uint64_t offset, uint64_t size);

// Fails if there is more than one reference. Files, arrays and other sources read what a source says about itself when
// they begin to use it, so it must not change afterwards.
Status require_unused(const Source &source);
// The largest number of requests in flight that a hint can name.
inline constexpr uint32_t kMaxRequests = 1024;
// Replaces the label of a source.
Status name_source(Source &source, Text name);
// Replaces the hints. Values that are too large are cut.
void set_hints(Source &source, const SourceHints &hints);
// Returns how many bytes to read at a time where `usual` is enough for a file: more if the hints say so, up to `most`.
inline uint64_t read_size(const Source &source, uint64_t usual, uint64_t most) {
  const uint64_t wanted = source.hints.piece < most ? source.hints.piece : most;
  return wanted > usual ? wanted : usual;
}
// True if open_beside() can find other files.
inline bool has_siblings(const Source &source) {
  return source.has_path || source.resolver;
}
// Opens another file of a set: with the resolver, or as a path. `path` is the folder of the source's label and the name
// of the file, NUL-terminated; the name begins at `start`.
Status open_beside(Ref<Source> &out, Memory &memory, const Source &source, const Vec<char> &path, size_t start);

// Reads exactly nbytes. Fails with TRUNCATED if the source ends earlier, or with the status of the user's read_at.
// `array` is the name of the array for messages, or "".
Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array);
// Reads consecutive bytes into at most kMaxParts buffers with as few reads as the source allows. The bytes of a part
// whose `to` is NULL are discarded. memory is for scratch buffers.
Status read_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, Memory &memory, Text array);
// Maps a range that is inside the source; *out is NULL if the source cannot be mapped.
Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out);
// Returns the open file that contains the source's bytes, which begin at source.base of it, or NULL.
const File *file_of(const Source &source);
// Returns the identity of the file that contains the source's bytes; the result is not `known` for memory and for the user's callbacks.
FileIdentity identity_of(const Source &source);

}  // namespace tfile
