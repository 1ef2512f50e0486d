#include "base/memory.h"

#if !defined(_WIN32)

#include <stdlib.h>
#include <sys/mman.h>

namespace tfile {

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
// For smaller blocks a huge page would waste more memory than it saves time.
constexpr size_t kHugeFrom = kHugePage;

constexpr size_t kTouchFrom = size_t{64} << 10;

}  // namespace

void system_touch(void *pointer, size_t size) {
#if defined(MADV_POPULATE_WRITE)
  constexpr uintptr_t kPage = 4096;  // if the system's pages are larger, a block that starts inside one is left alone
  const uintptr_t begin = reinterpret_cast<uintptr_t>(pointer) / kPage * kPage;
  const uintptr_t end = reinterpret_cast<uintptr_t>(pointer) + size;
  (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_POPULATE_WRITE);
#else
  (void)pointer;
  (void)size;
#endif
}

void *system_allocate(size_t size, size_t alignment) {
  if (size > PTRDIFF_MAX - kHugePage) return nullptr;
  // A small alignment means an internal list, which is written right away: its pages are faulted in here. Array data
  // has a larger alignment and is written later by several threads, which fault in its pages themselves.
  const bool is_list = alignment <= alignof(max_align_t);
  const bool huge = size >= kHugeFrom;
  const size_t tail = huge ? size % kHugePage : size;  // bytes at the end that do not fill a huge page
  void *pointer = nullptr;
  if (is_list && !huge) {
    pointer = malloc(size);
  } else if (posix_memalign(&pointer, huge && alignment < kHugePage ? kHugePage : alignment, size) != 0) {
    pointer = nullptr;
  }
  if (pointer == nullptr) return nullptr;
#if defined(MADV_HUGEPAGE)
  // Only advice: if the system does not follow it, the pages are small and nothing else changes.
  if (huge) (void)madvise(pointer, size - tail, MADV_HUGEPAGE);
#endif
  if (is_list && tail >= kTouchFrom) system_touch(static_cast<char *>(pointer) + size - tail, tail);
  return pointer;
}

void system_free(void *pointer, size_t /*size*/, size_t /*alignment*/) {
  free(pointer);
}

}  // namespace tfile

#endif
