// Layout: a file whose every byte has its place before anything is written.
#pragma once

#include "base/vec.h"
#include "core/array.h"

namespace tfile {

// Bytes that a format makes, such as headers, and between them the data of arrays.
class Layout {
 public:
  enum class Kind : uint8_t { kText, kGap, kArray };

  struct Segment {
    Kind kind;
    bool fortran;     // kArray: the data lie in Fortran order
    uint64_t offset;  // in the file
    uint64_t nbytes;
    size_t place;  // kText: in text; kArray: of the array in the request
  };

  // Where the CRC-32 of an array, and of the header that its member has before it, goes in the text.
  struct Checksum {
    static constexpr size_t kNowhere = SIZE_MAX;

    uint32_t crc = 0;  // of what comes before the data; at last of all
    size_t places[2] = {kNowhere, kNowhere};
  };

  explicit Layout(Memory &memory) : segments(memory), text(memory), checksums(memory) {}

  // Each adds behind what was added before.
  Status write(const void *bytes, size_t nbytes);
  Status write_zeros(uint64_t count);
  Status pad_to(uint64_t alignment) { return write_zeros((alignment - size % alignment) % alignment); }
  Status add_array(size_t place, uint64_t nbytes, bool fortran = false);

  // Puts the sum of an array where it belongs.
  void set_checksum(size_t array, uint32_t crc);

  Vec<Segment> segments;  // none of them is empty
  Vec<uint8_t> text;
  Vec<Checksum> checksums;  // of each array of the request; empty: the format has none
  uint64_t size = 0;        // of the file so far

 private:
  Status add(const Segment &segment);
};

}  // namespace tfile
