#include "base/line.h"

#include "base/utf8.h"

namespace tfile {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// True if one of eight bytes is a control character, a DEL, or not ASCII.
bool has_escaped(uint64_t eight) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kHighs = 0x8080808080808080u;
  return ((eight - kOnes * 0x20) | (eight + kOnes) | eight) & kHighs;
}

// Returns the number of leading printable ASCII characters. These need no escaping, and most texts have no others.
size_t count_plain(Text text) {
  size_t count = 0;
  for (uint64_t eight; text.size() - count >= sizeof(eight); count += sizeof(eight)) {
    memcpy(&eight, text.data() + count, sizeof(eight));
    if (has_escaped(eight)) break;
  }
  while (count < text.size() && text[count] >= 0x20 && text[count] < 0x7F)
    ++count;
  return count;
}

}  // namespace

bool LineWriter::put(const char *text, size_t size) {
  if (full_ || size > remaining()) {
    full_ = true;
    return false;
  }
  memcpy(buffer_ + size_, text, size);
  size_ += size;
  buffer_[size_] = '\0';
  return true;
}

LineWriter &LineWriter::operator<<(Text text) {
  for (size_t i = 0; i < text.size() && !full_;) {
    const size_t plain = count_plain(text.from(i).first(remaining()));
    if (plain > 0) {
      put(text.data() + i, plain);
      i += plain;
      continue;
    }
    const auto byte = static_cast<uint8_t>(text[i]);
    const size_t length = utf8_sequence(Bytes(reinterpret_cast<const uint8_t *>(text.data()) + i, text.size() - i));
    if (byte >= 0x20 && byte != 0x7F && length > 0) {
      put(text.data() + i, length);
      i += length;
      continue;
    }
    if (byte == '\n' || byte == '\t' || byte == '\r') {
      put(byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : "\\r", 2);
    } else {
      const char escape[4] = {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
      put(escape, sizeof(escape));
    }
    ++i;
  }
  return *this;
}

LineWriter &LineWriter::operator<<(uint64_t number) {
  char digits[20];
  size_t start = sizeof(digits);
  do {
    digits[--start] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  put(digits + start, sizeof(digits) - start);
  return *this;
}

LineWriter &LineWriter::operator<<(int64_t number) {
  if (number >= 0) return *this << static_cast<uint64_t>(number);
  put("-", 1);
  return *this << (uint64_t{0} - static_cast<uint64_t>(number));
}

LineWriter &LineWriter::hex(uint64_t number) {
  char digits[16];
  size_t start = sizeof(digits);
  do {
    digits[--start] = kHexDigits[number & 15];
    number >>= 4;
  } while (number != 0);
  put("0x", 2);
  put(digits + start, sizeof(digits) - start);
  return *this;
}

LineWriter &LineWriter::shape(Span<const int64_t> sizes) {
  *this << "(";
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) *this << ", ";
    *this << sizes[i];
  }
  return *this << (sizes.size() == 1 ? ",)" : ")");
}

void LineWriter::cut(size_t size) {
  size_ = size;
  buffer_[size_] = '\0';
  full_ = false;
}

}  // namespace tfile
