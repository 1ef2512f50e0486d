#include "transfer/read_member.h"

#include "base/endian.h"
#include "base/error.h"
#include "core/copy.h"

namespace tfile {

bool needs_swap(const Member &member) {
  if (member.dtype->is_block()) return member.big_endian;  // in memory, blocks are little-endian on all machines
  return member.dtype->scalar > 1 && member.big_endian != kHostIsBig;
}

void finish_bytes(const Member &member, void *data, size_t nbytes) {
  if (member.dtype->kind == DtypeClass::kBool) {
    auto *bytes = static_cast<uint8_t *>(data);
    for (size_t i = 0; i < nbytes; ++i)
      bytes[i] = bytes[i] != 0;
  } else if (needs_swap(member)) {
    (void)swap_bytes(*member.dtype, data, nbytes);
  }
}

Status check_crc(const Source &source, const Member &member, uint32_t crc) {
  if (crc == member.crc32) return kOk;
  return Failure(TF_STATUS_CORRUPT).in(source.label).array(member.name).at(member.offset)
         << "CRC-32 of the member should be " << Hex{member.crc32} << ", is " << Hex{crc};
}

namespace {

// Capacity of the scratch buffer into which elements that are not adjacent are read before they are copied.
constexpr uint64_t kWindow = uint64_t{1} << 20;
// A run of at least this many bytes is read directly to its destination.
constexpr uint64_t kDirect = uint64_t{64} << 10;

// A slice in file order: its axes are sorted from the outermost stored axis to the innermost, and all steps are
// positive.
struct Walk {
  size_t ndim = 0;
  uint64_t first = 0;  // offset of the first element in the member
  char *to = nullptr;  // destination of the first element
  int64_t counts[kMaxRank];
  int64_t from_strides[kMaxRank];  // strides in the file, in bytes, positive
  int64_t to_strides[kMaxRank];
};

// Prepares to read a slice, or the whole member if axes is NULL. The destination is C-contiguous in the order of the
// slice.
void make_walk(Walk *walk, const Member &member, const SliceAxis *axes, void *to) {
  const size_t ndim = member.shape.size();
  const auto item = static_cast<int64_t>(member.dtype->block_bytes);
  int64_t stored_strides[kMaxRank];
  int64_t stride = item;
  for (size_t i = 0; i < ndim; ++i) {
    const size_t axis = member.fortran ? i : ndim - 1 - i;
    stored_strides[axis] = stride;
    stride *= member.shape[axis];
  }
  walk->ndim = ndim;
  walk->to = static_cast<char *>(to);
  int64_t to_stride = item;
  for (size_t i = ndim; i-- > 0;) {
    const SliceAxis axis = axes != nullptr ? axes[i] : SliceAxis{0, 1, member.shape[i]};
    const size_t position = member.fortran ? ndim - 1 - i : i;
    const bool back = axis.step < 0 && axis.count > 0;
    const int64_t low = back ? axis.first + (axis.count - 1) * axis.step : axis.first;
    walk->first += static_cast<uint64_t>(low) * static_cast<uint64_t>(stored_strides[i]);
    walk->counts[position] = axis.count;
    walk->from_strides[position] = axis.count > 1 ? stored_strides[i] * (back ? -axis.step : axis.step) : 0;
    walk->to_strides[position] = back ? -to_stride : to_stride;
    if (back) walk->to += (axis.count - 1) * to_stride;
    to_stride *= axis.count;
  }
}

// Reads the elements of a walk. One read fetches all elements of the trailing axes, which are close together in the
// file.
class WalkReader {
 public:
  WalkReader(MemberStream &stream, const Member &member, const Walk &walk, Memory &memory)
      : stream_(stream), member_(member), walk_(walk), window_(memory) {}

  Status run() {
    plan();
    int64_t index[kMaxRank] = {};
    const size_t outer = direct_ ? split_ : (split_ > 0 ? split_ - 1 : 0);
    for (;;) {
      uint64_t from = walk_.first;
      char *to = walk_.to;
      for (size_t i = 0; i < outer; ++i) {
        from += static_cast<uint64_t>(index[i] * walk_.from_strides[i]);
        to += index[i] * walk_.to_strides[i];
      }
      TFILE_TRY(direct_ ? read_direct(from, to) : read_rows(from, to));
      size_t axis = outer;
      while (axis > 0 && ++index[axis - 1] == walk_.counts[axis - 1])
        index[--axis] = 0;
      if (axis == 0) return kOk;
    }
  }

 private:
  // Returns the number of bytes from the first requested element to the end of the last one, for the axes from `axis`
  // on.
  uint64_t extent(size_t axis) const {
    uint64_t bytes = member_.dtype->block_bytes;
    for (size_t i = axis; i < walk_.ndim; ++i) {
      bytes += static_cast<uint64_t>(walk_.counts[i] - 1) * static_cast<uint64_t>(walk_.from_strides[i]);
    }
    return bytes;
  }
  // Sets split_ and direct_. If direct_, the axes from split_ on are one run of bytes in the file and in memory, which
  // is read to its destination. Otherwise the axes from split_ on are read into the window, which their extent fits,
  // and copied.
  void plan() {
    split_ = walk_.ndim;
    uint64_t run = member_.dtype->block_bytes;
    while (split_ > 0 && fits_run(split_ - 1, run))
      run *= static_cast<uint64_t>(walk_.counts[--split_]);
    direct_ = run >= kDirect || split_ == 0;
    if (direct_) return;
    split_ = walk_.ndim;
    while (split_ > 0 && gap(split_ - 1) <= kMaxGapRead && extent(split_ - 1) <= kWindow)
      --split_;
  }
  bool fits_run(size_t axis, uint64_t run) const {
    if (walk_.counts[axis] == 1) return true;
    const auto stride = static_cast<int64_t>(run);
    return walk_.from_strides[axis] == stride && walk_.to_strides[axis] == stride;
  }
  uint64_t gap(size_t axis) const {
    if (walk_.counts[axis] == 1) return 0;
    return static_cast<uint64_t>(walk_.from_strides[axis]) - extent(axis + 1);
  }
  Status read_direct(uint64_t from, char *to) {
    uint64_t remaining = extent(split_);
    while (remaining > 0) {
      // Reads in pieces, so that the bytes are still in the cache for finish_bytes().
      const uint64_t piece = remaining < kWindow ? remaining : kWindow;
      TFILE_TRY(stream_.read(from, to, piece));
      finish_bytes(member_, to, static_cast<size_t>(piece));
      from += piece;
      to += piece;
      remaining -= piece;
    }
    return kOk;
  }
  // Reads as many rows of axis split_ - 1 at a time as fit in the window.
  Status read_rows(uint64_t from, char *to) {
    if (split_ == 0) return read_window(from, to, 0, 0, 1);
    const size_t axis = split_ - 1;
    const int64_t count = walk_.counts[axis];
    const uint64_t row = extent(split_);
    const auto stride = static_cast<uint64_t>(walk_.from_strides[axis]);
    int64_t most = 1;
    if (gap(axis) <= kMaxGapRead && stride > 0 && row < kWindow) most += static_cast<int64_t>((kWindow - row) / stride);
    for (int64_t done = 0; done < count; done += most) {
      const int64_t rows = count - done < most ? count - done : most;
      TFILE_TRY(
          read_window(from + static_cast<uint64_t>(done) * stride, to + done * walk_.to_strides[axis], axis, 1, rows));
    }
    return kOk;
  }
  // Reads `rows` rows of the axis into the window and copies them. If has_rows is 0, there is only the one row of the
  // axes from split_ on.
  Status read_window(uint64_t from, char *to, size_t axis, size_t has_rows, int64_t rows) {
    int64_t shape[kMaxRank + 1];
    size_t ndim = 0;
    uint64_t nbytes = extent(split_);
    if (has_rows == 1) {
      shape[ndim++] = rows;
      nbytes += static_cast<uint64_t>(rows - 1) * static_cast<uint64_t>(walk_.from_strides[axis]);
    }
    for (size_t i = split_; i < walk_.ndim; ++i)
      shape[ndim++] = walk_.counts[i];
    if (window_.size() < nbytes) TFILE_TRY(window_.resize(static_cast<size_t>(nbytes)));
    TFILE_TRY(stream_.read(from, window_.data(), nbytes));
    finish_bytes(member_, window_.data(), static_cast<size_t>(nbytes));
    const size_t start = has_rows == 1 ? axis : split_;
    copy_strided(to, walk_.to_strides + start, window_.data(), walk_.from_strides + start,
                 Span<const int64_t>(shape, ndim), member_.dtype->block_bytes);
    return kOk;
  }

  MemberStream &stream_;
  const Member &member_;
  const Walk &walk_;
  Vec<char> window_;
  size_t split_ = 0;
  bool direct_ = false;
};

// Releases the reference to the source that a mapped array owns.
void release_source(void *source) {
  static_cast<Source *>(source)->release();
}

// True if the mapped bytes are a valid array: aligned for the dtype, and bools of 0 or 1 only.
bool is_valid_in_place(const Member &member, const void *bytes) {
  if (reinterpret_cast<uintptr_t>(bytes) % member.dtype->alignment() != 0) return false;
  if (member.dtype->kind != DtypeClass::kBool) return true;
  const auto *values = static_cast<const uint8_t *>(bytes);
  for (uint64_t i = 0; i < member.nbytes; ++i) {
    if (values[i] > 1) return false;
  }
  return true;
}

struct UnitReader {
  const Source &source;
  const Member &member;
  char *to;
};

Status read_unit_run(void *context, uint64_t offset, uint64_t nbytes) {
  auto &reader = *static_cast<UnitReader *>(context);
  TFILE_TRY(read_at(reader.source, reader.member.offset + offset, reader.to, nbytes, reader.member.name));
  finish_bytes(reader.member, reader.to, static_cast<size_t>(nbytes));
  reader.to += nbytes;
  return kOk;
}

}  // namespace

Status read_whole(void *to, const Source &source, const Member &member, Memory &memory) {
  MemberStream stream(source, member, memory, true);
  TFILE_TRY(stream.begin());
  if (member.nbytes > 0) {
    Walk walk;
    Member flat = member;
    const auto units = static_cast<int64_t>(member.nbytes / member.dtype->block_bytes);
    // In C order the whole array, even of a packed or block type, is one run of units.
    if (!member.fortran) flat.shape = Span<const int64_t>(&units, 1);
    make_walk(&walk, flat, nullptr, to);
    TFILE_TRY(WalkReader(stream, flat, walk, memory).run());
  }
  return stream.finish();
}

Status check_known(const Source &source, const Member &member) {
  if (member.dtype != nullptr) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED).in(source.label).array(member.name) << "cannot be read: " << member.reason;
}

namespace {

// Owns a stream, and destroys it unless the cursor takes it back.
struct OwnedStream {
  explicit OwnedStream(MemberStream *owned) : stream(owned) {}
  ~OwnedStream() { destroy_stream(); }
  OwnedStream(const OwnedStream &) = delete;
  OwnedStream &operator=(const OwnedStream &) = delete;

  void destroy_stream() {
    if (stream != nullptr) destroy(stream->memory(), stream);
    stream = nullptr;
  }
  MemberStream *release() { return std::exchange(stream, nullptr); }

  MemberStream *stream;
};

// Continues with the cursor's stream if that has not passed the start of the slice; otherwise reads from the start of
// the member.
Status resume(SliceCursor &cursor, const Source &source, const Member &member, const Walk &walk, Memory &memory) {
  OwnedStream owned(cursor.take());
  if (owned.stream != nullptr && !owned.stream->can_reach(member, walk.first)) owned.destroy_stream();
  if (owned.stream == nullptr) {
    TFILE_TRY(make(&owned.stream, memory, source, member, memory, false));
    TFILE_TRY(owned.stream->begin());
  }
  TFILE_TRY(WalkReader(*owned.stream, member, walk, memory).run());
  if (owned.stream->complete()) TFILE_TRY(owned.stream->finish());
  // With a memory budget (max_bytes), no memory remains allocated between calls.
  if (memory.limit == 0 && !owned.stream->is_replaceable()) cursor.keep(owned.release());
  return kOk;
}

}  // namespace

Status read_member_slice(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                         const Settings &settings, SliceCursor &cursor) {
  TFILE_TRY(check_known(source, member));
  if (!member.dtype->addressable()) {
    UnitReader reader{source, member, static_cast<char *>(to)};
    return for_each_unit_run(*member.dtype, member.shape, axes, read_unit_run, &reader);
  }
  for (size_t i = 0; i < member.shape.size(); ++i) {
    if (axes[i].count == 0) return kOk;
  }
  Walk walk;
  make_walk(&walk, member, axes, to);
  if (member.has_crc) return resume(cursor, source, member, walk, settings.memory());
  MemberStream stream(source, member, settings.memory(), false);
  TFILE_TRY(stream.begin());
  return WalkReader(stream, member, walk, settings.memory()).run();
}

Status map_member(Ref<Array> &out, Source &source, const Member &member, Memory &memory) {
  if (member.deflated || member.nbytes == 0 || needs_swap(member)) return kOk;
  const void *bytes = nullptr;
  TFILE_TRY(map_range(source, member.offset, member.nbytes, &bytes));
  if (bytes == nullptr || !is_valid_in_place(member, bytes)) return kOk;
  Ref<Buffer> buffer;
  source.retain();
  void *const data = const_cast<void *>(bytes);
  TFILE_TRY(wrap_buffer(buffer, memory, data, static_cast<size_t>(member.nbytes), source.ops->maps_privately,
                        release_source, &source));
  buffer->file = identity_of(source);
  int64_t strides[kMaxRank];
  int64_t stride = member.dtype->block_bytes;
  for (size_t i = 0; i < member.shape.size(); ++i) {
    strides[i] = stride;
    stride *= member.shape[i];
  }
  return make_array(out, memory, *member.dtype, member.shape, member.fortran ? strides : nullptr, std::move(buffer),
                    static_cast<char *>(data));
}

}  // namespace tfile
