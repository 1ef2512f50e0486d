// Allocates aligned memory on each operating system.
#pragma once

#include <cstdlib>

namespace tfile::testing {

// Returns NULL if there is not enough memory.
inline void *allocate_aligned(size_t size, size_t alignment) {
  if (alignment < sizeof(void *)) alignment = sizeof(void *);
#if defined(_WIN32)
  return _aligned_malloc(size, alignment);
#else
  void *pointer = nullptr;
  return posix_memalign(&pointer, alignment, size) == 0 ? pointer : nullptr;
#endif
}

inline void free_aligned(void *pointer) {
#if defined(_WIN32)
  _aligned_free(pointer);
#else
  free(pointer);
#endif
}

}  // namespace tfile::testing
