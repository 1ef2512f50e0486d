// Buffer (tf_buffer): bytes that are owned, borrowed from a caller, or mapped, and shared by reference count.
#pragma once

#include "base/file_identity.h"
#include "base/slab.h"
#include "base/span.h"

// What follows one in a slab has fields of 64 bits, also where pointers have 32.
struct alignas(uint64_t) tf_buffer {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // of this object, and of owned data
  tfile::Ref<tfile::Slab> slab;      // that this object and its data lie in; empty: allocated by themselves
  void *data = nullptr;
  size_t size = 0;
  size_t capacity = 0;  // of owned data; 0: not owned, or in the slab
  bool writable = true;
  tfile::FileIdentity file;              // that the data are mapped from, so that no save overwrites it in place
  tf_release_fn release_user = nullptr;  // of borrowed or mapped data
  void *user = nullptr;

  void retain() { refs.increment(); }
  void release();
};

namespace tfile {

using Buffer = ::tf_buffer;

// Data that we own starts at a cache line, and so at the alignment that SIMD code wants.
inline constexpr size_t kDataAlignment = 64;

// size bytes, uninitialised.
Status make_buffer(Ref<Buffer> &out, Memory &memory, uint64_t size);
// size bytes at data, uninitialised, in one piece of a slab with its Buffer. `room` is cut from the slab at
// slab_buffer_bytes(size); the rest of the room behind that is the caller's.
size_t slab_buffer_bytes(size_t size);
Ref<Buffer> buffer_in_slab(void *storage, size_t size, Memory &memory, const Ref<Slab> &slab);
// Takes over data of `capacity` bytes allocated from memory at kDataAlignment.
Status adopt_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, size_t capacity);
// Borrowed or mapped. On failure release has been called.
Status wrap_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, bool writable, tf_release_fn release,
                   void *user);

}  // namespace tfile
