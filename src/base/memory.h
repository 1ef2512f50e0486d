// Memory: an allocator. Every allocation names the one it uses, and can fail.
#pragma once

#include <atomic>
#include <new>
#include <utility>

#include "base/ref.h"
#include "base/status.h"

namespace tfile {

// Reference-counted: every object retains its allocator, so that the user's release callback runs after the last object
// was freed.
struct Memory {
  RefCount refs;
  tf_alloc_fn alloc = nullptr;  // NULL for the default allocator and for a budget
  tf_free_fn free = nullptr;
  tf_release_fn release_user = nullptr;
  void *user = nullptr;
  Memory *parent = nullptr;  // for a budget: the allocator that it uses
  uint64_t limit = 0;        // for a budget: the maximum number of bytes allocated at the same time
  std::atomic<uint64_t> used{0};

  void retain();
  void release();
};

// Returns the default allocator, which is never freed.
Memory &default_memory();

// Makes a Memory that calls the user's allocator. Calls release if it fails.
Status make_memory(Ref<Memory> &out, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release, void *user);

// Makes a Memory that allocates from parent, and fails with LIMIT if more than `limit` bytes would be allocated at the
// same time.
Status make_budget(Ref<Memory> &out, Memory &parent, uint64_t limit);

// Allocates `size` bytes; the pointer is not NULL even if size is 0. Fails with OUT_OF_MEMORY or LIMIT.
Status allocate(void **out, Memory &memory, size_t size, size_t alignment);
void deallocate(Memory &memory, void *pointer, size_t size, size_t alignment);

// Allocates and constructs a T.
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

// Returns the allocator for objects that are derived from an existing one: the existing object's allocator, but without
// the byte budget of the call that made it.
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

// Allocates for the default allocator (memory_posix.cpp, memory_windows.cpp). Large blocks get huge pages if the system
// has them: for fresh small pages, page faults take longer than reading a file into them.
void *system_allocate(size_t size, size_t alignment);
void system_free(void *pointer, size_t size, size_t alignment);
// Faults in the pages of memory that is about to be written, with one system call where possible. A page fault on first
// write costs several times as much. Worthwhile from 64 KiB.
void system_touch(void *pointer, size_t size);

}  // namespace tfile
