// Text and String: text of others, and text that grows. Without the C++ run-time library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace tfhttp {

// Characters that the caller owns, not NUL-terminated.
struct Text {
  constexpr Text() = default;
  Text(const char *text)
      : data(text), size(strlen(text)) {}  // NOLINT(google-explicit-constructor): a literal is a text
  constexpr Text(const char *text, size_t length) : data(text), size(length) {}

  static constexpr size_t kNone = SIZE_MAX;

  bool empty() const { return size == 0; }
  const char *begin() const { return data; }
  const char *end() const { return data + size; }
  Text first(size_t count) const { return {data, count < size ? count : size}; }
  Text from(size_t start) const { return start < size ? Text(data + start, size - start) : Text(); }
  // Returns the index of the first or last occurrence of a character, or kNone.
  size_t find(char wanted) const;
  size_t find_last(char wanted) const;
  bool starts_with(Text prefix) const;
  // Comparison that ignores the case of ASCII letters.
  bool equals_ignoring_case(Text other) const;
  // Without spaces and tabs at both ends.
  Text trimmed() const;

  const char *data = "";
  size_t size = 0;
};

bool operator==(Text a, Text b);
inline bool operator!=(Text a, Text b) {
  return !(a == b);
}

// Text that grows. If memory runs out, ok() is false from then on, and the text is not to be used.
class String {
 public:
  String() = default;
  String(const String &) = delete;
  String &operator=(const String &) = delete;
  String(String &&other) noexcept;
  String &operator=(String &&other) noexcept;
  // Overwrites the memory, since it may contain a secret.
  ~String();

  String &operator<<(Text text);
  String &operator<<(const char *text) { return *this << Text(text); }
  String &operator<<(const String &text) { return *this << text.text(); }
  String &operator<<(uint64_t number);
  String &operator<<(char character) { return *this << Text(&character, 1); }
  void clear();
  // Replaces the text.
  String &assign(Text text);

  bool ok() const { return ok_; }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  const char *c_str() const { return data_ == nullptr ? "" : data_; }
  char *data() { return data_; }
  Text text() const { return {c_str(), size_}; }

 private:
  bool reserve(size_t more);

  char *data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool ok_ = true;
};

// Appends text with all bytes percent-encoded but letters, digits and "-._~", and '/' if `keep_slashes`.
void append_encoded(String &out, Text text, bool keep_slashes);
// Reads a number of decimal digits only. False if it is none, or does not fit.
bool parse_number(uint64_t *out, Text text);

}  // namespace tfhttp
