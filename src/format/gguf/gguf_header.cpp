#include "format/gguf/gguf_header.h"

#include <algorithm>

namespace tfile {

Failure GgufHeader::fail(tf_status status, uint64_t offset) const {
  Failure failure(status);
  failure.in(source_.label);
  if (subject_ == GgufSubject::kKey) failure.key(string_at(subject_at_));
  if (subject_ == GgufSubject::kTensor) failure.array(string_at(subject_at_));
  failure.at(offset);
  return failure;
}

// Reads pieces that grow to 1 MiB, because the header does not say how long it is. Where requests are expensive, they grow
// further: each is as long as everything before it.
Status GgufHeader::fill(uint64_t nbytes) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  constexpr uint64_t kFirstPieces[] = {kPiece / 16, kPiece / 4, kPiece};
  const uint64_t have = bytes_.size();
  if (nbytes > source_.size - position_) {
    return fail(TF_STATUS_TRUNCATED, position_)
           << "the header needs " << nbytes << " bytes more, but the file ends at " << source_.size;
  }
  const uint64_t end = position_ + nbytes;
  if (end > limit_) {
    return fail(TF_STATUS_LIMIT, position_)
           << "the header is longer than " << Limit{TF_OPTION_MAX_HEADER_BYTES, limit_} << " bytes";
  }
  uint64_t target = have + read_size(source_, kPiece, std::max(kMaxHeaderPiece, have));
  for (uint64_t piece : kFirstPieces) {
    piece = read_size(source_, piece, kMaxHeaderPiece);
    if (have < piece && piece < target) target = piece;
  }
  target = std::min(std::max(target, end), std::min(source_.size, limit_));
  if (target > SIZE_MAX / 2) return fail(TF_STATUS_OUT_OF_MEMORY, position_) << "the header does not fit in memory";
  const uint64_t capacity = have >= kPiece ? std::max(target, std::min(have + have / 2, source_.size)) : target;
  TFILE_TRY(bytes_.reserve(static_cast<size_t>(capacity)));
  TFILE_TRY(bytes_.resize(static_cast<size_t>(target)));
  return read_at(source_, have, bytes_.data() + have, target - have, "");
}

Status GgufHeader::fail_count(uint64_t count, Checked size, const char *things) const {
  const uint64_t start = position_ - sizeof(count);
  if (!size.valid())
    return fail(TF_STATUS_CORRUPT, start) << count << " " << things << " are more than a file can hold";
  return fail(TF_STATUS_TRUNCATED, start) << count << " " << things << " need at least " << size.value()
                                          << " bytes, but only " << source_.size - position_ << " follow";
}

Status GgufHeader::read_string(Text *text) {
  const uint64_t start = position_;
  TFILE_TRY(skip_string());
  *text = string_at(start);
  return kOk;
}

}  // namespace tfile
