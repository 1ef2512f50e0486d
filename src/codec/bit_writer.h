// Writes bits in the order of deflate: each byte is filled from its lowest bit.
#pragma once

#include "base/endian.h"

namespace tfile {

// Appends bits to a buffer, which the caller must have made large enough: up to 8 bytes after the last bit are
// overwritten.
class BitWriter {
 public:
  explicit BitWriter(uint8_t *out) : out_(out) {}

  void put(uint64_t value, unsigned count) {
    bits_ |= value << count_;
    count_ += count;
    flush();
  }
  // Appends bits without a flush. Between two flushes, at most 56 bits may be appended.
  void add(uint64_t value, unsigned count) {
    bits_ |= value << count_;
    count_ += count;
  }
  void flush() {
    store_le(out_, bits_);
    out_ += count_ >> 3;
    bits_ >>= count_ & ~7U;
    count_ &= 7;
  }
  // Fills the last byte with zeros and returns the address of the next byte.
  uint8_t *align() {
    count_ = (count_ + 7) & ~7U;
    flush();
    return out_;
  }
  void advance(size_t nbytes) { out_ += nbytes; }
  bool aligned() const { return count_ == 0; }
  uint8_t *at() const { return out_; }

 private:
  uint8_t *out_;
  uint64_t bits_ = 0;
  unsigned count_ = 0;  // less than 8 after a flush
};

}  // namespace tfile
