#include "transfer/member_stream.h"

#include "base/error.h"
#include "codec/crc32.h"
#include "transfer/read.h"

namespace tfile {

namespace {

// Stored bytes that are read at a time.
constexpr size_t kInput = size_t{64} << 10;
// Bytes that are inflated at a time: enough that a call costs nothing beside it.
constexpr uint64_t kPiece = uint64_t{8} << 20;

}  // namespace

Status MemberStream::begin() {
  crc_ = member_.deflated ? 0 : member_.head_crc32;
  summed_ = 0;
  if (!member_.deflated || jumps_) return kOk;
  TFILE_TRY(input_.resize(kInput));
  TFILE_TRY(inflater_.begin());
  TFILE_TRY(inflate(nullptr, member_.head));
  summed_ = 0;  // the header's bytes are not the array's
  return kOk;
}

Status MemberStream::read(uint64_t offset, void *to, uint64_t nbytes) {
  if (jumps_) {
    TFILE_TRY(jump(offset, static_cast<uint8_t *>(to), nbytes));
    if (jumps_) return kOk;
    // The chunks are not what the directory says: all is inflated from the beginning.
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
  if (member_.deflated && !jumps_) TFILE_TRY(finish_stream());
  return member_.has_crc ? check_crc(source_, member_, crc_) : kOk;
}

Failure MemberStream::failure(tf_status status) const {
  Failure made(status);
  made.in(source_.label).array(member_.name);
  return made;
}

void MemberStream::sum(const void *bytes, size_t nbytes) {
  if (member_.has_crc) crc_ = crc32_update(crc_, bytes, nbytes);
  summed_ += nbytes;
}

Status MemberStream::jump(uint64_t offset, uint8_t *to, uint64_t nbytes) {
  while (nbytes > 0) {
    const auto chunk = static_cast<size_t>(offset / member_.chunk);
    if (chunk != held_chunk_) {
      held_chunk_ = SIZE_MAX;
      TFILE_TRY(held_.resize(static_cast<size_t>(chunks_.size(chunk))));
      TFILE_TRY(chunks_.chunk(&jumps_, chunk, held_.data()));
      if (jumps_ && chunk == 0) TFILE_TRY(chunks_.head(&jumps_, &crc_));
      if (!jumps_) return kOk;
      held_chunk_ = chunk;
      if (chunk == 0) summed_ = 0;
      if (chunk * member_.chunk == summed_) sum(held_.data(), held_.size());
    }
    const Bytes found = Bytes(held_.data(), held_.size()).from(static_cast<size_t>(offset % member_.chunk));
    const size_t count = found.size() < nbytes ? found.size() : static_cast<size_t>(nbytes);
    memcpy(to, found.data(), count);
    to += count;
    offset += count;
    nbytes -= count;
  }
  return kOk;
}

Status MemberStream::refill() {
  if (!pending_.empty() || taken_ == member_.stored) return kOk;
  const uint64_t left = member_.stored - taken_;
  const size_t count = left < kInput ? static_cast<size_t>(left) : kInput;
  TFILE_TRY(read_at(source_, member_.offset + taken_, input_.data(), count, member_.name));
  taken_ += count;
  pending_ = Bytes(input_.data(), count);
  return kOk;
}

Status MemberStream::inflate(uint8_t *to, uint64_t nbytes) {
  uint8_t dropped[4096];
  while (nbytes > 0) {
    TFILE_TRY(refill());
    uint64_t room = to != nullptr || nbytes < sizeof(dropped) ? nbytes : sizeof(dropped);
    if (room > kPiece) room = kPiece;
    uint8_t *const place = to != nullptr ? to : dropped;
    Span<uint8_t> output(place, static_cast<size_t>(room));
    TFILE_TRY(run(&output));
    const size_t made = static_cast<size_t>(room) - output.size();
    if (made == 0 && (done_ || (pending_.empty() && taken_ == member_.stored))) {
      return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored)
             << "inflates to " << nbytes << " bytes less than its directory entry says";
    }
    sum(place, made);
    if (to != nullptr) to += made;
    nbytes -= made;
  }
  return kOk;
}

Status MemberStream::run(Span<uint8_t> *output) {
  bool valid = false;
  TFILE_TRY(inflater_.run(&valid, &done_, &pending_, output));
  if (valid) return kOk;
  return failure(TF_STATUS_CORRUPT).at(member_.offset + taken_ - pending_.size()) << "is not a deflate stream";
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
  const uint64_t unused = pending_.size() + (member_.stored - taken_) + inflater_.excess();
  if (unused == 0) return kOk;
  return failure(TF_STATUS_CORRUPT).at(member_.offset + member_.stored - unused)
         << unused << " bytes follow the end of its deflate stream";
}

void SliceCursor::keep(MemberStream *stream) {
  MemberStream *const before = stream_.exchange(stream, std::memory_order_acq_rel);
  if (before != nullptr) destroy(before->memory(), before);
}

}  // namespace tfile
