// The chunks of a deflated member, each of which can be inflated by itself.
#pragma once

#include "codec/deflate.h"
#include "format/format.h"

namespace tfile {

// Inflates chunks of one member. What the directory says of them is taken at its word only as long as all of it is so:
// good becomes false, without an error, where a chunk is not exactly the bytes that it should be.
class ChunkInflater {
 public:
  ChunkInflater(const Source &source, const Member &member, Memory &memory)
      : source_(source), member_(member), inflater_(memory), input_(memory) {}

  // Array bytes of a chunk.
  uint64_t size(size_t chunk) const {
    const uint64_t start = chunk * member_.chunk;
    return member_.nbytes - start < member_.chunk ? member_.nbytes - start : member_.chunk;
  }
  Status chunk(bool *good, size_t chunk, void *to);
  // The .npy header before the first chunk; only its checksum.
  Status head(bool *good, uint32_t *crc);

 private:
  Status inflate(bool *good, uint64_t from, uint64_t end, bool last, Span<uint8_t> output);

  const Source &source_;
  const Member &member_;
  Inflater inflater_;
  Vec<uint8_t> input_;
};

}  // namespace tfile
