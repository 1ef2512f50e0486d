// Vec: a growable array whose allocations can fail. Elements are moved by memcpy and need no destructor.
#pragma once

#include <type_traits>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/span.h"

namespace tfile {

template <typename T>
class Vec {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // memory must outlive the Vec, which does not retain it.
  explicit Vec(Memory &memory) : memory_(&memory) {}
  Vec(const Vec &) = delete;
  Vec &operator=(const Vec &) = delete;
  ~Vec() { deallocate(*memory_, data_, capacity_ * sizeof(T), alignof(T)); }

  Memory &memory() const { return *memory_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T *data() { return data_; }
  const T *data() const { return data_; }
  T &operator[](size_t i) { return data_[i]; }
  const T &operator[](size_t i) const { return data_[i]; }
  T *begin() { return data_; }
  T *end() { return data_ + size_; }
  const T *begin() const { return data_; }
  const T *end() const { return data_ + size_; }
  T &back() { return data_[size_ - 1]; }
  const T &back() const { return data_[size_ - 1]; }
  Span<const T> span() const { return Span<const T>(data_, size_); }

  Status reserve(size_t capacity) {
    if (capacity <= capacity_) return kOk;
    const Checked bytes = Checked(capacity) * sizeof(T);
    if (!bytes.fits_memory()) {
      return Failure(TF_STATUS_OUT_OF_MEMORY) << "a list of " << static_cast<uint64_t>(capacity) << " is too long";
    }
    void *fresh = nullptr;
    TFILE_TRY(allocate(&fresh, *memory_, static_cast<size_t>(bytes.value()), alignof(T)));
    if (size_ > 0) memcpy(fresh, static_cast<const void *>(data_), size_ * sizeof(T));
    deallocate(*memory_, data_, capacity_ * sizeof(T), alignof(T));
    data_ = static_cast<T *>(fresh);
    capacity_ = capacity;
    return kOk;
  }
  Status push(const T &value) {
    const T copy = value;  // value may be an element of this Vec
    if (size_ == capacity_) TFILE_TRY(reserve(grown(size_ + 1)));
    data_[size_++] = copy;
    return kOk;
  }
  Status append(const T *values, size_t count) {
    if (count > SIZE_MAX / 2 - size_) return reserve(SIZE_MAX);
    if (size_ + count > capacity_) {
      // values may be elements of this Vec
      const uintptr_t offset = reinterpret_cast<uintptr_t>(values) - reinterpret_cast<uintptr_t>(data_);
      const bool own = offset < size_ * sizeof(T);
      TFILE_TRY(reserve(grown(size_ + count)));
      if (own) values = data_ + offset / sizeof(T);
    }
    if (count > 0) memcpy(static_cast<void *>(data_ + size_), values, count * sizeof(T));
    size_ += count;
    return kOk;
  }
  // New elements are uninitialized.
  Status resize(size_t size) {
    TFILE_TRY(reserve(size));
    size_ = size;
    return kOk;
  }
  void pop() { --size_; }
  // Removes all but the first `size` elements.
  void truncate(size_t size) { size_ = size; }
  void clear() { size_ = 0; }
  // Removes an element. Takes time in proportion to the number of elements after it.
  void erase(size_t i) {
    memmove(static_cast<void *>(data_ + i), data_ + i + 1, (size_ - i - 1) * sizeof(T));
    --size_;
  }
  void swap(Vec &other) {
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  size_t grown(size_t needed) const {
    const size_t more = capacity_ + capacity_ / 2;
    const size_t least = sizeof(T) >= 64 ? 4 : 256 / sizeof(T);
    return needed > more ? (needed > least ? needed : least) : more;
  }

  Memory *memory_;
  T *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tfile
