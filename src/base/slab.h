// Slab: one block of memory for many small objects, which goes with the last of them.
#pragma once

#include "base/memory.h"

namespace tfile {

struct Slab {
  RefCount refs;
  Ref<Memory> memory;
  size_t size = 0;  // of the whole block, at whose front this object stands

  void retain() { refs.increment(); }
  void release();
};

// Cuts room for objects out of slabs.
class SlabAllocator {
 public:
  // Large enough that a slab costs nothing beside what is in it; what outlives the others keeps no more alive.
  static constexpr size_t kMaxBytes = size_t{2} << 20;
  static constexpr size_t kAlignment = 64;

  // expected: bytes that will be taken in all, so that the last slab is no larger than it needs to be.
  SlabAllocator(Memory &memory, uint64_t expected) : memory_(memory), expected_(expected) {}

  Memory &memory() const { return memory_; }
  // What taking size bytes counts for in `expected`.
  static uint64_t cost(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }
  // Uninitialised room, aligned to kAlignment, in a slab that lives as long as *home.
  Status allocate(void **out, Ref<Slab> *home, size_t size);

 private:
  Status add_slab(size_t minimum);

  Memory &memory_;
  uint64_t expected_;
  Ref<Slab> slab_;
  char *free_ = nullptr;
  size_t remaining_ = 0;
};

}  // namespace tfile
