// Writes a file whose array data arrives in order, in pieces of any size.
#pragma once

#include "format/format.h"
#include "transfer/array_deflater.h"

namespace tfile {

// Writes the arrays of a request as their bytes arrive. The arrays in the request have dtypes and shapes but no data.
class StreamWriter {
 public:
  explicit StreamWriter(Memory &memory) : layout_(memory), array_segments_(memory), pending_(memory) {}
  StreamWriter(const StreamWriter &) = delete;
  StreamWriter &operator=(const StreamWriter &) = delete;
  ~StreamWriter();

  // Lays out the file. The format's check() must have accepted the request, and the request and the sink must outlive
  // *this.
  Status begin(Sink &sink, const Format &format, const SaveRequest &request);
  // True until every array is complete. Valid after begin().
  bool needs_data() const { return current_ < request_->arrays.size(); }
  // Returns the index of the first incomplete array.
  size_t current() const { return current_; }
  // Returns the number of bytes that this array still needs.
  uint64_t remaining() const { return array().nbytes - received_ - unswapped_; }
  // Writes the next bytes, in the byte order of this machine, until *bytes is empty or every array is complete. Removes
  // the written bytes from the front of *bytes.
  Status write(Bytes *bytes);
  // Writes what follows the last array. Every array must be complete.
  Status finish();

 private:
  const Array &array() const { return *request_->arrays[current_].array; }
  Status begin_arrays();
  Status begin_array();
  Status end_array();
  Status write_between(size_t last);
  Status write_data(const uint8_t *bytes, size_t nbytes);
  Status write_swapped(const uint8_t *bytes, size_t nbytes);
  Status emit(uint64_t offset, const uint8_t *bytes, size_t nbytes);
  Status flush();
  Status patch_text(const Layout::Segment &segment, size_t position);

  Sink *sink_ = nullptr;
  const Format *format_ = nullptr;
  const SaveRequest *request_ = nullptr;
  Layout layout_;
  Vec<size_t> array_segments_;  // the segment of each array
  Output *output_ = nullptr;
  ArrayDeflater *deflater_ = nullptr;  // only for a compressed request
  size_t current_ = 0;
  uint64_t received_ = 0;  // bytes of the current array, not counting those in scalars_
  uint32_t crc_ = 0;       // of the current array so far
  Vec<uint8_t> pending_;   // bytes to write at pending_at_ with one call
  uint64_t pending_at_ = 0;
  uint8_t scalars_[4096];  // bytes to swap on a big-endian machine
  size_t unswapped_ = 0;   // bytes in scalars_
};

}  // namespace tfile
