#include "transfer/write_request.h"

#include "base/shared_progress.h"
#include "base/threads.h"
#include "codec/crc32.h"
#include "transfer/array_deflater.h"
#include "transfer/array_pieces.h"

namespace tfile {

namespace {

// The number of bytes that one thread writes at a time: enough that the cost of a system call does not matter.
constexpr uint64_t kShare = uint64_t{8} << 20;

Status write_to_output(void *context, const void *bytes, size_t nbytes) {
  return static_cast<Output *>(context)->write_data(bytes, nbytes);
}

Status add_to_crc(void *context, const void *bytes, size_t nbytes) {
  auto *crc = static_cast<uint32_t *>(context);
  *crc = crc32_update(*crc, bytes, nbytes);
  return kOk;
}

// Writes a layout from its first byte to its last, for sinks that take bytes only in that order.
class SequentialWriter {
 public:
  SequentialWriter(Sink &sink, Layout &layout, const SaveRequest &request)
      : layout_(layout), request_(request), output_(sink, request.settings, request.data_bytes()) {}

  Status run() {
    if (!layout_.checksums.empty()) TFILE_TRY(compute_checksums());
    for (const Layout::Segment &segment : layout_.segments)
      TFILE_TRY(write(segment));
    return output_.flush();
  }

 private:
  Memory &memory() const { return request_.settings.memory(); }
  // The headers, which contain the checksums, precede the data, so the data is read twice.
  Status compute_checksums() {
    for (const Layout::Segment &segment : layout_.segments) {
      if (segment.kind != Layout::Kind::kArray) continue;
      uint32_t crc = layout_.checksums[segment.index].crc;
      TFILE_TRY(for_each_piece(*request_.arrays[segment.index].array, segment.fortran, memory(), add_to_crc, &crc));
      layout_.set_checksum(segment.index, crc);
    }
    return kOk;
  }
  Status write(const Layout::Segment &segment) {
    switch (segment.kind) {
      case Layout::Kind::kText:
        return output_.write(layout_.text.data() + segment.index, segment.nbytes);
      case Layout::Kind::kGap:
        return output_.write_zeros(segment.nbytes);
      default:
        return for_each_piece(*request_.arrays[segment.index].array, segment.fortran, memory(), write_to_output,
                              &output_);
    }
  }

  Layout &layout_;
  const SaveRequest &request_;
  Output output_;
};

// Collects consecutive pieces of the file, to write them with as few calls of put() as possible. The pieces are
// borrowed until flush().
class PutBatch {
 public:
  explicit PutBatch(Sink &sink) : sink_(sink) {}

  Status add(uint64_t offset, const void *bytes, uint64_t nbytes) {
    if (nbytes == 0) return kOk;
    if (count_ == kMaxPieces || (count_ > 0 && offset != end_)) TFILE_TRY(flush());
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
  static constexpr size_t kMaxPieces = 128;

  Sink &sink_;
  Bytes pieces_[kMaxPieces];
  size_t count_ = 0;
  uint64_t start_ = 0;
  uint64_t end_ = 0;
};

// Writes a layout with several threads, each at different offsets.
class ParallelWriter {
 public:
  ParallelWriter(Sink &sink, Layout &layout, const SaveRequest &request)
      : sink_(sink),
        layout_(layout),
        request_(request),
        progress_(request.settings, request.data_bytes()),
        shares_(request.settings.memory()),
        deferred_(request.settings.memory()) {}

  Status run() {
    TFILE_TRY(cut());
    TFILE_TRY(sink_.ops->reserve(sink_, layout_.size));
    // Writing a small file takes less time than starting a thread.
    const Workers workers = layout_.size < kShare ? Workers() : request_.settings.workers();
    TFILE_TRY(parallel_for(shares_.size(), workers, put_share, this, report));
    join_checksums();
    PutBatch batch(sink_);
    for (const size_t i : deferred_)
      TFILE_TRY(add_text(batch, layout_.segments[i]));
    TFILE_TRY(batch.flush());
    return report(this);
  }

 private:
  // The work of one call of put(): consecutive whole segments, or a part of the array of one segment.
  struct Share {
    size_t first;
    size_t last;  // equal to first if the share is a part of that segment
    uint64_t start;
    uint64_t nbytes;
    uint32_t crc;
  };
  // The state while one part of an array is written piece by piece.
  struct Part {
    ParallelWriter &writer;
    PutBatch &batch;
    uint64_t offset;
    uint32_t crc;
  };

  const Array &array_of(const Layout::Segment &segment) const { return *request_.arrays[segment.index].array; }
  bool has_checksums() const { return !layout_.checksums.empty(); }
  // True if a segment is written in parts: the data of a large array, or of an array that must be copied before its
  // checksum can be computed.
  bool is_cut(const Layout::Segment &segment) const {
    if (segment.kind != Layout::Kind::kArray) return false;
    return segment.nbytes > kShare / 2 || (has_checksums() && !is_in_file_order(array_of(segment), segment.fortran));
  }
  Status cut();
  Status cut_array(size_t i);
  Status close_share(size_t *first, size_t last);
  void join_checksums();
  Status add_text(PutBatch &batch, const Layout::Segment &segment) {
    return batch.add(segment.offset, layout_.text.data() + segment.index, segment.nbytes);
  }
  Status add_segment(PutBatch &batch, const Layout::Segment &segment);
  Status add_part(PutBatch &batch, Share &share);

  static Status report(void *context) { return static_cast<ParallelWriter *>(context)->progress_.report(); }
  static Status put_share(void *context, size_t i) { return static_cast<ParallelWriter *>(context)->put(i); }
  Status put(size_t i);
  static Status put_piece(void *context, const void *bytes, size_t nbytes);

  Sink &sink_;
  Layout &layout_;
  const SaveRequest &request_;
  SharedProgress progress_;  // in array bytes
  Vec<Share> shares_;
  Vec<size_t> deferred_;  // text segments that are written last, once their checksums are known
};

Status ParallelWriter::cut() {
  size_t first = 0;
  uint64_t nbytes = 0;
  for (size_t i = 0; i < layout_.segments.size(); ++i) {
    const Layout::Segment &segment = layout_.segments[i];
    if (!is_cut(segment)) {
      nbytes += segment.nbytes;
      // A header that contains a checksum must be in the same share as its array.
      if (nbytes < kShare || (has_checksums() && segment.kind == Layout::Kind::kText)) continue;
      TFILE_TRY(close_share(&first, i + 1));
    } else {
      const bool defers = has_checksums() && i > first;
      TFILE_TRY(close_share(&first, defers ? i - 1 : i));
      if (defers) TFILE_TRY(deferred_.push(i - 1));
      TFILE_TRY(cut_array(i));
      first = i + 1;
    }
    nbytes = 0;
  }
  size_t last = layout_.segments.size();
  if (has_checksums() && last > first) TFILE_TRY(deferred_.push(--last));  // the directory has all checksums
  return close_share(&first, last);
}

Status ParallelWriter::close_share(size_t *first, size_t last) {
  const size_t begin = *first;
  *first = last;
  return last > begin ? shares_.push(Share{begin, last, 0, 0, 0}) : kOk;
}

Status ParallelWriter::cut_array(size_t i) {
  const Layout::Segment &segment = layout_.segments[i];
  const uint64_t unit = array_of(segment).dtype->block_bytes;
  const uint64_t most = kShare / unit * unit;
  for (uint64_t start = 0; start < segment.nbytes; start += most) {
    const uint64_t remaining = segment.nbytes - start;
    TFILE_TRY(shares_.push(Share{i, i, start, remaining < most ? remaining : most, 0}));
  }
  return kOk;
}

// Computes the checksum of each array that was written in parts from the checksums of those parts, which are in order.
void ParallelWriter::join_checksums() {
  if (!has_checksums()) return;
  for (const Share &share : shares_) {
    if (share.first != share.last) continue;
    const size_t array = layout_.segments[share.first].index;
    layout_.set_checksum(array, crc32_join(layout_.checksums[array].crc, share.crc, share.nbytes));
  }
}

Status ParallelWriter::put(size_t i) {
  Share &share = shares_[i];
  PutBatch batch(sink_);
  uint64_t data = share.nbytes;
  if (share.first == share.last) {
    TFILE_TRY(add_part(batch, share));
  } else {
    for (size_t k = share.first; k < share.last; ++k) {
      const Layout::Segment &segment = layout_.segments[k];
      TFILE_TRY(add_segment(batch, segment));
      if (segment.kind == Layout::Kind::kArray) data += segment.nbytes;
    }
  }
  TFILE_TRY(batch.flush());
  progress_.add(data);
  return kOk;
}

Status ParallelWriter::add_segment(PutBatch &batch, const Layout::Segment &segment) {
  if (segment.kind == Layout::Kind::kText) return add_text(batch, segment);
  if (segment.kind == Layout::Kind::kGap) {
    const auto write = [&batch](uint64_t at, const uint8_t *zeros, size_t count) {
      return batch.add(at, zeros, count);
    };
    return for_each_zeros(segment.offset, segment.nbytes, write);
  }
  const Array &array = array_of(segment);
  if (is_in_file_order(array, segment.fortran)) {
    // The checksum goes into the header before the data, which is in the batch but has not been written yet.
    if (has_checksums()) {
      const uint32_t crc = layout_.checksums[segment.index].crc;
      layout_.set_checksum(segment.index, crc32_update(crc, array.data, static_cast<size_t>(segment.nbytes)));
    }
    return batch.add(segment.offset, array.data, segment.nbytes);
  }
  Part part{*this, batch, segment.offset, 0};
  return for_each_piece_of(array, segment.fortran, 0, segment.nbytes, request_.settings.memory(), put_piece, &part);
}

Status ParallelWriter::add_part(PutBatch &batch, Share &share) {
  const Layout::Segment &segment = layout_.segments[share.first];
  const Array &array = array_of(segment);
  if (!has_checksums() && is_in_file_order(array, segment.fortran)) {
    return batch.add(segment.offset + share.start, array.data + share.start, share.nbytes);
  }
  Part part{*this, batch, segment.offset + share.start, 0};
  Memory &memory = request_.settings.memory();
  TFILE_TRY(for_each_piece_of(array, segment.fortran, share.start, share.nbytes, memory, put_piece, &part));
  share.crc = part.crc;
  return kOk;
}

// Writes a piece immediately, because its bytes are borrowed only until this returns.
Status ParallelWriter::put_piece(void *context, const void *bytes, size_t nbytes) {
  auto &part = *static_cast<Part *>(context);
  if (part.writer.has_checksums()) part.crc = crc32_update(part.crc, bytes, nbytes);
  TFILE_TRY(part.batch.add(part.offset, bytes, nbytes));
  part.offset += nbytes;
  return part.batch.flush();
}

Status write_to_deflater(void *context, const void *bytes, size_t nbytes) {
  return static_cast<ArrayDeflater *>(context)->write(bytes, nbytes);
}

Status write_compressed(Sink &sink, const Packing &packing, const SaveRequest &request) {
  Output output(sink, request.settings, request.data_bytes());
  ArrayDeflater deflater(output, packing, request);
  TFILE_TRY(deflater.open());
  for (size_t i = 0; i < request.arrays.size(); ++i) {
    const Array &array = *request.arrays[i].array;
    TFILE_TRY(deflater.begin(i));
    TFILE_TRY(
        for_each_piece(array, is_fortran_contiguous(array), request.settings.memory(), write_to_deflater, &deflater));
    TFILE_TRY(deflater.end());
  }
  TFILE_TRY(deflater.finish());
  return output.flush();
}

}  // namespace

Status write_request(Sink &sink, const Format &format, const SaveRequest &request) {
  if (request.compress && format.packing != nullptr) return write_compressed(sink, *format.packing, request);
  Layout layout(request.settings.memory());
  TFILE_TRY(format.lay_out(layout, request));
  if (sink.ops->put == nullptr) return SequentialWriter(sink, layout, request).run();
  return ParallelWriter(sink, layout, request).run();
}

}  // namespace tfile
