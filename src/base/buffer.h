// Buffer (tf_buffer): reference-counted bytes that are allocated, owned by the user, or mapped from a file.
#pragma once

#include "base/file_identity.h"
#include "base/slab.h"
#include "base/span.h"

// Aligned for the 64-bit fields of the array that follows it in a slab, also where pointers have 32 bits.
struct alignas(uint64_t) tf_buffer {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // of this object and of allocated data
  tfile::Ref<tfile::Slab> slab;      // that has this object and its data; empty if they have their own allocations
  void *data = nullptr;
  size_t size = 0;
  size_t capacity = 0;  // of allocated data; 0 if they are the user's, mapped, or in a slab
  bool writable = true;
  tfile::FileIdentity file;              // that the data are mapped from, so that no save overwrites it in place
  tf_release_fn release_user = nullptr;  // of the user's or mapped data
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
// Returns the bytes that a buffer of `size` bytes takes of a slab, its data included.
size_t slab_buffer_bytes(size_t size);
// Constructs a buffer with uninitialized data in slab_buffer_bytes(size) of a slab, which it retains.
Ref<Buffer> buffer_in_slab(void *storage, size_t size, Memory &memory, const Ref<Slab> &slab);
// Takes ownership, if it succeeds, of data of `capacity` bytes that were allocated from memory at kDataAlignment.
Status adopt_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, size_t capacity);
// Makes a buffer over memory of the user or of a mapping. Calls release if it fails.
Status wrap_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, bool writable, tf_release_fn release,
                   void *user);

}  // namespace tfile
