// Memory: where the bytes of an object come from. Every allocation names its Memory and may fail.
#pragma once

#include <atomic>
#include <new>
#include <utility>

#include "base/ref.h"
#include "base/status.h"

namespace tfile {

// An allocator with a life of its own: objects hold a reference, so that the caller's `release` runs after the last
// one.
struct Memory {
  RefCount refs;
  tf_alloc_fn alloc = nullptr;  // NULL: the default allocator, or the parent
  tf_free_fn free = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;
  Memory *parent = nullptr;  // of a budget
  uint64_t limit = 0;        // of a budget: bytes that may be held at once
  std::atomic<uint64_t> used{0};

  void retain();
  void release();
};

// The default allocator; static, never freed.
Memory &default_memory();

// A Memory over the caller's allocator. On failure the caller's release has been called.
Status make_memory(Ref<Memory> &out, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release, void *user);

// A Memory that takes from parent, and gives LIMIT when more than limit bytes would be held at once.
Status make_budget(Ref<Memory> &out, Memory &parent, uint64_t limit);

// size 0 gives a pointer too. Fails with OUT_OF_MEMORY or LIMIT, the error record set.
Status allocate(void **out, Memory &memory, size_t size, size_t alignment);
void deallocate(Memory &memory, void *pointer, size_t size, size_t alignment);

// Makes a T, whose constructor gets arguments, in memory.
template <typename T, typename... Arguments>
Status make(T **out, Memory &memory, Arguments &&...arguments) {
  void *storage = nullptr;
  TFILE_TRY(allocate(&storage, memory, sizeof(T), alignof(T)));
  *out = new (storage) T{std::forward<Arguments>(arguments)...};
  return kOk;
}

template <typename T>
void destroy(Memory &memory, T *object) {
  object->~T();
  deallocate(memory, object, sizeof(T), alignof(T));
}

// Frees an object that has the members `memory`, `release_user` and `user`, then calls release_user, if any.
template <typename T>
void destroy_and_release(T *object) {
  const Ref<Memory> from = object->memory;
  const tf_release_fn then = object->release_user;
  void *const argument = object->user;
  destroy(*from, object);
  if (then != nullptr) then(argument);
}

// Returns a failing status from a function that takes ownership of `user`, after calling its release callback.
inline Status fail_and_release(Status status, tf_release_fn release, void *user) {
  if (release != nullptr) release(user);
  return status;
}

// The allocator for what is made from an object: the object's own, without the byte budget of the call that made it.
inline Memory &without_budget(Memory &memory) {
  return memory.parent != nullptr ? *memory.parent : memory;
}

// Calls the user's release callback when its scope ends, unless disarm() has passed the callback on.
class PendingRelease {
 public:
  PendingRelease(tf_release_fn release, void *user) : release_(release), user_(user) {}
  PendingRelease(const PendingRelease &) = delete;
  PendingRelease &operator=(const PendingRelease &) = delete;
  ~PendingRelease() {
    if (release_ != nullptr) release_(user_);
  }
  void *user() const { return user_; }
  // Returns the callback; from now on the caller is responsible for calling it.
  tf_release_fn disarm() {
    const tf_release_fn release = release_;
    release_ = nullptr;
    return release;
  }

 private:
  tf_release_fn release_;
  void *user_;
};

// The operating system's part of the default allocator (memory_posix.cpp, memory_windows.cpp): large blocks lie on huge
// pages where there are such, because fresh small pages cost more than the reading that fills them.
void *system_allocate(size_t size, size_t alignment);
void system_free(void *pointer, size_t size, size_t alignment);
// Has the system make the pages of memory that is about to be written, in one go where it can: a page that is first
// touched by the write costs several times as much. For 64 KiB and more.
void system_touch(void *pointer, size_t size);

}  // namespace tfile
