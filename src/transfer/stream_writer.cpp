#include "transfer/stream_writer.h"

#include "base/endian.h"
#include "codec/crc32.h"
#include "transfer/array_pieces.h"

namespace tfile {

StreamWriter::~StreamWriter() {
  Memory &memory = layout_.text.memory();
  if (deflater_ != nullptr) destroy(memory, deflater_);
  if (output_ != nullptr) destroy(memory, output_);
}

Status StreamWriter::begin(Sink &sink, const Format &format, const SaveRequest &request) {
  sink_ = &sink;
  format_ = &format;
  request_ = &request;
  TFILE_TRY(make(&output_, layout_.text.memory(), sink, request.settings, request.data_bytes()));
  if (request.compress && format.packing != nullptr) {
    TFILE_TRY(make(&deflater_, layout_.text.memory(), *output_, *format.packing, request));
    TFILE_TRY(deflater_->open());
    return begin_arrays();
  }
  TFILE_TRY(format.lay_out(layout_, request));
  TFILE_TRY(array_segments_.resize(request.arrays.size()));
  for (size_t i = 0; i < layout_.segments.size(); ++i) {
    const Layout::Segment &segment = layout_.segments[i];
    if (segment.kind == Layout::Kind::kArray) array_segments_[segment.index] = i;
  }
  if (sink.ops->put != nullptr) {
    TFILE_TRY(sink.ops->reserve(sink, layout_.size));
    TFILE_TRY(pending_.reserve(kPiece));
  }
  return begin_arrays();
}

// Begins the current array. An array without data is complete at once, so the next one is begun too.
Status StreamWriter::begin_arrays() {
  while (needs_data()) {
    TFILE_TRY(begin_array());
    if (array().nbytes > 0) return kOk;
    TFILE_TRY(end_array());
    ++current_;
  }
  return kOk;
}

Status StreamWriter::begin_array() {
  received_ = 0;
  if (deflater_ != nullptr) return deflater_->begin(current_);
  if (array().nbytes == 0) return kOk;
  if (!layout_.checksums.empty()) crc_ = layout_.checksums[current_].crc;
  return write_between(array_segments_[current_]);
}

Status StreamWriter::end_array() {
  if (deflater_ != nullptr) return deflater_->end();
  if (array().nbytes == 0 || layout_.checksums.empty()) return kOk;
  layout_.set_checksum(current_, crc_);
  const size_t segment = array_segments_[current_];
  if (segment == 0) return kOk;
  // The header before the data was written before the checksum was known, so it is written again.
  const Layout::Segment &header = layout_.segments[segment - 1];
  for (const size_t position : layout_.checksums[current_].positions) {
    if (position >= header.index && position - header.index < header.nbytes) TFILE_TRY(patch_text(header, position));
  }
  return kOk;
}

// Writes the checksum at `position` of the text again, because it has changed since the segment was written.
Status StreamWriter::patch_text(const Layout::Segment &segment, size_t position) {
  constexpr size_t kSize = 4;
  const uint64_t offset = segment.offset + (position - segment.index);
  if (offset >= pending_at_ && !pending_.empty()) {
    memcpy(pending_.data() + (offset - pending_at_), layout_.text.data() + position, kSize);
    return kOk;
  }
  TFILE_TRY(flush());
  const Bytes bytes(layout_.text.data() + position, kSize);
  return sink_->ops->put(*sink_, offset, &bytes, 1);
}

// Writes all segments between the previous array and segment `last`: text, such as headers, and gaps, which are zeros.
Status StreamWriter::write_between(size_t last) {
  size_t first = last;
  while (first > 0 && layout_.segments[first - 1].kind != Layout::Kind::kArray)
    --first;
  for (; first < last; ++first) {
    const Layout::Segment &segment = layout_.segments[first];
    if (segment.kind == Layout::Kind::kText) {
      TFILE_TRY(emit(segment.offset, layout_.text.data() + segment.index, static_cast<size_t>(segment.nbytes)));
    } else {
      const auto write = [this](uint64_t at, const uint8_t *zeros, size_t count) { return emit(at, zeros, count); };
      TFILE_TRY(for_each_zeros(segment.offset, segment.nbytes, write));
    }
  }
  return kOk;
}

Status StreamWriter::write(Bytes *bytes) {
  if (bytes->empty()) return kOk;
  while (needs_data() && !bytes->empty()) {
    const Bytes piece = bytes->first(remaining() < bytes->size() ? static_cast<size_t>(remaining()) : bytes->size());
    const bool swaps = kHostIsBig && array().dtype->scalar > 1;
    TFILE_TRY(swaps ? write_swapped(piece.data(), piece.size()) : write_data(piece.data(), piece.size()));
    *bytes = bytes->from(piece.size());
    if (remaining() > 0) continue;
    TFILE_TRY(end_array());
    ++current_;
    TFILE_TRY(begin_arrays());
  }
  // After each call, the caller's sink has received everything that the caller has written.
  return output_->flush();
}

// Writes little-endian bytes of the current array.
Status StreamWriter::write_data(const uint8_t *bytes, size_t nbytes) {
  const uint64_t start = received_;
  received_ += nbytes;
  if (deflater_ != nullptr) return deflater_->write(bytes, nbytes);
  uint64_t offset = layout_.segments[array_segments_[current_]].offset + start;
  while (nbytes > 0) {
    const size_t piece = nbytes < kPiece ? nbytes : kPiece;
    if (!layout_.checksums.empty()) crc_ = crc32_update(crc_, bytes, piece);
    TFILE_TRY(emit(offset, bytes, piece));
    TFILE_TRY(output_->advance(piece));
    offset += piece;
    bytes += piece;
    nbytes -= piece;
  }
  return kOk;
}

// Writes bytes of the current array on a big-endian machine: swaps complete scalars, and keeps an incomplete one until
// its remaining bytes arrive.
Status StreamWriter::write_swapped(const uint8_t *bytes, size_t nbytes) {
  const size_t scalar = array().dtype->scalar;
  // The bytes may end between the two scalars of a complex number, so the scalars are swapped as unsigned integers.
  const auto size = static_cast<uint16_t>(scalar);
  const Dtype scalars = {array().dtype->id, "", DtypeClass::kUnsigned, 0, static_cast<uint8_t>(scalar), 1, size};
  while (nbytes > 0) {
    const size_t capacity = sizeof(scalars_) - unswapped_;
    const size_t count = nbytes < capacity ? nbytes : capacity;
    memcpy(scalars_ + unswapped_, bytes, count);
    unswapped_ += count;
    bytes += count;
    nbytes -= count;
    const size_t whole = unswapped_ / scalar * scalar;
    (void)swap_bytes(scalars, scalars_, whole);
    TFILE_TRY(write_data(scalars_, whole));
    unswapped_ -= whole;
    memmove(scalars_, scalars_ + whole, unswapped_);
  }
  return kOk;
}

// Writes bytes at an offset. Consecutive small pieces are collected and written with one call.
Status StreamWriter::emit(uint64_t offset, const uint8_t *bytes, size_t nbytes) {
  if (sink_->ops->put == nullptr) return output_->write(bytes, nbytes);
  if (offset != pending_at_ + pending_.size() || nbytes > kPiece - pending_.size()) {
    TFILE_TRY(flush());
    pending_at_ = offset;
  }
  if (nbytes < kPiece) return pending_.append(bytes, nbytes);
  pending_at_ += nbytes;
  const Bytes piece(bytes, nbytes);
  return sink_->ops->put(*sink_, offset, &piece, 1);
}

Status StreamWriter::flush() {
  if (pending_.empty()) return kOk;
  const Bytes piece(pending_.data(), pending_.size());
  const Status status = sink_->ops->put(*sink_, pending_at_, &piece, 1);
  pending_at_ += pending_.size();
  pending_.clear();
  return status;
}

Status StreamWriter::finish() {
  if (deflater_ != nullptr) {
    TFILE_TRY(deflater_->finish());
  } else {
    TFILE_TRY(write_between(layout_.segments.size()));
    TFILE_TRY(flush());
  }
  return output_->flush();
}

}  // namespace tfile
