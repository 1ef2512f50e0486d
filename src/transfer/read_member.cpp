#include "transfer/read_member.h"

#include <algorithm>

#include "base/endian.h"
#include "base/error.h"
#include "core/copy.h"
#include "transfer/read_batch.h"
#include "transfer/read_target.h"

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
  Failure failure(TF_STATUS_CORRUPT);
  return member.name_in(failure.in(source.label)).at(member.offset)
         << "CRC-32 of the member should be " << Hex{member.crc32} << ", is " << Hex{crc};
}

namespace {

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
    const uint64_t item = member.dtype->block_bytes;
    const auto units = static_cast<int64_t>(member.nbytes / item);
    WalkShape shape{member.shape, item, member.fortran};
    // In C order the whole array, even of a packed or block type, is one run of units.
    if (!member.fortran) shape.sizes = Span<const int64_t>(&units, 1);
    int64_t strides[kMaxRank];
    contiguous_strides(strides, shape.sizes, member.dtype->block_bytes);
    make_walk(&walk, shape, nullptr, to, strides);
    TFILE_TRY(read_walks(stream, member, Span<const Walk>(&walk, 1), memory));
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
  TFILE_TRY(read_walks(*owned.stream, member, Span<const Walk>(&walk, 1), memory));
  if (owned.stream->complete()) TFILE_TRY(owned.stream->finish());
  // With a memory budget (max_bytes), no memory remains allocated between calls.
  if (memory.limit == 0 && !owned.stream->is_replaceable()) cursor.keep(owned.release());
  return kOk;
}

// A slice whose elements span more bytes of the file than this is read on several threads, which report progress. If the
// source prefers larger requests, one of them reads what fits into it.
uint64_t large_span(const Source &source) {
  return std::max(uint64_t{4} << 20, source.hints.piece);
}

Status read_large_slice(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                        const Settings &settings) {
  Vec<ReadTarget> targets(settings.memory());
  ReadTarget target{&source, &member, to, member.dtype};
  target.axes = axes;
  TFILE_TRY(targets.push(target));
  return read_members(targets, settings);
}

}  // namespace

Status read_member_slice(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                         const Settings &settings, SliceCursor &cursor) {
  TFILE_TRY(check_known(source, member));
  UnitSlice units;
  if (!units.resolve(member, axes)) {
    UnitReader reader{source, member, static_cast<char *>(to)};
    return for_each_unit_run(*member.dtype, member.shape, axes, read_unit_run, &reader);
  }
  for (const int64_t count : units.shape(member)) {
    if (count == 0) return kOk;
  }
  Walk walk;
  units.walk(&walk, member, to);
  if (member.has_crc) return resume(cursor, source, member, walk, settings.memory());
  if (!needs_order(member) && walk.extent(0) > large_span(source))
    return read_large_slice(to, source, member, axes, settings);
  MemberStream stream(source, member, settings.memory(), false);
  TFILE_TRY(stream.begin());
  return read_walks(stream, member, Span<const Walk>(&walk, 1), settings.memory());
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
