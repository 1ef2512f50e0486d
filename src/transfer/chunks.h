// Inflates single chunks of a deflated member.
#pragma once

#include "codec/deflate.h"
#include "format/format.h"

namespace tfile {

// Inflates chunks of one member independently of each other. The chunk table is optional information that other
// programs ignore, so a wrong table is not an error: *good becomes false if a chunk does not have exactly the bytes
// that the table states.
class ChunkInflater {
 public:
  ChunkInflater(const Source &source, const Member &member, Memory &memory)
      : source_(source), member_(member), inflater_(memory), interleaved_(memory), input_(memory) {}

  // Returns the number of array bytes in a chunk.
  uint64_t size(size_t chunk) const {
    const uint64_t start = chunk * member_.chunk;
    return member_.nbytes - start < member_.chunk ? member_.nbytes - start : member_.chunk;
  }
  // Inflates a chunk to `to`, which has a capacity of size(chunk) bytes.
  Status chunk(bool *good, size_t chunk, void *to);
  // Returns how many of the chunks one thread should inflate in one call of chunks().
  static size_t together(const Member &member, size_t threads);
  // Inflates several consecutive chunks at the same time, which is faster than one after another. Reads all the
  // compressed chunks into memory.
  Status chunks(bool *good, size_t first, size_t count, void *to);
  // Inflates the .npy header before the first chunk and computes its checksum.
  Status head(bool *good, uint32_t *crc);

 private:
  Status inflate(bool *good, uint64_t from, uint64_t end, bool last, Span<uint8_t> output);

  const Source &source_;
  const Member &member_;
  Inflater inflater_;
  InterleavedInflater interleaved_;
  Vec<uint8_t> input_;
};

}  // namespace tfile
