#include "http/string.h"

#include <openssl/crypto.h>
#include <stdlib.h>

namespace tfhttp {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

size_t Text::find(char wanted) const {
  for (size_t i = 0; i < size; ++i) {
    if (data[i] == wanted) return i;
  }
  return kNone;
}

size_t Text::find_last(char wanted) const {
  for (size_t i = size; i > 0; --i) {
    if (data[i - 1] == wanted) return i - 1;
  }
  return kNone;
}

bool Text::starts_with(Text prefix) const {
  return size >= prefix.size && first(prefix.size) == prefix;
}

bool Text::equals_ignoring_case(Text other) const {
  if (size != other.size) return false;
  for (size_t i = 0; i < size; ++i) {
    if (lower(data[i]) != lower(other.data[i])) return false;
  }
  return true;
}

Text Text::trimmed() const {
  Text text = *this;
  while (!text.empty() && (text.data[0] == ' ' || text.data[0] == '\t'))
    text = text.from(1);
  while (!text.empty() && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
    text = text.first(text.size - 1);
  return text;
}

bool operator==(Text a, Text b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

String::String(String &&other) noexcept
    : data_(other.data_), size_(other.size_), capacity_(other.capacity_), ok_(other.ok_) {
  other.data_ = nullptr;
  other.size_ = other.capacity_ = 0;
}

String &String::operator=(String &&other) noexcept {
  if (this == &other) return *this;
  clear();
  free(data_);
  data_ = other.data_;
  size_ = other.size_;
  capacity_ = other.capacity_;
  ok_ = other.ok_;
  other.data_ = nullptr;
  other.size_ = other.capacity_ = 0;
  return *this;
}

String::~String() {
  clear();
  free(data_);
}

void String::clear() {
  if (data_ != nullptr) OPENSSL_cleanse(data_, capacity_);
  size_ = 0;
}

String &String::assign(Text text) {
  clear();
  return *this << text;
}

// Makes space for more bytes and the NUL.
bool String::reserve(size_t more) {
  if (!ok_ || more > SIZE_MAX / 4 || size_ > SIZE_MAX / 4) return ok_ = false;
  const size_t needed = size_ + more + 1;
  if (needed <= capacity_) return true;
  const size_t capacity = needed < 64 ? 64 : needed * 2;
  auto *const grown = static_cast<char *>(malloc(capacity));
  if (grown == nullptr) return ok_ = false;
  if (data_ != nullptr) {
    memcpy(grown, data_, size_);
    OPENSSL_cleanse(data_, capacity_);
    free(data_);
  }
  data_ = grown;
  capacity_ = capacity;
  return true;
}

String &String::operator<<(Text text) {
  if (!reserve(text.size)) return *this;
  if (text.size != 0) memcpy(data_ + size_, text.data, text.size);
  size_ += text.size;
  data_[size_] = '\0';
  return *this;
}

String &String::operator<<(uint64_t number) {
  char digits[20];
  size_t start = sizeof(digits);
  do {
    digits[--start] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return *this << Text(digits + start, sizeof(digits) - start);
}

void append_encoded(String &out, Text text, bool keep_slashes) {
  static const char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slashes && c == '/')) {
      out << c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out << '%' << kHex[byte >> 4] << kHex[byte & 15];
    }
  }
}

bool parse_number(uint64_t *out, Text text) {
  uint64_t number = 0;
  if (text.empty()) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (number > (static_cast<uint64_t>(INT64_MAX) - digit) / 10) return false;
    number = number * 10 + digit;
  }
  *out = number;
  return true;
}

}  // namespace tfhttp
