// Slab: one allocation for many small objects, freed with the last of them.
#pragma once

#include "base/memory.h"

namespace tfile {

struct Slab {
  RefCount refs;
  Ref<Memory> memory;
  size_t size = 0;  // size of the whole block, which starts with this object

  void retain() { refs.increment(); }
  void release();
};

// Allocates objects from slabs.
class SlabAllocator {
 public:
  // Large enough that the cost of a slab is negligible. Not larger, because an object that outlives the others keeps
  // the whole slab allocated.
  static constexpr size_t kMaxBytes = size_t{2} << 20;
  static constexpr size_t kAlignment = 64;

  // `expected` is the sum of cost() for all objects, so that the last slab is not larger than necessary.
  SlabAllocator(Memory &memory, uint64_t expected) : memory_(memory), expected_(expected) {}

  Memory &memory() const { return memory_; }
  // Returns how many bytes of a slab an allocation of `size` bytes uses.
  static uint64_t cost(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }
  // Allocates uninitialized memory, aligned to kAlignment, from the slab *home, which the object must retain.
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
