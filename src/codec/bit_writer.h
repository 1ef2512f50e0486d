// Writes bits, the first lowest, as deflate orders them.
#pragma once

#include "base/endian.h"

namespace tfile {

// Appends bits to a buffer, whose owner has made sure that it is large enough. Writes up to 8 bytes beyond the last bit.
class BitWriter {
 public:
  explicit BitWriter(uint8_t *out) : out_(out) {}

  void put(uint64_t value, unsigned count) {
    bits_ |= value << count_;
    count_ += count;
    flush();
  }
  // The same without a flush, after which at most 56 bits may be put.
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
  // Fills the last byte with zeros, and returns where the next one is.
  uint8_t *align() {
    count_ = (count_ + 7) & ~7U;
    flush();
    return out_;
  }
  void advance(size_t nbytes) { out_ += nbytes; }
  bool aligned() const { return count_ == 0; }
  unsigned bit() const { return count_; }
  uint8_t *at() const { return out_; }

 private:
  uint8_t *out_;
  uint64_t bits_ = 0;
  unsigned count_ = 0;  // less than 8 after a flush
};

}  // namespace tfile
