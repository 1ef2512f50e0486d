// Buffer (tf_buffer): reference-counted bytes that are allocated, owned by the user, or mapped from a file.
#pragma once

#include "base/file_identity.h"
#include "base/slab.h"
#include "base/span.h"

// In a slab the buffer is followed by a tf_array, whose 64-bit fields need this alignment on 32-bit systems as well.
struct alignas(uint64_t) tf_buffer {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // allocated this object and, if capacity is not 0, `data`
  tfile::Ref<tfile::Slab> slab;      // contains this object and its data; empty if they are allocated separately
  void *data = nullptr;
  size_t size = 0;
  size_t capacity = 0;  // allocated bytes at `data`; 0 if the data is the user's, mapped, or in a slab
  bool writable = true;
  tfile::FileIdentity file;              // the file that the data is mapped from; no save may overwrite it in place
  tf_release_fn release_user = nullptr;  // frees data of the user or a mapping; NULL for other data
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Buffer = ::tf_buffer;

// Allocated data starts at a cache line, which is also the alignment that SIMD code needs.
inline constexpr size_t kDataAlignment = 64;

// Allocates `size` bytes, uninitialized.
Status make_buffer(Ref<Buffer> &out, Memory &memory, uint64_t size);
// Returns how many bytes of a slab a buffer of `size` bytes uses, including its data.
size_t slab_buffer_bytes(size_t size);
// Constructs a buffer with uninitialized data in slab_buffer_bytes(size) of a slab, which it retains.
Ref<Buffer> buffer_in_slab(void *storage, size_t size, Memory &memory, const Ref<Slab> &slab);
// Makes a buffer from an existing allocation of `capacity` bytes, which `memory` made at kDataAlignment. Takes
// ownership of it on success.
Status adopt_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, size_t capacity);
// Makes a buffer over memory of the user or of a mapping. Calls release if it fails.
Status wrap_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, bool writable, tf_release_fn release,
                   void *user);

}  // namespace tfile
