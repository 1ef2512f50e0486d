// Buffer (tf_buffer): bytes that are owned, borrowed from a caller, or mapped, and shared by reference count.
#pragma once

#include "base/memory.h"
#include "base/span.h"

struct tf_buffer {
  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;  // of this object, and of owned data
  void *data = nullptr;
  size_t size = 0;
  size_t capacity = 0;  // of owned data; 0: not owned
  bool writable = true;
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
// Takes over data of `capacity` bytes allocated from memory at kDataAlignment.
Status adopt_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, size_t capacity);
// Borrowed or mapped. On failure release has been called.
Status wrap_buffer(Ref<Buffer> &out, Memory &memory, void *data, size_t size, bool writable, tf_release_fn release,
                   void *user);

}  // namespace tfile
