#include "base/slab.h"

namespace tfile {

void Slab::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  const size_t bytes = size;
  this->~Slab();
  deallocate(*from, this, bytes, SlabAllocator::kAlignment);
}

Status SlabAllocator::allocate(void **out, Ref<Slab> *home, size_t size) {
  size = static_cast<size_t>(cost(size));
  if (size > remaining_) TFILE_TRY(add_slab(size));
  *out = free_;
  *home = slab_;
  free_ += size;
  remaining_ -= size;
  expected_ = expected_ > size ? expected_ - size : 0;
  return kOk;
}

Status SlabAllocator::add_slab(size_t minimum) {
  constexpr size_t kHead = (sizeof(Slab) + kAlignment - 1) / kAlignment * kAlignment;
  size_t capacity = expected_ < kMaxBytes - kHead ? static_cast<size_t>(expected_) : kMaxBytes - kHead;
  if (capacity < minimum) capacity = minimum;
  void *block = nullptr;
  TFILE_TRY(tfile::allocate(&block, memory_, kHead + capacity, kAlignment));
  auto *const slab = new (block) Slab{};
  slab->memory = Ref<Memory>::share(&memory_);
  slab->size = kHead + capacity;
  slab_ = Ref<Slab>::adopt(slab);
  free_ = static_cast<char *>(block) + kHead;
  remaining_ = capacity;
  return kOk;
}

}  // namespace tfile
