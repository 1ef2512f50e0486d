// LineWriter: writes one line of escaped text to a fixed buffer; if it is full, the line ends after a whole character.
#pragma once

#include "base/span.h"

namespace tfile {

// A number that << writes in hexadecimal: 0x1f.
struct Hex {
  uint64_t number;
};

class LineWriter {
 public:
  // `capacity` includes the NUL that always ends the text.
  LineWriter(char *buffer, size_t capacity) : buffer_(buffer), capacity_(capacity) { buffer_[0] = '\0'; }

  LineWriter &operator<<(Text text);  // control characters escaped, bytes that are not UTF-8 as \xHH
  LineWriter &operator<<(const char *text) { return *this << Text(text); }
  LineWriter &operator<<(uint64_t number);
  LineWriter &operator<<(int64_t number);
  LineWriter &operator<<(uint32_t number) { return *this << static_cast<uint64_t>(number); }
  LineWriter &operator<<(int32_t number) { return *this << static_cast<int64_t>(number); }
  LineWriter &quoted(Text name) { return *this << "'" << name << "'"; }
  LineWriter &shape(Span<const int64_t> sizes);  // (2, 3), (3,), ()
  LineWriter &hex(uint64_t number);
  LineWriter &operator<<(Hex hex) { return this->hex(hex.number); }

  size_t size() const { return size_; }
  size_t remaining() const { return capacity_ - 1 - size_; }
  bool full() const { return full_; }
  Text text() const { return Text(buffer_, size_); }
  // Shortens the line to an earlier size().
  void cut(size_t size);

 private:
  bool put(const char *text, size_t size);  // writes nothing if the text does not fit

  char *buffer_;
  size_t capacity_;
  size_t size_ = 0;
  bool full_ = false;
};

}  // namespace tfile
