// Arena: allocates many small objects that are freed together, such as the names and shapes of a file's arrays.
#pragma once

#include "base/memory.h"
#include "base/span.h"

namespace tfile {

class Arena {
 public:
  explicit Arena(Memory &memory) : memory_(&memory) {}
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;
  ~Arena();

  // Makes sure that the next `size` bytes need no allocation.
  Status reserve(size_t size);
  // Allocates uninitialized memory; alignment is a power of two of at most 16.
  Status allocate(void **out, size_t size, size_t alignment);
  // Copies a text and appends a NUL, which the size of the copy does not count.
  Status copy(Text *out, Text text);
  template <typename T>
  Status copy(Span<const T> *out, Span<const T> values) {
    void *storage = nullptr;
    TFILE_TRY(allocate(&storage, values.size() * sizeof(T), alignof(T)));
    if (!values.empty()) memcpy(storage, values.data(), values.size() * sizeof(T));
    *out = Span<const T>(static_cast<const T *>(storage), values.size());
    return kOk;
  }

 private:
  Status add_chunk(size_t size);

  struct Chunk {
    Chunk *next;
    size_t size;
  };

  Memory *memory_;
  Chunk *chunks_ = nullptr;
  char *free_ = nullptr;
  size_t remaining_ = 0;
  size_t next_size_ = 1024;
};

}  // namespace tfile
