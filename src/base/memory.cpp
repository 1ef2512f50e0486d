#include "base/memory.h"

#include "base/error.h"
#include "base/options.h"

namespace tfile {

namespace {

constinit Memory the_default;

void *allocate_block(Memory &memory, size_t size, size_t alignment) {
  if (memory.alloc != nullptr) return memory.alloc(memory.user, size, alignment);
  return system_allocate(size, alignment);
}

void free_block(Memory &memory, void *pointer, size_t size, size_t alignment) {
  if (memory.free != nullptr) {
    memory.free(memory.user, pointer, size, alignment);
  } else {
    system_free(pointer, size, alignment);
  }
}

// Adds `size` bytes to those in use, unless that would exceed the budget.
Status charge(Memory &budget, size_t size) {
  uint64_t used = budget.used.load(std::memory_order_relaxed);
  do {
    if (size > budget.limit - used) {
      return Failure(TF_STATUS_LIMIT) << "the call needs " << static_cast<uint64_t>(size) << " bytes more than the "
                                      << used << " in use; the limit (" << option_name(TF_OPTION_MAX_BYTES) << ") is "
                                      << budget.limit;
    }
  } while (!budget.used.compare_exchange_weak(used, used + size, std::memory_order_relaxed));
  return kOk;
}

}  // namespace

Memory &default_memory() {
  return the_default;
}

void Memory::retain() {
  if (this != &the_default) refs.increment();
}

void Memory::release() {
  if (this == &the_default || !refs.decrement()) return;
  if (parent != nullptr) {
    Memory *const from = parent;
    destroy(*from, this);
    from->release();
    return;
  }
  const tf_release_fn then = release_user;
  void *const argument = user;
  destroy(the_default, this);
  if (then != nullptr) then(argument);
}

Status make_memory(Ref<Memory> &out, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release, void *user) {
  Memory *memory = nullptr;
  if (const Status status = make(&memory, the_default); !status.ok()) return fail_and_release(status, release, user);
  memory->alloc = alloc;
  memory->free = free;
  memory->release_user = release;
  memory->user = user;
  out = Ref<Memory>::adopt(memory);
  return kOk;
}

Status make_budget(Ref<Memory> &out, Memory &parent, uint64_t limit) {
  Memory *memory = nullptr;
  TFILE_TRY(make(&memory, parent));
  parent.retain();
  memory->parent = &parent;
  memory->limit = limit;
  out = Ref<Memory>::adopt(memory);
  return kOk;
}

Status allocate(void **out, Memory &memory, size_t size, size_t alignment) {
  if (size == 0) size = 1;
  Memory *from = &memory;
  if (memory.parent != nullptr) {
    TFILE_TRY(charge(memory, size));
    from = memory.parent;
  }
  *out = allocate_block(*from, size, alignment);
  if (*out == nullptr) {
    if (memory.parent != nullptr) memory.used.fetch_sub(size, std::memory_order_relaxed);
    return Failure(TF_STATUS_OUT_OF_MEMORY) << "could not allocate " << static_cast<uint64_t>(size) << " bytes";
  }
  return kOk;
}

void deallocate(Memory &memory, void *pointer, size_t size, size_t alignment) {
  if (pointer == nullptr) return;
  if (size == 0) size = 1;
  Memory *from = &memory;
  if (memory.parent != nullptr) {
    memory.used.fetch_sub(size, std::memory_order_relaxed);
    from = memory.parent;
  }
  free_block(*from, pointer, size, alignment);
}

}  // namespace tfile
