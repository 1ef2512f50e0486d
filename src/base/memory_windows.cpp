#include "base/memory.h"

#if defined(_WIN32)

#include <malloc.h>

namespace tfile {

void *system_allocate(size_t size, size_t alignment) {
  return _aligned_malloc(size, alignment);
}

void system_touch(void * /*pointer*/, size_t /*size*/) {}

void system_free(void *pointer, size_t /*size*/, size_t /*alignment*/) {
  _aligned_free(pointer);
}

}  // namespace tfile

#endif
