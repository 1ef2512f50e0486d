// Layout: the offset of every byte of a file, computed before anything is written.
#pragma once

#include "base/vec.h"
#include "core/array.h"

namespace tfile {

// A file as a list of segments: text, which is what the format writes itself, such as headers; and the data of arrays.
class Layout {
 public:
  enum class Kind : uint8_t { kText, kGap, kArray };

  struct Segment {
    Kind kind;
    bool fortran;     // kArray: the data are in Fortran order
    uint64_t offset;  // offset in the file
    uint64_t nbytes;
    size_t index;  // kText: index of the first byte in `text`; kArray: index of the array in the request
  };

  // The position in the text at which the CRC-32 of an array, including the header before it, is stored.
  struct Checksum {
    static constexpr size_t kNone = SIZE_MAX;

    uint32_t crc = 0;  // first the CRC-32 of the header; in the end that of header and data
    size_t positions[2] = {kNone, kNone};
  };

  explicit Layout(Memory &memory) : segments(memory), text(memory), checksums(memory) {}

  // These append to the file.
  Status write(const void *bytes, size_t nbytes);
  Status write_zeros(uint64_t count);
  Status pad_to(uint64_t alignment) { return write_zeros((alignment - size % alignment) % alignment); }
  Status add_array(size_t index, uint64_t nbytes, bool fortran = false);

  // Stores the checksum of an array in the text.
  void set_checksum(size_t array, uint32_t crc);

  Vec<Segment> segments;  // none of them is empty
  Vec<uint8_t> text;
  Vec<Checksum> checksums;  // one for each array of the request; empty if the format has no checksums
  uint64_t size = 0;        // size of the file so far

 private:
  Status add(const Segment &segment);
};

}  // namespace tfile
