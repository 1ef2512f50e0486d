// Compresses the arrays of a request: divides each into chunks, which several threads deflate and which form one
// stream.
#pragma once

#include "codec/deflate.h"
#include "format/format.h"

namespace tfile {

// Writes compressed arrays to an output, one after another in the order of the request. A format's Packing writes
// everything around the compressed bytes.
class ArrayDeflater {
 public:
  // The arguments must outlive *this.
  ArrayDeflater(Output &output, const Packing &packing, const SaveRequest &request);
  ArrayDeflater(const ArrayDeflater &) = delete;
  ArrayDeflater &operator=(const ArrayDeflater &) = delete;
  ~ArrayDeflater();

  Status open();
  Status begin(size_t array);
  // Takes the next bytes of the array, little-endian.
  Status write(const void *bytes, size_t nbytes);
  Status end();
  // Writes what follows the last array.
  Status finish();

 private:
  // A chunk that one thread deflates.
  struct Job {
    Deflater *deflater;
    Bytes chunk;
    bool last;  // this is the last chunk of the array
    uint32_t crc;
  };

  size_t batch_size() const {
    const size_t workers = request_.settings.workers().count;
    return workers > 1 ? 2 * workers : 1;
  }
  bool is_small() const;
  Status reserve_jobs(size_t count);
  Status deflate(Bytes bytes);
  static Status run_job(void *context, size_t i);
  Status write_jobs(size_t count);
  Status deflate_head(bool last);

  Output &output_;
  const Packing &packing_;
  const SaveRequest &request_;
  Memory &memory_;
  Packer *packer_ = nullptr;  // the format's state
  Vec<uint8_t> head_;         // bytes to compress before the array; for a small array, also its data
  Vec<uint8_t> pending_;      // data that does not fill a batch yet
  Vec<uint32_t> chunk_sizes_;
  Vec<Job> jobs_;
  DeflateMethod method_;
  uint64_t nbytes_ = 0;  // size of the array in memory
  uint64_t done_ = 0;    // number of bytes of the array that have been deflated
  PackedArray packed_;
};

}  // namespace tfile
