#include "transfer/member_stream.h"

#include <algorithm>

#include "base/error.h"
#include "codec/crc32.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

// The number of stored bytes to read at a time.
constexpr size_t kInput = size_t{64} << 10;
// The maximum number of bytes to inflate with one call: enough that the cost of the call does not matter.
constexpr uint64_t kPiece = uint64_t{8} << 20;

}  // namespace

Status MemberStream::begin() {
  crc_ = member_.deflated ? 0 : member_.head_crc32;
  summed_ = 0;
  if (!member_.deflated || seeks_) return kOk;
  TFILE_TRY(
      input_.resize(static_cast<size_t>(std::min(read_size(source_, kInput, kMaxPieceHint), member_.stored + 1))));
  TFILE_TRY(inflater_.begin());
  TFILE_TRY(inflate(nullptr, member_.head));
  summed_ = 0;  // the bytes so far were the .npy header, not array data
  return kOk;
}

Status MemberStream::read(uint64_t offset, void *to, uint64_t nbytes) {
  if (seeks_) {
    TFILE_TRY(read_chunks(offset, static_cast<uint8_t *>(to), nbytes));
    if (seeks_) return kOk;
    // The chunk table is wrong: inflate everything from the start.
    TFILE_TRY(begin());
  }
  if (member_.deflated) {
    TFILE_TRY(inflate(nullptr, offset - position_));
    TFILE_TRY(inflate(static_cast<uint8_t *>(to), nbytes));
  } else {
    TFILE_TRY(read_at(source_, member_.offset + offset, to, nbytes, member_.name));
    if (offset == summed_) sum(to, static_cast<size_t>(nbytes));
  }
  position_ = offset + nbytes;
  return kOk;
}

Status MemberStream::finish() {
  if (member_.tail > 0) TFILE_TRY(sum_tail());
  if (member_.deflated && !seeks_) TFILE_TRY(finish_stream());
  return member_.has_crc ? check_crc(source_, member_, crc_) : kOk;
}

Failure MemberStream::failure(tf_status status) const {
  Failure made(status);
  member_.name_in(made.in(source_.label));
  return made;
}

void MemberStream::sum(const void *bytes, size_t nbytes) {
  if (member_.has_crc) crc_ = crc32_update(crc_, bytes, nbytes);
  summed_ += nbytes;
}

// Adds the bytes after the array to the checksum.
Status MemberStream::sum_tail() {
  const uint64_t summed = summed_;
  if (member_.deflated) {
    TFILE_TRY(inflate(nullptr, member_.tail));
  } else {
    uint8_t piece[4096];
    for (uint64_t done = 0; done < member_.tail;) {
      const uint64_t remaining = member_.tail - done;
      const size_t count = remaining < sizeof(piece) ? static_cast<size_t>(remaining) : sizeof(piece);
      TFILE_TRY(read_at(source_, member_.offset + member_.nbytes + done, piece, count, member_.name));
      sum(piece, count);
      done += count;
    }
  }
  summed_ = summed;
  return kOk;
}

Status MemberStream::read_chunks(uint64_t offset, uint8_t *to, uint64_t nbytes) {
  while (nbytes > 0) {
    const auto index = static_cast<size_t>(offset / member_.chunk);
    if (index != current_chunk_index_) {
      current_chunk_index_ = SIZE_MAX;
      TFILE_TRY(current_chunk_.resize(static_cast<size_t>(chunks_.size(index))));
      TFILE_TRY(chunks_.chunk(&seeks_, index, current_chunk_.data()));
      if (seeks_ && index == 0) TFILE_TRY(chunks_.head(&seeks_, &crc_));
      if (!seeks_) return kOk;
      current_chunk_index_ = index;
      if (index == 0) summed_ = 0;
      if (index * member_.chunk == summed_) sum(current_chunk_.data(), current_chunk_.size());
    }
    const Bytes chunk(current_chunk_.data(), current_chunk_.size());
    const Bytes found = chunk.from(static_cast<size_t>(offset % member_.chunk));
    const size_t count = found.size() < nbytes ? found.size() : static_cast<size_t>(nbytes);
    memcpy(to, found.data(), count);
    to += count;
    offset += count;
    nbytes -= count;
  }
  return kOk;
}

Status MemberStream::refill() {
  if (!pending_.empty() || stored_read_ == member_.stored) return kOk;
  const uint64_t remaining = member_.stored - stored_read_;
  const size_t count = std::min(static_cast<size_t>(remaining), input_.size());
  TFILE_TRY(read_at(source_, member_.offset + stored_read_, input_.data(), count, member_.name));
  stored_read_ += count;
  pending_ = Bytes(input_.data(), count);
  return kOk;
}

Status MemberStream::inflate(uint8_t *to, uint64_t nbytes) {
  uint8_t discarded[4096];
  while (nbytes > 0) {
    TFILE_TRY(refill());
    uint64_t wanted = to != nullptr || nbytes < sizeof(discarded) ? nbytes : sizeof(discarded);
    if (wanted > kPiece) wanted = kPiece;
    uint8_t *const start = to != nullptr ? to : discarded;
    Span<uint8_t> output(start, static_cast<size_t>(wanted));
    TFILE_TRY(run(&output));
    const size_t made = static_cast<size_t>(wanted) - output.size();
    if (made == 0 && (done_ || (pending_.empty() && stored_read_ == member_.stored))) {
      return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored)
             << "inflates to " << nbytes << " bytes less than its directory entry says";
    }
    sum(start, made);
    if (to != nullptr) to += made;
    nbytes -= made;
  }
  return kOk;
}

Status MemberStream::run(Span<uint8_t> *output) {
  bool valid = false;
  TFILE_TRY(inflater_.run(&valid, &done_, &pending_, output));
  if (valid) return kOk;
  return failure(TF_STATUS_CORRUPT).at(member_.offset + stored_read_ - pending_.size()) << "is not a deflate stream";
}

Status MemberStream::finish_stream() {
  uint8_t extra = 0;
  while (!done_) {
    TFILE_TRY(refill());
    const bool starved = pending_.empty();
    Span<uint8_t> output(&extra, 1);
    TFILE_TRY(run(&output));
    if (output.empty()) {
      return failure(TF_STATUS_CORRUPT).at(member_.offset) << "inflates to more bytes than its directory entry says";
    }
    if (starved && !done_) {
      return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored) << "its deflate stream has no end";
    }
  }
  const uint64_t unused = pending_.size() + (member_.stored - stored_read_);
  if (unused == 0) return kOk;
  return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored - unused)
         << unused << " bytes follow the end of its deflate stream";
}

void SliceCursor::keep(MemberStream *stream) {
  MemberStream *const previous = stream_.exchange(stream, std::memory_order_acq_rel);
  if (previous != nullptr) destroy(previous->memory(), previous);
}

}  // namespace tfile
