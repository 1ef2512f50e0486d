#include "base/arena.h"

#include "base/checked.h"
#include "base/error.h"

namespace tfile {

namespace {

constexpr size_t kAlignment = 16;
constexpr size_t kLargestChunk = size_t{256} << 10;
// Size of the header of a chunk, a multiple of the alignment.
constexpr size_t kHead = 16;

}  // namespace

Arena::~Arena() {
  while (chunks_ != nullptr) {
    Chunk *next = chunks_->next;
    deallocate(*memory_, chunks_, chunks_->size, kAlignment);
    chunks_ = next;
  }
}

Status Arena::add_chunk(size_t size) {
  static_assert(sizeof(Chunk) <= kHead);
  void *fresh = nullptr;
  TFILE_TRY(tfile::allocate(&fresh, *memory_, size, kAlignment));
  chunks_ = new (fresh) Chunk{chunks_, size};
  free_ = static_cast<char *>(fresh) + kHead;
  remaining_ = size - kHead;
  return kOk;
}

Status Arena::reserve(size_t size) {
  if (size <= remaining_ || size > SIZE_MAX / 2) return kOk;
  return add_chunk(size + kHead);
}

Status Arena::allocate(void **out, size_t size, size_t alignment) {
  size_t gap = (alignment - reinterpret_cast<uintptr_t>(free_) % alignment) % alignment;
  if (chunks_ == nullptr || gap > remaining_ || size > remaining_ - gap) {
    const Checked needed = Checked(size) + kHead;
    if (!needed.fits_memory()) return Failure(TF_STATUS_OUT_OF_MEMORY) << "a name is too long for memory";
    TFILE_TRY(add_chunk(needed.value() > next_size_ ? static_cast<size_t>(needed.value()) : next_size_));
    if (next_size_ < kLargestChunk) next_size_ *= 2;
    gap = 0;
  }
  *out = free_ + gap;
  free_ += gap + size;
  remaining_ -= gap + size;
  return kOk;
}

Status Arena::copy(Text *out, Text text) {
  void *storage = nullptr;
  TFILE_TRY(allocate(&storage, text.size() + 1, 1));
  auto *copied = static_cast<char *>(storage);
  if (!text.empty()) memcpy(copied, text.data(), text.size());
  copied[text.size()] = '\0';
  *out = Text(copied, text.size());
  return kOk;
}

}  // namespace tfile
