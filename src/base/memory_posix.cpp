#include "base/memory.h"

#if !defined(_WIN32)

#include <stdlib.h>
#include <sys/mman.h>

namespace tfile {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// Below this a huge page would waste more than it saves.
constexpr size_t kHugeFrom = kHugePage;

}  // namespace

void *system_allocate(size_t size, size_t alignment) {
  if (size > PTRDIFF_MAX - kHugePage) return nullptr;
  if (alignment <= alignof(max_align_t) && size < kHugeFrom) return malloc(size);
  void *pointer = nullptr;
  const bool huge = size >= kHugeFrom;
  if (huge && alignment < kHugePage) alignment = kHugePage;
  if (posix_memalign(&pointer, alignment, size) != 0) return nullptr;
#if defined(MADV_HUGEPAGE)
  // Advice only: where it is refused the pages are small, and nothing else changes.
  if (huge) (void)madvise(pointer, size / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return pointer;
}

void system_free(void *pointer, size_t /*size*/, size_t /*alignment*/) {
  free(pointer);
}

}  // namespace tfile

#endif
