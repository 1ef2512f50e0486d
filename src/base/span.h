// Span and Text: pointer and length. The standard ones are not used because they refer to the C++ run-time library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tfile {

template <typename T>
class Span {
 public:
  constexpr Span() = default;
  constexpr Span(T *data, size_t size) : data_(data), size_(size) {}

  constexpr T *data() const { return data_; }
  constexpr size_t size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr T &operator[](size_t i) const { return data_[i]; }
  constexpr T *begin() const { return data_; }
  constexpr T *end() const { return data_ + size_; }
  // Both clamp their argument to the size.
  constexpr Span from(size_t start) const { return start < size_ ? Span(data_ + start, size_ - start) : Span(); }
  constexpr Span first(size_t count) const { return Span(data_, count < size_ ? count : size_); }

 private:
  T *data_ = nullptr;
  size_t size_ = 0;
};

using Bytes = Span<const uint8_t>;

// Bytes of text, not necessarily NUL-terminated.
class Text : public Span<const char> {
 public:
  constexpr Text() = default;
  constexpr Text(const char *data, size_t size) : Span(data, size) {}
  constexpr Text(Span<const char> span) : Span(span) {}  // NOLINT(google-explicit-constructor): the same thing
  constexpr Text(const char *terminated)                 // NOLINT(google-explicit-constructor): literals
      : Span(terminated, __builtin_strlen(terminated)) {}

  // The length is as in the C functions: SIZE_MAX means NUL-terminated.
  static constexpr Text of(const char *data, size_t length) {
    return length == SIZE_MAX ? Text(data) : Text(data, length);
  }
  constexpr bool starts_with(Text prefix) const { return first(prefix.size()) == prefix; }
  constexpr bool ends_with(Text suffix) const {
    return size() >= suffix.size() && Text(from(size() - suffix.size())) == suffix;
  }
  friend constexpr bool operator==(Text a, Text b) {
    return a.size() == b.size() && (a.empty() || __builtin_memcmp(a.data(), b.data(), a.size()) == 0);
  }
  // Compares bytes, with the result of strcmp().
  friend constexpr int compare(Text a, Text b) {
    const size_t common = a.size() < b.size() ? a.size() : b.size();
    const int order = common == 0 ? 0 : __builtin_memcmp(a.data(), b.data(), common);
    if (order != 0) return order;
    return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
  }
};

}  // namespace tfile
