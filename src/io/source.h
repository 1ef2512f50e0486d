// Source (tf_source): positional reads, and mapping where there is such.
#pragma once

#include "base/checked.h"
#include "base/memory.h"
#include "base/span.h"
#include "io/part.h"

struct tf_source {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  uint64_t size = 0;
  bool concurrent = false;  // may be read by several threads at once
  bool foreign = false;     // callbacks are the caller's: their failures have no error record of ours
  tf_read_at_fn read_at = nullptr;
  tf_map_fn map = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;
  tfile::Text label;  // what messages call it: the path, or ""; NUL-terminated

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Source = ::tf_source;

Status make_source(Ref<Source> &out, Memory &memory, uint64_t size, bool concurrent, tf_read_at_fn read_at,
                   tf_map_fn map, tf_release_fn release, void *user);
// The caller's memory, mapped as it is (read-only).
Status source_from_memory(Ref<Source> &out, Memory &memory, const void *data, size_t nbytes, tf_release_fn release,
                          void *user);
// A regular file. Mapping it maps the whole file once, privately and writable, for as long as the source lives.
Status source_from_path(Ref<Source> &out, Memory &memory, const char *path);

// size bytes from offset on of a regular file that the caller has open, UINT64_MAX: up to its end. The descriptor is not
// kept. Mapped likewise.
Status source_from_descriptor(Ref<Source> &out, Memory &memory, int32_t descriptor, uint64_t offset, uint64_t size);
// A part of another source, which is retained. Its errors count bytes from the part's start.
Status source_from_part(Ref<Source> &out, Memory &memory, Source &whole, uint64_t offset, uint64_t size);

// All of nbytes, or TRUNCATED when the source ends before them, or the reader's status. array ("" for none) names what
// is read in the message.
Status read_at(const Source &source, uint64_t offset, void *to, uint64_t nbytes, Text array);
// As read_at(), into at most kMaxParts places by as few reads as the source allows. Where `to` is NULL the bytes are not
// wanted. memory is for those, and for what must be copied.
Status read_parts(const Source &source, uint64_t offset, Span<const ReadPart> parts, Memory &memory, Text array);
// *out is NULL when the source cannot map. The range lies within the source.
Status map_range(const Source &source, uint64_t offset, uint64_t nbytes, const void **out);
// Whether the bytes come from a callback of the caller.
bool is_foreign(const Source &source);
// Whether memory that map_range gives may be written without changing the source.
bool maps_privately(const Source &source);

}  // namespace tfile
