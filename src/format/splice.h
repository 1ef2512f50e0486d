// Splice: a file made of new bytes and of ranges of an existing file, such as one with a new header and the old data.
#pragma once

#include "base/vec.h"

namespace tfile {

class Splice {
 public:
  struct Run {
    uint64_t at;  // offset in the new file
    uint64_t nbytes;
    uint64_t from;  // offset in the existing file, index in `text`, or kZeros
    bool is_new;

    static constexpr uint64_t kZeros = UINT64_MAX;  // the new bytes are zeros, at most kMaxZeros of them
  };
  static constexpr size_t kMaxZeros = 4096;

  explicit Splice(Memory &memory) : runs(memory), text(memory) {}

  // These append to the new file.
  Status write(const void *bytes, size_t nbytes);
  Status write_zeros(uint64_t count);
  Status pad_to(uint64_t alignment) { return write_zeros((alignment - size % alignment) % alignment); }
  Status copy(uint64_t offset, uint64_t nbytes);

  // Removes everything.
  void clear() {
    runs.clear();
    text.clear();
    size = 0;
  }

  // Returns the bytes of a run of new bytes; borrowed until the next write.
  const uint8_t *bytes(const Run &run) const;
  // Returns the index of the run that contains the byte at an offset before the end.
  size_t find(uint64_t offset) const;
  // True if the existing file, which has `old_size` bytes, becomes the new one when the first *nbytes are written into
  // it. False if its size would change, or bytes of it would move.
  bool fits_in_place(uint64_t *nbytes, uint64_t old_size) const;

  Vec<Run> runs;  // none of them is empty
  Vec<uint8_t> text;
  uint64_t size = 0;  // of the new file so far

 private:
  Status add(uint64_t nbytes, uint64_t from, bool is_new);
};

}  // namespace tfile
