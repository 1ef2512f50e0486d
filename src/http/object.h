// Objects with a reference count, in memory of malloc().
#pragma once

#include <stdlib.h>

#include <atomic>
#include <new>

namespace tfhttp {

// Returns NULL if memory runs out.
template <typename T>
T *make_object() {
  void *const memory = malloc(sizeof(T));
  return memory == nullptr ? nullptr : new (memory) T();
}

template <typename T>
void destroy_object(T *object) {
  object->~T();
  free(object);
}

// A base of objects that count their references; a new one has one.
class Counted {
 public:
  void retain() { count_.fetch_add(1, std::memory_order_relaxed); }
  // Returns true if this was the last reference.
  bool drop() { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

 private:
  std::atomic<uint32_t> count_{1};
};

// One reference.
template <typename T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T *adopted) : object_(adopted) {}
  Ref(Ref &&other) noexcept : object_(other.take()) {}
  Ref &operator=(Ref &&other) noexcept {
    T *const object = other.take();
    reset();
    object_ = object;
    return *this;
  }
  Ref(const Ref &) = delete;
  Ref &operator=(const Ref &) = delete;
  ~Ref() { reset(); }

  static Ref share(T *object) {
    if (object != nullptr) object->retain();
    return Ref(object);
  }
  T *get() const { return object_; }
  T *operator->() const { return object_; }
  T &operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  T *take() {
    T *const object = object_;
    object_ = nullptr;
    return object;
  }
  void reset() {
    if (object_ != nullptr && object_->drop()) destroy_object(object_);
    object_ = nullptr;
  }

 private:
  T *object_ = nullptr;
};

}  // namespace tfhttp
