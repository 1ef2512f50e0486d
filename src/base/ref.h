// Reference counting: RefCount is a member of the counted object, which has retain() and release(); Ref is a smart
// pointer to it.
#pragma once

#include <atomic>
#include <cstddef>

namespace tfile {

class RefCount {
 public:
  void increment() { count_.fetch_add(1, std::memory_order_relaxed); }
  // True if that was the last reference.
  bool decrement() { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
  // True if the caller's reference is the only one.
  bool unique() const { return count_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<size_t> count_{1};
};

template <typename T>
class Ref {
 public:
  Ref() = default;
  // Takes ownership of a reference of the caller.
  static Ref adopt(T *object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  // Adds a reference.
  static Ref share(T *object) {
    if (object != nullptr) object->retain();
    return adopt(object);
  }
  Ref(const Ref &other) : object_(other.object_) {
    if (object_ != nullptr) object_->retain();
  }
  Ref(Ref &&other) noexcept : object_(other.take()) {}
  Ref &operator=(Ref other) noexcept {
    T *old = object_;
    object_ = other.object_;
    other.object_ = old;
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->release();
  }

  T *get() const { return object_; }
  T *operator->() const { return object_; }
  T &operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  // Gives ownership of the reference to the caller.
  T *take() {
    T *object = object_;
    object_ = nullptr;
    return object;
  }

 private:
  T *object_ = nullptr;
};

}  // namespace tfile
