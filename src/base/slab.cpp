#include "base/slab.h"

namespace tfile {

void Slab::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  const size_t bytes = size;
  this->~Slab();
  deallocate(*from, this, bytes, SlabCutter::kAlignment);
}

Status SlabCutter::take(void **out, Ref<Slab> *home, size_t size) {
  size = static_cast<size_t>(cost(size));
  if (size > left_) TFILE_TRY(begin(size));
  *out = free_;
  *home = slab_;
  free_ += size;
  left_ -= size;
  expected_ = expected_ > size ? expected_ - size : 0;
  return kOk;
}

Status SlabCutter::begin(size_t least) {
  constexpr size_t kHead = (sizeof(Slab) + kAlignment - 1) / kAlignment * kAlignment;
  size_t room = expected_ < kMost - kHead ? static_cast<size_t>(expected_) : kMost - kHead;
  if (room < least) room = least;
  void *place = nullptr;
  TFILE_TRY(allocate(&place, memory_, kHead + room, kAlignment));
  auto *const slab = new (place) Slab{};
  slab->memory = Ref<Memory>::share(&memory_);
  slab->size = kHead + room;
  slab_ = Ref<Slab>::adopt(slab);
  free_ = static_cast<char *>(place) + kHead;
  left_ = room;
  return kOk;
}

}  // namespace tfile
