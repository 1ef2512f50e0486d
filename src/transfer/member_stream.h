// MemberStream: the bytes of a member, one after another, from plain or deflated storage.
#pragma once

#include <atomic>

#include "codec/deflate.h"
#include "transfer/chunks.h"
#include "format/format.h"

namespace tfile {

// The stored bytes of a member from its first array byte on, read in rising order: of a plain member by position, of a
// deflated one by inflating whatever comes before. The checksum goes along as long as no byte is left out.
class MemberStream {
 public:
  // whole: every byte will be read. The source and the member must outlive *this.
  MemberStream(const Source &source, const Member &member, Memory &memory, bool whole)
      : source_(source),
        member_(member),
        memory_(memory),
        inflater_(memory),
        input_(memory),
        chunks_(source, member, memory),
        held_(memory),
        jumps_(!whole && !member.chunks.empty()) {}

  Memory &memory() const { return memory_; }
  // Whether read(offset) of the member can be the next.
  bool leads_to(const Member &member, uint64_t offset) const {
    return &member == &member_ && (!member_.deflated || jumps_ || position_ <= offset);
  }
  // Whether every byte of the array has been seen.
  bool complete() const { return summed_ == member_.nbytes; }
  // Whether another stream would serve what is still to come as well.
  bool spent() const { return complete() && !jumps_; }

  Status begin();
  Status read(uint64_t offset, void *to, uint64_t nbytes);
  // Once it is complete: the stream must end here, and its checksum agree.
  Status finish();

 private:
  Failure failure(tf_status status) const;
  // Takes the next bytes of the array into its checksum.
  void sum(const void *bytes, size_t nbytes);
  // Reads out of the chunks that have what is wanted, the last one of which stays here; jumps_ is false afterwards where
  // that cannot be.
  Status jump(uint64_t offset, uint8_t *to, uint64_t nbytes);
  // Makes sure that there is input, unless the member has no more.
  Status refill();
  // Inflates nbytes to `to`; NULL: drops them.
  Status inflate(uint8_t *to, uint64_t nbytes);
  Status run(Span<uint8_t> *output);
  Status finish_stream();

  const Source &source_;
  const Member &member_;
  Memory &memory_;
  Inflater inflater_;
  Vec<uint8_t> input_;
  Bytes pending_;          // inflater's input not yet used
  uint64_t taken_ = 0;     // stored bytes read into input_
  uint64_t position_ = 0;  // next array byte
  uint64_t summed_ = 0;    // array bytes that crc_ is of
  uint32_t crc_ = 0;       // of the header too
  ChunkInflater chunks_;
  Vec<uint8_t> held_;  // a chunk of a slice
  size_t held_chunk_ = SIZE_MAX;
  bool jumps_;  // reads only the chunks that are wanted
  bool done_ = false;
};

// Where the last slice of a member with a checksum ended, so that one that follows it goes on from there. Any thread may
// take what is here; the others then begin anew.
class SliceCursor {
 public:
  SliceCursor() = default;
  ~SliceCursor() { keep(nullptr); }
  SliceCursor(const SliceCursor &) = delete;
  SliceCursor &operator=(const SliceCursor &) = delete;

  // What was kept, which is then the caller's; NULL: nothing.
  MemberStream *take() { return stream_.exchange(nullptr, std::memory_order_acquire); }
  void keep(MemberStream *stream);

 private:
  std::atomic<MemberStream *> stream_{nullptr};
};

}  // namespace tfile
