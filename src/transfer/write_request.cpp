#include "transfer/write_request.h"

#include "base/endian.h"
#include "base/shared_progress.h"
#include "base/threads.h"
#include "codec/crc32.h"
#include "core/copy.h"

namespace tfile {

namespace {

// What is copied together at a time, and summed and written while it is in the cache.
constexpr size_t kPiece = size_t{1} << 20;
// What one thread puts at a time: enough that a system call costs nothing beside it.
constexpr uint64_t kShare = uint64_t{8} << 20;

constexpr uint8_t kZeros[4096] = {};

// Whether the bytes of an array are in memory what they are in the file.
bool lies_ready(const Array &array, bool fortran) {
  const bool in_order = fortran ? is_fortran_contiguous(array) : is_contiguous(array);
  return in_order && !(kHostIsBig && array.dtype->scalar > 1);  // blocks are little-endian on every host
}

// Units of `count` from `first` on, as the file has them.
void stage(char *to, const Array &array, bool fortran, int64_t first, int64_t count) {
  const size_t unit = array.dtype->block_bytes;
  const size_t nbytes = static_cast<size_t>(count) * unit;
  if (fortran || is_contiguous(array)) {
    memcpy(to, array.data + static_cast<size_t>(first) * unit, nbytes);
  } else {
    copy_elements(to, array, first, count);
  }
  if (kHostIsBig && array.dtype->scalar > 1) (void)swap_bytes(*array.dtype, to, nbytes);
}

// Part of an array, in whole units, in pieces that the cache holds.
Status for_each_piece_of(const Array &array, bool fortran, uint64_t start, uint64_t nbytes, Memory &memory,
                         PieceFn take, void *context) {
  const uint64_t unit = array.dtype->block_bytes;
  const uint64_t most = kPiece / unit * unit;
  const bool ready = lies_ready(array, fortran);
  Vec<char> piece(memory);
  if (!ready) TFILE_TRY(piece.resize(static_cast<size_t>(nbytes < most ? nbytes : most)));
  for (uint64_t done = 0; done < nbytes; done += most) {
    const uint64_t count = nbytes - done < most ? nbytes - done : most;
    const uint64_t at = start + done;
    if (!ready) {
      stage(piece.data(), array, fortran, static_cast<int64_t>(at / unit), static_cast<int64_t>(count / unit));
    }
    TFILE_TRY(take(context, ready ? array.data + at : piece.data(), static_cast<size_t>(count)));
  }
  return kOk;
}

Status to_output(void *context, const void *bytes, size_t nbytes) {
  return static_cast<Output *>(context)->write_data(bytes, nbytes);
}

Status to_crc(void *context, const void *bytes, size_t nbytes) {
  auto *crc = static_cast<uint32_t *>(context);
  *crc = crc32_update(*crc, bytes, nbytes);
  return kOk;
}

uint64_t data_bytes(const SaveRequest &request) {
  uint64_t total = 0;
  for (const NamedArray &named : request.arrays)
    total += named.array->nbytes;
  return total;
}

// A layout from its first byte to its last.
class Forward {
 public:
  Forward(Sink &sink, Layout &layout, const SaveRequest &request)
      : layout_(layout), request_(request), output_(sink, request.settings, data_bytes(request)) {}

  Status run() {
    if (!layout_.checksums.empty()) TFILE_TRY(sum());
    for (const Layout::Segment &segment : layout_.segments)
      TFILE_TRY(write(segment));
    return output_.flush();
  }

 private:
  Memory &memory() const { return request_.settings.memory(); }
  // They stand before the data.
  Status sum() {
    for (const Layout::Segment &segment : layout_.segments) {
      if (segment.kind != Layout::Kind::kArray) continue;
      uint32_t crc = layout_.checksums[segment.place].crc;
      TFILE_TRY(for_each_piece(*request_.arrays[segment.place].array, segment.fortran, memory(), to_crc, &crc));
      layout_.set_checksum(segment.place, crc);
    }
    return kOk;
  }
  Status write(const Layout::Segment &segment) {
    switch (segment.kind) {
      case Layout::Kind::kText:
        return output_.write(layout_.text.data() + segment.place, segment.nbytes);
      case Layout::Kind::kGap:
        return output_.write_zeros(segment.nbytes);
      default:
        return for_each_piece(*request_.arrays[segment.place].array, segment.fortran, memory(), to_output, &output_);
    }
  }

  Layout &layout_;
  const SaveRequest &request_;
  Output output_;
};

// Segments that lie behind one another, put with as few calls as they allow.
class Gather {
 public:
  explicit Gather(Sink &sink) : sink_(sink) {}

  Status add(uint64_t offset, const void *bytes, uint64_t nbytes) {
    if (nbytes == 0) return kOk;
    if (count_ == kMost || (count_ > 0 && offset != end_)) TFILE_TRY(flush());
    if (count_ == 0) start_ = offset;
    pieces_[count_++] = Bytes(static_cast<const uint8_t *>(bytes), static_cast<size_t>(nbytes));
    end_ = offset + nbytes;
    return kOk;
  }
  Status flush() {
    const size_t count = count_;
    count_ = 0;
    return count > 0 ? sink_.ops->put(sink_, start_, pieces_, count) : kOk;
  }

 private:
  static constexpr size_t kMost = 128;

  Sink &sink_;
  Bytes pieces_[kMost];
  size_t count_ = 0;
  uint64_t start_ = 0;
  uint64_t end_ = 0;
};

// A layout by several threads, each byte where it belongs.
class Spread {
 public:
  Spread(Sink &sink, Layout &layout, const SaveRequest &request)
      : sink_(sink),
        layout_(layout),
        request_(request),
        progress_(request.settings, data_bytes(request)),
        shares_(request.settings.memory()),
        late_(request.settings.memory()) {}

  Status run() {
    TFILE_TRY(cut());
    TFILE_TRY(sink_.ops->reserve(sink_, layout_.size));
    // Small files are written before a thread has begun.
    const Workers workers = layout_.size < kShare ? Workers() : request_.settings.workers();
    TFILE_TRY(parallel_for(shares_.size(), workers, put_share, this, tell));
    join_checksums();
    Gather gather(sink_);
    for (const size_t i : late_)
      TFILE_TRY(add_text(gather, layout_.segments[i]));
    TFILE_TRY(gather.flush());
    return tell(this);
  }

 private:
  // Whole segments behind one another, or part of the array of one.
  struct Share {
    size_t first;
    size_t last;  // first: part of that segment
    uint64_t start;
    uint64_t nbytes;
    uint32_t crc;
  };
  // One share as it is put.
  struct Part {
    Spread &spread;
    Gather &gather;
    uint64_t offset;
    uint32_t crc;
  };

  const Array &array_of(const Layout::Segment &segment) const { return *request_.arrays[segment.place].array; }
  bool sums() const { return !layout_.checksums.empty(); }
  // Whether a segment is put in parts: a large array, or one whose sum is known only when it is written.
  bool stands_alone(const Layout::Segment &segment) const {
    if (segment.kind != Layout::Kind::kArray) return false;
    return segment.nbytes > kShare / 2 || (sums() && !lies_ready(array_of(segment), segment.fortran));
  }
  Status cut();
  Status cut_array(size_t i);
  Status close(size_t *first, size_t last);
  void join_checksums();
  Status add_text(Gather &gather, const Layout::Segment &segment) {
    return gather.add(segment.offset, layout_.text.data() + segment.place, segment.nbytes);
  }
  Status add_segment(Gather &gather, const Layout::Segment &segment);
  Status add_part(Gather &gather, Share &share);

  static Status tell(void *context);
  static Status put_share(void *context, size_t i) { return static_cast<Spread *>(context)->put(i); }
  Status put(size_t i);
  static Status put_staged(void *context, const void *bytes, size_t nbytes);

  Sink &sink_;
  Layout &layout_;
  const SaveRequest &request_;
  SharedProgress progress_;  // in bytes of arrays
  Vec<Share> shares_;
  Vec<size_t> late_;  // segments of text that wait for sums
};

Status Spread::cut() {
  size_t first = 0;
  uint64_t nbytes = 0;
  for (size_t i = 0; i < layout_.segments.size(); ++i) {
    const Layout::Segment &segment = layout_.segments[i];
    if (!stands_alone(segment)) {
      nbytes += segment.nbytes;
      // A header with a sum stays with its array.
      if (nbytes < kShare || (sums() && segment.kind == Layout::Kind::kText)) continue;
      TFILE_TRY(close(&first, i + 1));
    } else {
      // The header of such an array waits for its sum.
      const bool waits = sums() && i > first;
      TFILE_TRY(close(&first, waits ? i - 1 : i));
      if (waits) TFILE_TRY(late_.push(i - 1));
      TFILE_TRY(cut_array(i));
      first = i + 1;
    }
    nbytes = 0;
  }
  size_t last = layout_.segments.size();
  if (sums() && last > first) TFILE_TRY(late_.push(--last));  // the directory, with all sums
  return close(&first, last);
}

Status Spread::close(size_t *first, size_t last) {
  const size_t begin = *first;
  *first = last;
  return last > begin ? shares_.push(Share{begin, last, 0, 0, 0}) : kOk;
}

Status Spread::cut_array(size_t i) {
  const Layout::Segment &segment = layout_.segments[i];
  const uint64_t unit = array_of(segment).dtype->block_bytes;
  const uint64_t most = kShare / unit * unit;
  for (uint64_t start = 0; start < segment.nbytes; start += most) {
    const uint64_t left = segment.nbytes - start;
    TFILE_TRY(shares_.push(Share{i, i, start, left < most ? left : most, 0}));
  }
  return kOk;
}

// The sums of arrays from those of their parts, which lie in order.
void Spread::join_checksums() {
  if (!sums()) return;
  for (const Share &share : shares_) {
    if (share.first != share.last) continue;
    const size_t place = layout_.segments[share.first].place;
    layout_.set_checksum(place, crc32_join(layout_.checksums[place].crc, share.crc, share.nbytes));
  }
}

Status Spread::put(size_t i) {
  Share &share = shares_[i];
  Gather gather(sink_);
  uint64_t data = share.nbytes;
  if (share.first == share.last) {
    TFILE_TRY(add_part(gather, share));
  } else {
    for (size_t k = share.first; k < share.last; ++k) {
      const Layout::Segment &segment = layout_.segments[k];
      TFILE_TRY(add_segment(gather, segment));
      if (segment.kind == Layout::Kind::kArray) data += segment.nbytes;
    }
  }
  TFILE_TRY(gather.flush());
  progress_.add(data);
  return kOk;
}

Status Spread::tell(void *context) {
  return static_cast<Spread *>(context)->progress_.report();
}

Status Spread::add_segment(Gather &gather, const Layout::Segment &segment) {
  if (segment.kind == Layout::Kind::kText) return add_text(gather, segment);
  if (segment.kind == Layout::Kind::kGap) {
    for (uint64_t done = 0; done < segment.nbytes; done += sizeof(kZeros)) {
      const uint64_t left = segment.nbytes - done;
      TFILE_TRY(gather.add(segment.offset + done, kZeros,
                           left < sizeof(kZeros) ? static_cast<size_t>(left) : sizeof(kZeros)));
    }
    return kOk;
  }
  const Array &array = array_of(segment);
  if (lies_ready(array, segment.fortran)) {
    // The header with the sum is the text before it, which is gathered and not put yet.
    if (sums()) {
      const uint32_t crc = layout_.checksums[segment.place].crc;
      layout_.set_checksum(segment.place, crc32_update(crc, array.data, static_cast<size_t>(segment.nbytes)));
    }
    return gather.add(segment.offset, array.data, segment.nbytes);
  }
  Part part{*this, gather, segment.offset, 0};
  return for_each_piece_of(array, segment.fortran, 0, segment.nbytes, request_.settings.memory(), put_staged, &part);
}

Status Spread::add_part(Gather &gather, Share &share) {
  const Layout::Segment &segment = layout_.segments[share.first];
  const Array &array = array_of(segment);
  if (!sums() && lies_ready(array, segment.fortran)) {
    return gather.add(segment.offset + share.start, array.data + share.start, share.nbytes);
  }
  Part part{*this, gather, segment.offset + share.start, 0};
  Memory &memory = request_.settings.memory();
  TFILE_TRY(for_each_piece_of(array, segment.fortran, share.start, share.nbytes, memory, put_staged, &part));
  share.crc = part.crc;
  return kOk;
}

// Bytes that are there until this returns.
Status Spread::put_staged(void *context, const void *bytes, size_t nbytes) {
  auto &part = *static_cast<Part *>(context);
  if (part.spread.sums()) part.crc = crc32_update(part.crc, bytes, nbytes);
  TFILE_TRY(part.gather.add(part.offset, bytes, nbytes));
  part.offset += nbytes;
  return part.gather.flush();
}

struct PackContext {
  const Packing &packing;
  Packer &packer;
};

Status to_packer(void *context, const void *bytes, size_t nbytes) {
  auto &pack = *static_cast<PackContext *>(context);
  return pack.packing.write(pack.packer, bytes, nbytes);
}

Status write_packed(Sink &sink, const Packing &packing, const SaveRequest &request) {
  Output output(sink, request.settings, data_bytes(request));
  Packer *packer = nullptr;
  TFILE_TRY(packing.open(&packer, output, request));
  PackContext context{packing, *packer};
  Status status = kOk;
  for (size_t i = 0; i < request.arrays.size() && status.ok(); ++i) {
    const Array &array = *request.arrays[i].array;
    status = packing.begin(*packer, i);
    if (status.ok()) {
      status = for_each_piece(array, is_fortran_contiguous(array), request.settings.memory(), to_packer, &context);
    }
    if (status.ok()) status = packing.end(*packer);
  }
  if (status.ok()) status = packing.finish(*packer);
  if (status.ok()) status = output.flush();
  packing.close(packer);
  return status;
}

}  // namespace

Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn take, void *context) {
  if (array.nbytes == 0) return kOk;
  // nbytes fits in memory, because it is there.
  if (lies_ready(array, fortran)) return take(context, array.data, static_cast<size_t>(array.nbytes));
  return for_each_piece_of(array, fortran, 0, array.nbytes, memory, take, context);
}

Status write_request(Sink &sink, const Format &format, const SaveRequest &request) {
  if (request.compress && format.packing != nullptr) return write_packed(sink, *format.packing, request);
  Layout layout(request.settings.memory());
  TFILE_TRY(format.lay_out(layout, request));
  if (sink.ops->put == nullptr) return Forward(sink, layout, request).run();
  return Spread(sink, layout, request).run();
}

StreamWriter::~StreamWriter() {
  if (packer_ != nullptr) format_->packing->close(packer_);
  if (output_ != nullptr) destroy(layout_.text.memory(), output_);
}

Status StreamWriter::begin(Sink &sink, const Format &format, const SaveRequest &request) {
  sink_ = &sink;
  format_ = &format;
  request_ = &request;
  TFILE_TRY(make(&output_, layout_.text.memory(), sink, request.settings, data_bytes(request)));
  if (request.compress && format.packing != nullptr) {
    TFILE_TRY(format.packing->open(&packer_, *output_, request));
    return begin_arrays();
  }
  TFILE_TRY(format.lay_out(layout_, request));
  TFILE_TRY(places_.resize(request.arrays.size()));
  for (size_t i = 0; i < layout_.segments.size(); ++i) {
    if (layout_.segments[i].kind == Layout::Kind::kArray) places_[layout_.segments[i].place] = i;
  }
  if (sink.ops->put != nullptr) {
    TFILE_TRY(sink.ops->reserve(sink, layout_.size));
    TFILE_TRY(room_.reserve(kPiece));
  }
  return begin_arrays();
}

// Begins the current array, and ends at once those that have no bytes.
Status StreamWriter::begin_arrays() {
  while (wants()) {
    TFILE_TRY(begin_array());
    if (array().nbytes > 0) return kOk;
    TFILE_TRY(end_array());
    ++current_;
  }
  return kOk;
}

Status StreamWriter::begin_array() {
  taken_ = 0;
  if (packer_ != nullptr) return format_->packing->begin(*packer_, current_);
  if (array().nbytes == 0) return kOk;
  if (!layout_.checksums.empty()) crc_ = layout_.checksums[current_].crc;
  return write_text(places_[current_]);
}

Status StreamWriter::end_array() {
  if (packer_ != nullptr) return format_->packing->end(*packer_);
  if (array().nbytes == 0 || layout_.checksums.empty()) return kOk;
  layout_.set_checksum(current_, crc_);
  // The header before the data has been emitted without it, where it has it at all.
  if (places_[current_] == 0) return kOk;
  const Layout::Segment &header = layout_.segments[places_[current_] - 1];
  for (const size_t place : layout_.checksums[current_].places) {
    if (place >= header.place && place - header.place < header.nbytes) TFILE_TRY(patch_text(header, place));
  }
  return kOk;
}

// Four bytes of text that have changed since they were emitted.
Status StreamWriter::patch_text(const Layout::Segment &segment, size_t place) {
  constexpr size_t kSize = 4;
  const uint64_t offset = segment.offset + (place - segment.place);
  if (offset >= room_at_ && !room_.empty()) {
    memcpy(room_.data() + (offset - room_at_), layout_.text.data() + place, kSize);
    return kOk;
  }
  TFILE_TRY(flush());
  const Bytes bytes(layout_.text.data() + place, kSize);
  return sink_->ops->put(*sink_, offset, &bytes, 1);
}

// What lies between the array before and segment `last`.
Status StreamWriter::write_text(size_t last) {
  size_t first = last;
  while (first > 0 && layout_.segments[first - 1].kind != Layout::Kind::kArray)
    --first;
  for (; first < last; ++first) {
    const Layout::Segment &segment = layout_.segments[first];
    if (segment.kind == Layout::Kind::kText) {
      TFILE_TRY(emit(segment.offset, layout_.text.data() + segment.place, static_cast<size_t>(segment.nbytes)));
      continue;
    }
    for (uint64_t done = 0; done < segment.nbytes; done += sizeof(kZeros)) {
      const uint64_t left = segment.nbytes - done;
      TFILE_TRY(
          emit(segment.offset + done, kZeros, left < sizeof(kZeros) ? static_cast<size_t>(left) : sizeof(kZeros)));
    }
  }
  return kOk;
}

Status StreamWriter::write(Bytes *bytes) {
  if (bytes->empty()) return kOk;
  while (wants() && !bytes->empty()) {
    const Bytes piece = bytes->first(missing() < bytes->size() ? static_cast<size_t>(missing()) : bytes->size());
    const bool swapped = kHostIsBig && array().dtype->scalar > 1;
    TFILE_TRY(swapped ? take_swapped(piece.data(), piece.size()) : take(piece.data(), piece.size()));
    *bytes = bytes->from(piece.size());
    if (missing() > 0) continue;
    TFILE_TRY(end_array());
    ++current_;
    TFILE_TRY(begin_arrays());
  }
  // A caller's sink has what its caller has written.
  return output_->flush();
}

// Bytes of the current array as the file has them.
Status StreamWriter::take(const uint8_t *bytes, size_t nbytes) {
  const uint64_t before = taken_;
  taken_ += nbytes;
  if (packer_ != nullptr) return format_->packing->write(*packer_, bytes, nbytes);
  const uint64_t offset = layout_.segments[places_[current_]].offset + before;
  while (nbytes > 0) {
    const size_t piece = nbytes < kPiece ? nbytes : kPiece;
    if (!layout_.checksums.empty()) crc_ = crc32_update(crc_, bytes, piece);
    TFILE_TRY(emit(offset + (taken_ - before - nbytes), bytes, piece));
    TFILE_TRY(output_->advance(piece));
    bytes += piece;
    nbytes -= piece;
  }
  return kOk;
}

// The same, of a big-endian host: whole scalars are reversed, the rest of one waits for its other bytes.
Status StreamWriter::take_swapped(const uint8_t *bytes, size_t nbytes) {
  const size_t scalar = array().dtype->scalar;
  while (nbytes > 0) {
    const size_t count = nbytes < sizeof(scalars_) - held_ ? nbytes : sizeof(scalars_) - held_;
    memcpy(scalars_ + held_, bytes, count);
    held_ += count;
    bytes += count;
    nbytes -= count;
    const size_t whole = held_ / scalar * scalar;
    // Complex numbers are two scalars, and may be cut between them.
    const Dtype halves = {array().dtype->id,
                          "",
                          DtypeClass::kUnsigned,
                          0,
                          static_cast<uint8_t>(scalar),
                          1,
                          static_cast<uint16_t>(scalar)};
    (void)swap_bytes(halves, scalars_, whole);
    TFILE_TRY(take(scalars_, whole));
    held_ -= whole;
    memmove(scalars_, scalars_ + whole, held_);
  }
  return kOk;
}

Status StreamWriter::emit(uint64_t offset, const uint8_t *bytes, size_t nbytes) {
  if (sink_->ops->put == nullptr) return output_->write(bytes, nbytes);
  if (offset != room_at_ + room_.size() || nbytes > kPiece - room_.size()) {
    TFILE_TRY(flush());
    room_at_ = offset;
  }
  if (nbytes < kPiece) return room_.append(bytes, nbytes);
  room_at_ += nbytes;
  const Bytes piece(bytes, nbytes);
  return sink_->ops->put(*sink_, offset, &piece, 1);
}

Status StreamWriter::flush() {
  if (room_.empty()) return kOk;
  const Bytes piece(room_.data(), room_.size());
  const Status status = sink_->ops->put(*sink_, room_at_, &piece, 1);
  room_at_ += room_.size();
  room_.clear();
  return status;
}

Status StreamWriter::finish() {
  if (packer_ != nullptr) {
    TFILE_TRY(format_->packing->finish(*packer_));
  } else {
    TFILE_TRY(write_text(layout_.segments.size()));
    TFILE_TRY(flush());
  }
  return output_->flush();
}

}  // namespace tfile
