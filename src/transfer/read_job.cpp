#include "transfer/read_job.h"

#include <algorithm>

#include "base/error.h"
#include "codec/crc32.h"
#include "core/copy.h"
#include "quant/cast.h"
#include "transfer/chunks.h"
#include "transfer/read_member.h"
#include "transfer/read_units.h"

namespace tfile {

namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;
// The size of the pieces for bytes that are processed again after reading (for a checksum, a byte order or a cast), so
// that they are still in the cache.
constexpr uint64_t kCached = uint64_t{256} << 10;

bool is_callback(const Source &source) {
  return source.ops->is_callback;
}

// Gathers the elements of a small target, C-contiguous, from the bytes of the file that begin with the first of them.
void gather(void *to, const ReadTarget &target, const char *bytes) {
  if (target.plain) {
    memcpy(to, bytes, static_cast<size_t>(target.nbytes));
    return;
  }
  UnitSlice units;
  Walk walk;
  (void)units.resolve(*target.member, target.axes);
  units.walk(&walk, *target.member, to);
  copy_walk(walk, bytes);
}

// Reads the jobs of neighbouring small targets.
class TogetherReader {
 public:
  TogetherReader(Span<const ReadTarget> targets, Memory &memory)
      : targets_(targets), source_(*targets[0].source), memory_(memory) {}

  Status run() {
    bool direct = true;
    uint64_t end = 0;
    for (const ReadTarget &target : targets_) {
      direct = direct && target.is_direct() && offset_of(target) >= end;
      end = std::max(end, offset_of(target) + target.extent);
    }
    return direct ? read_direct() : read_scratch(end);
  }

 private:
  static uint64_t offset_of(const ReadTarget &target) { return target.member->offset + target.start; }

  // Reads to the destinations.
  Status read_direct() const {
    ReadPart parts[kMaxParts];
    const uint64_t start = offset_of(targets_[0]);
    uint64_t at = start;
    size_t count = 0;
    for (const ReadTarget &target : targets_) {
      const uint64_t offset = offset_of(target);
      if (offset > at) parts[count++] = ReadPart{nullptr, static_cast<size_t>(offset - at)};
      parts[count++] = ReadPart{target.to, static_cast<size_t>(target.nbytes)};
      at = offset + target.nbytes;
    }
    const Span<const ReadPart> all(parts, count);
    const Status status = read_parts(source_, start, all, memory_, targets_[0].member->name);
    if (!status.ok()) return blame(status);
    for (const ReadTarget &target : targets_) {
      TFILE_TRY(check_whole(target, target.to));
      finish_bytes(*target.member, target.to, static_cast<size_t>(target.nbytes));
    }
    return kOk;
  }

  // Reads to scratch memory, for targets that overlap, are cast, or have another order in memory.
  Status read_scratch(uint64_t end) const {
    const uint64_t start = offset_of(targets_[0]);
    Vec<char> bytes(memory_);
    TFILE_TRY(bytes.resize(static_cast<size_t>(end - start)));
    const Status status = read_at(source_, start, bytes.data(), end - start, targets_[0].member->name);
    if (!status.ok()) return blame(status);
    for (const ReadTarget &target : targets_)
      TFILE_TRY(finish(target, bytes.data() + (offset_of(target) - start)));
    return kOk;
  }

  Status finish(const ReadTarget &target, const char *bytes) const {
    const Member &member = *target.member;
    const auto nbytes = static_cast<size_t>(target.nbytes);
    TFILE_TRY(check_whole(target, bytes));
    if (!target.has_cast() && target.strides == nullptr) {
      gather(target.to, target, bytes);
      finish_bytes(member, target.to, nbytes);
      return kOk;
    }
    Vec<char> gathered(memory_);
    TFILE_TRY(gathered.resize(nbytes));
    gather(gathered.data(), target, bytes);
    finish_bytes(member, gathered.data(), nbytes);
    const Destination destination(target);
    if (target.has_cast()) return convert(destination, target, gathered.data(), memory_);
    int64_t strides[kMaxRank];
    contiguous_strides(strides, destination.shape(), member.dtype->block_bytes);
    copy_strided(destination.to, destination.strides, gathered.data(), strides, destination.shape(),
                 member.dtype->block_bytes);
    return kOk;
  }

  // Verifies the checksum of a member if these are all of its bytes.
  Status check_whole(const ReadTarget &target, const void *bytes) const {
    const Member &member = *target.member;
    if (!member.has_crc || target.extent != member.nbytes) return kOk;
    return check_crc(source_, member, crc32_update(member.head_crc32, bytes, static_cast<size_t>(target.extent)));
  }

  // If the file has become shorter since it was opened, finds the member that the error must name.
  Status blame(Status status) const {
    if (status.code != TF_STATUS_TRUNCATED || is_callback(source_)) return status;
    Vec<char> bytes(memory_);
    for (const ReadTarget &target : targets_) {
      TFILE_TRY(bytes.resize(static_cast<size_t>(target.extent)));
      TFILE_TRY(read_at(source_, offset_of(target), bytes.data(), target.extent, target.member->name));
    }
    return status;
  }

  Span<const ReadTarget> targets_;
  const Source &source_;
  Memory &memory_;
};

// The end of an array, after its last whole huge page, has pages of normal size. Makes the system provide those of this
// job with one system call, before they are written, instead of with a page fault for each.
void touch_small_pages(const ReadJob &job) {
  constexpr uint64_t kMinTouched = uint64_t{64} << 10;
  const uint64_t small = job.target().nbytes / kHugePage * kHugePage;
  const uint64_t skipped = small > job.start ? small - job.start : 0;
  if (job.nbytes < skipped + kMinTouched) return;
  system_touch(static_cast<char *>(job.target().to) + job.start + skipped, static_cast<size_t>(job.nbytes - skipped));
}

// Casts whole units of a run, starting at offset `start` in it.
Status cast_piece(const ReadTarget &target, const void *from, uint64_t start, uint64_t nbytes) {
  const Dtype &dtype = *target.member->dtype;
  const uint64_t first = start / dtype.block_bytes * dtype.block_size;
  const uint64_t count = nbytes / dtype.block_bytes * dtype.block_size;
  const uint64_t to = first / target.dtype->block_size * target.dtype->block_bytes;
  return cast_run(static_cast<char *>(target.to) + to, *target.dtype, from, dtype, first, count);
}

Status read_piece(ReadJob &job, Memory &memory) {
  const ReadTarget &target = job.target();
  const Member &member = *target.member;
  if (!target.has_cast()) touch_small_pages(job);
  const bool processed = member.has_crc || target.has_cast() || needs_swap(member);
  const uint64_t cached = std::max(kCached, std::min(target.source->hints.piece, job.nbytes));
  const uint64_t step = processed ? cached / unit_of(target) * unit_of(target) : job.nbytes;
  Vec<char> scratch(memory);
  if (target.has_cast()) TFILE_TRY(scratch.resize(static_cast<size_t>(std::min(step, job.nbytes))));
  for (uint64_t done = 0; done < job.nbytes;) {
    const uint64_t start = job.start + done;
    const auto nbytes = static_cast<size_t>(std::min(step, job.nbytes - done));
    char *const to = target.has_cast() ? scratch.data() : static_cast<char *>(target.to) + start;
    TFILE_TRY(read_at(*target.source, member.offset + target.start + start, to, nbytes, member.name));
    if (member.has_crc) job.crc = crc32_update(job.crc, to, nbytes);
    finish_bytes(member, to, nbytes);
    if (target.has_cast()) TFILE_TRY(cast_piece(target, to, start, nbytes));
    done += nbytes;
  }
  return kOk;
}

Status read_stream(const ReadTarget &target, Memory &memory) {
  return read_whole(target.to, *target.source, *target.member, memory);
}

Status read_chunks(ReadJob &job, Memory &memory) {
  const Member &member = *job.target().member;
  char *const to = static_cast<char *>(job.target().to) + job.start;
  ChunkInflater inflater(*job.target().source, member, memory);
  if (job.part == 0) {
    TFILE_TRY(inflater.head(&job.good, &job.head));
    if (!job.good) return kOk;
  }
  TFILE_TRY(inflater.chunks(&job.good, job.part, job.parts, to));
  if (!job.good) return kOk;
  job.crc = crc32_update(0, to, static_cast<size_t>(job.nbytes));
  finish_bytes(member, to, static_cast<size_t>(job.nbytes));
  return kOk;
}

// Reads a slice that cuts through units, whose elements are then of another dtype; or that consists of runs of units
// across rows.
Status read_unit_slice(const ReadTarget &target, const Settings &settings) {
  // This is a job of one thread already.
  Settings alone = settings;
  alone.set(TF_OPTION_THREADS, 1);
  alone.set_progress(Ref<ProgressCallback>());
  const Member &member = *target.member;
  SliceAxis axes[kMaxRank];
  Destination destination(target);
  for (size_t i = 0; i < destination.ndim; ++i)
    axes[i] = target.axes != nullptr ? target.axes[i] : SliceAxis{0, 1, member.shape[i]};
  SliceCursor cursor;
  if (!target.has_cast()) return read_member_slice(target.to, *target.source, member, axes, alone, cursor);
  const Dtype &to = *target.dtype;
  Vec<char> scratch(settings.memory());
  if (!to.addressable()) {
    TFILE_TRY(scratch.resize(static_cast<size_t>(target.nbytes)));
    TFILE_TRY(read_member_slice(scratch.data(), *target.source, member, axes, alone, cursor));
    return convert(destination, target, scratch.data(), settings.memory());
  }
  if (destination.contiguous) return read_units_as(target.to, to, *target.source, member, axes, alone);
  TFILE_TRY(scratch.resize(static_cast<size_t>(destination.elements() * to.block_bytes)));
  TFILE_TRY(read_units_as(scratch.data(), to, *target.source, member, axes, alone));
  int64_t strides[kMaxRank];
  contiguous_strides(strides, destination.shape(), to.block_bytes);
  copy_strided(destination.to, destination.strides, scratch.data(), strides, destination.shape(), to.block_bytes);
  return kOk;
}

}  // namespace

uint64_t unit_of(const ReadTarget &target) {
  const Dtype &dtype = *target.member->dtype;
  return target.has_cast() ? kCastChunk / dtype.block_size * dtype.block_bytes : dtype.block_bytes;
}

Status run_read_job(ReadJob &job, const Settings &settings) {
  Memory &memory = settings.memory();
  switch (job.kind) {
    case JobKind::kTogether:
      return TogetherReader(job.targets, memory).run();
    case JobKind::kPiece:
      return read_piece(job, memory);
    case JobKind::kStream:
      return read_stream(job.target(), memory);
    case JobKind::kChunks:
      return read_chunks(job, memory);
    case JobKind::kBands:
      return MemberBands(job.targets).read(job.part, job.parts, memory);
    case JobKind::kUnits:
      return read_unit_slice(job.target(), settings);
  }
  return kOk;
}

Status verify_sums(Span<const ReadJob> jobs, const Settings &settings) {
  const ReadTarget &target = jobs[0].target();
  const Member &member = *target.member;
  const bool chunked = jobs[0].kind == JobKind::kChunks;
  const bool pieces = jobs[0].kind == JobKind::kPiece && member.has_crc && target.is_all();
  if (!chunked && !pieces) return kOk;
  uint32_t crc = chunked ? jobs[0].head : member.head_crc32;
  bool good = true;
  for (const ReadJob &job : jobs) {
    good = good && job.good;
    crc = crc32_join(crc, job.crc, job.nbytes);
  }
  if (pieces) return check_crc(*target.source, member, crc);
  if (good && crc == member.crc32) return kOk;
  // A wrong chunk table is not an error, because it is optional. Reads the stream from its start instead.
  return read_stream(target, settings.memory());
}

}  // namespace tfile
