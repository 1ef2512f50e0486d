// Reads the array bytes of a member in ascending order, whether they are deflated or not.
#pragma once

#include <atomic>

#include "codec/deflate.h"
#include "format/format.h"
#include "transfer/chunks.h"

namespace tfile {

// Reads a member's array bytes in ascending order. A deflated member is inflated from its start, and the bytes before
// the requested ones are discarded. The checksum is computed as long as no byte is skipped.
class MemberStream {
 public:
  // If `whole`, the caller will read every byte, so the chunk table of a deflated member is not used. The source and
  // the member must outlive *this.
  MemberStream(const Source &source, const Member &member, Memory &memory, bool whole)
      : source_(source),
        member_(member),
        memory_(memory),
        inflater_(memory),
        input_(memory),
        chunks_(source, member, memory),
        current_chunk_(memory),
        seeks_(!whole && !member.chunks.empty()) {}

  Memory &memory() const { return memory_; }
  const Source &source() const { return source_; }
  // True if *this reads that member and can still read the bytes at `offset`.
  bool can_reach(const Member &member, uint64_t offset) const {
    return &member == &member_ && (!member_.deflated || seeks_ || position_ <= offset);
  }
  // True if every byte of the array has been read without a gap, so that finish() can verify the checksum.
  bool complete() const { return summed_ == member_.nbytes; }
  // True if a new stream would be as fast for later reads as this one, so that this one need not be kept.
  bool is_replaceable() const { return complete() && !seeks_; }

  Status begin();
  Status read(uint64_t offset, void *to, uint64_t nbytes);
  // Verifies that the deflate stream ends here and that the checksum is correct. Requires complete().
  Status finish();

 private:
  Failure failure(tf_status status) const;
  // Adds the next bytes of the array to the checksum.
  void sum(const void *bytes, size_t nbytes);
  // Inflates only the chunks that contain the requested bytes, and keeps the last one for the next call. If the chunk
  // table is found to be wrong, sets seeks_ to false; the bytes at `to` are then undefined.
  Status read_chunks(uint64_t offset, uint8_t *to, uint64_t nbytes);
  // Reads more input if all of it has been used and the member has more.
  Status refill();
  // Inflates nbytes to `to`, or discards them if `to` is NULL.
  Status inflate(uint8_t *to, uint64_t nbytes);
  Status run(Span<uint8_t> *output);
  Status sum_tail();
  Status finish_stream();

  const Source &source_;
  const Member &member_;
  Memory &memory_;
  Inflater inflater_;
  Vec<uint8_t> input_;
  Bytes pending_;             // the part of input_ that the inflater has not used yet
  uint64_t stored_read_ = 0;  // stored bytes read so far
  uint64_t position_ = 0;     // offset of the next byte in the array
  uint64_t summed_ = 0;       // number of array bytes that crc_ covers
  uint32_t crc_ = 0;          // checksum of the .npy header and these bytes
  ChunkInflater chunks_;
  Vec<uint8_t> current_chunk_;  // inflated
  size_t current_chunk_index_ = SIZE_MAX;
  bool seeks_;         // true: inflates only the chunks that are needed
  bool done_ = false;  // the deflate stream has ended
};

// Keeps the stream that read the last slice, so that reading the next slice of the same member can continue from there.
// Any thread may take the stream; meanwhile other threads use streams of their own.
class SliceCursor {
 public:
  SliceCursor() = default;
  ~SliceCursor() { keep(nullptr); }
  SliceCursor(const SliceCursor &) = delete;
  SliceCursor &operator=(const SliceCursor &) = delete;

  // Transfers ownership of the stream to the caller. Returns NULL if there is none.
  MemberStream *take() { return stream_.exchange(nullptr, std::memory_order_acquire); }
  // Takes ownership of the stream and destroys the one before it.
  void keep(MemberStream *stream);

 private:
  std::atomic<MemberStream *> stream_{nullptr};
};

}  // namespace tfile
