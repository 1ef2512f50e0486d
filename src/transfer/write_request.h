// What all writers share: arrays in C order (or Fortran's), little-endian, through a bounded piece of memory; and whole
// requests, from any format to any sink.
#pragma once

#include "format/format.h"

namespace tfile {

// Takes the bytes of an array piece by piece.
using PieceFn = Status (*)(void *context, const void *bytes, size_t nbytes);

// The elements of an array as a file has them: C order, or Fortran order when asked, little-endian. Contiguous data are
// handed over where they lie; others are copied together in pieces of at most 1 MiB.
Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn take, void *context);

// Writes a request that the format's check() has passed. Where the sink puts bytes anywhere, several threads write.
Status write_request(Sink &sink, const Format &format, const SaveRequest &request);

// Writes arrays whose bytes come one after another, in any pieces. The arrays of its request have no data.
class StreamWriter {
 public:
  explicit StreamWriter(Memory &memory) : layout_(memory), places_(memory), room_(memory) {}
  StreamWriter(const StreamWriter &) = delete;
  StreamWriter &operator=(const StreamWriter &) = delete;
  ~StreamWriter();

  // The request, which check() has passed, and the sink must outlive *this.
  Status begin(Sink &sink, const Format &format, const SaveRequest &request);
  // Whether there is an array that still lacks bytes; after begin().
  bool wants() const { return current_ < request_->arrays.size(); }
  // That array, and how many it lacks.
  size_t current() const { return current_; }
  uint64_t missing() const { return array().nbytes - taken_ - held_; }
  // Takes the next bytes, as they lie in memory, until none is left or no array lacks any; cut at their front by those.
  Status write(Bytes *bytes);
  // When no array lacks any.
  Status finish();

 private:
  const Array &array() const { return *request_->arrays[current_].array; }
  Status begin_arrays();
  Status begin_array();
  Status end_array();
  Status write_text(size_t last);
  Status take(const uint8_t *bytes, size_t nbytes);
  Status take_swapped(const uint8_t *bytes, size_t nbytes);
  Status emit(uint64_t offset, const uint8_t *bytes, size_t nbytes);
  Status flush();
  Status patch_text(const Layout::Segment &segment, size_t place);

  Sink *sink_ = nullptr;
  const Format *format_ = nullptr;
  const SaveRequest *request_ = nullptr;
  Layout layout_;
  Vec<size_t> places_;  // of each array's segment
  Output *output_ = nullptr;
  Packer *packer_ = nullptr;
  size_t current_ = 0;
  uint64_t taken_ = 0;  // bytes of the current array, without those in scalars_
  uint32_t crc_ = 0;    // of the current array
  Vec<uint8_t> room_;   // bytes that are to be put at room_at_, together
  uint64_t room_at_ = 0;
  uint8_t scalars_[4096];  // of a big-endian host, to be reversed
  size_t held_ = 0;
};

}  // namespace tfile
