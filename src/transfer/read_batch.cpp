#include "transfer/read_batch.h"

#include <algorithm>

#include "base/error.h"
#include "base/shared_progress.h"
#include "base/threads.h"
#include "codec/crc32.h"
#include "quant/cast.h"
#include "transfer/chunks.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;
// The maximum size of one read by a thread: a multiple of a huge page, so that no two threads fault in the same page,
// and large enough that the cost of a system call does not matter.
constexpr uint64_t kMaxPiece = 4 * kHugePage;
// The number of pieces per thread: enough that all threads end at nearly the same time.
constexpr uint64_t kPiecesPerThread = 4;
// Smaller reads take less time than starting a thread.
constexpr uint64_t kMinParallel = uint64_t{4} << 20;
// The size of the pieces for bytes that are processed again after reading (for a checksum, a byte order or a cast), so
// that they are still in the cache.
constexpr uint64_t kCached = uint64_t{256} << 10;
// Members of at most this size are read together with their neighbours, up to kMaxTogether bytes in one read.
constexpr uint64_t kSmall = uint64_t{128} << 10;
constexpr uint64_t kMaxTogether = uint64_t{1} << 20;

// A job for one thread: neighbouring members that are read together, a piece of a member, or a whole member.
struct ReadJob {
  const ReadTarget *target;
  size_t count;       // number of targets, starting at `target`; or number of chunks of the one target
  uint64_t start;     // offset of the piece in the member
  uint64_t nbytes;    // number of array bytes in the job
  uint32_t crc;       // checksum of the piece, if the member has a checksum
  uint32_t head = 0;  // for the first chunk: checksum of the header before it
  bool good = true;   // false if the chunks do not agree with the chunk table
};

// True if one thread must read the member from its first byte to its last.
bool is_stream(const Member &member) {
  return member.deflated || member.fortran || member.tail > 0;
}

// True if several threads can inflate the member, each a chunk at a time.
bool is_chunked(const ReadTarget &target) {
  return !target.member->chunks.empty() && !target.member->fortran && !target.has_cast();
}

bool is_small(const ReadTarget &target) {
  const Member &member = *target.member;
  return !is_stream(member) && !target.has_cast() && member.nbytes > 0 && member.nbytes <= kSmall;
}

bool comes_before(const ReadTarget &a, const ReadTarget &b) {
  return a.source != b.source ? a.source < b.source : a.member->offset < b.member->offset;
}

// Returns how many of the first targets one read can fill.
size_t count_neighbours(Span<const ReadTarget> targets) {
  const Member &first = *targets[0].member;
  uint64_t end = first.offset + first.nbytes;
  size_t parts = 1;
  size_t count = 1;
  for (; count < targets.size() && is_small(targets[count]); ++count) {
    const Member &next = *targets[count].member;
    if (targets[count].source != targets[0].source || next.offset < end || next.offset - end > kMaxGapRead) break;
    parts += next.offset > end ? 2 : 1;
    end = next.offset + next.nbytes;
    if (parts > kMaxParts || end - first.offset > kMaxTogether) break;
  }
  return count;
}

class BatchReader {
 public:
  BatchReader(Span<const ReadTarget> targets, const Settings &settings)
      : targets_(targets), settings_(settings), jobs_(settings.memory()), progress_(settings, total_of(targets)) {}

  Status run() {
    const Workers workers = settings_.workers();
    TFILE_TRY(plan(workers.count));
    const bool alone = !concurrent_ || total_of(targets_) < kMinParallel;
    // Without a progress callback, the user's executor gets all jobs in one call.
    const Notify notify = settings_.progress() ? report : nullptr;
    TFILE_TRY(parallel_for(jobs_.size(), alone ? Workers() : workers, run_job, this, notify));
    return check_sums();
  }

 private:
  static uint64_t total_of(Span<const ReadTarget> targets) {
    uint64_t total = 0;
    for (const ReadTarget &target : targets)
      total += target.member->nbytes;
    return total;
  }

  Status plan(size_t threads) {
    const uint64_t share = total_of(targets_) / (threads * kPiecesPerThread);
    const uint64_t piece = std::clamp(share / kHugePage * kHugePage, kHugePage, kMaxPiece);
    for (size_t i = 0; i < targets_.size();) {
      const ReadTarget &target = targets_[i];
      concurrent_ = concurrent_ && target.source->concurrent;
      size_t count = 1;
      if (is_small(target)) {
        count = count_neighbours(targets_.from(i));
        TFILE_TRY(jobs_.push(ReadJob{&target, count, 0, total_of(targets_.from(i).first(count)), 0}));
      } else if (is_chunked(target)) {
        TFILE_TRY(cut_chunks(target, threads));
      } else if (is_stream(*target.member)) {
        TFILE_TRY(jobs_.push(ReadJob{&target, 1, 0, target.member->nbytes, 0}));
      } else {
        TFILE_TRY(cut(target, piece));
      }
      i += count;
    }
    return kOk;
  }

  // Cuts a member into pieces of whole units, which can be finished and cast independently.
  Status cut(const ReadTarget &target, uint64_t piece) {
    const uint64_t unit = unit_of(target);
    const uint64_t nbytes = target.member->nbytes;
    piece = piece / unit * unit;
    uint64_t start = 0;
    do {
      const uint64_t remaining = nbytes - start;
      TFILE_TRY(jobs_.push(ReadJob{&target, 1, start, remaining < piece ? remaining : piece, 0}));
      start += piece;
    } while (start < nbytes);
    return kOk;
  }

  Status cut_chunks(const ReadTarget &target, size_t threads) {
    const Member &member = *target.member;
    const size_t together = ChunkInflater::together(member, threads);
    const uint64_t piece = member.chunk * together;
    for (uint64_t start = 0; start < member.nbytes; start += piece) {
      const uint64_t remaining = member.nbytes - start;
      const uint64_t nbytes = remaining < piece ? remaining : piece;
      const auto count = static_cast<size_t>((nbytes + member.chunk - 1) / member.chunk);
      TFILE_TRY(jobs_.push(ReadJob{&target, count, start, nbytes, 0}));
    }
    return kOk;
  }

  // Returns the number of bytes of which a piece must be a multiple.
  static uint64_t unit_of(const ReadTarget &target) {
    const Dtype &dtype = *target.member->dtype;
    return target.has_cast() ? kCastChunk / dtype.block_size * dtype.block_bytes : dtype.block_bytes;
  }

  static Status run_job(void *context, size_t i) {
    auto &reader = *static_cast<BatchReader *>(context);
    ReadJob &job = reader.jobs_[i];
    const ReadTarget &target = *job.target;
    if (is_small(target)) {
      TFILE_TRY(reader.read_together(job));
    } else if (is_chunked(target)) {
      TFILE_TRY(reader.read_chunks(&job));
    } else if (is_stream(*target.member)) {
      TFILE_TRY(reader.read_stream(target));
    } else {
      TFILE_TRY(reader.read_piece(&job));
    }
    reader.progress_.add(job.nbytes);
    return kOk;
  }

  Status read_together(const ReadJob &job) const {
    ReadPart parts[kMaxParts];
    const Span<const ReadTarget> together(job.target, job.count);
    const uint64_t start = together[0].member->offset;
    uint64_t at = start;
    size_t count = 0;
    for (const ReadTarget &target : together) {
      const Member &member = *target.member;
      if (member.offset > at) parts[count++] = ReadPart{nullptr, static_cast<size_t>(member.offset - at)};
      parts[count++] = ReadPart{target.to, static_cast<size_t>(member.nbytes)};
      at = member.offset + member.nbytes;
    }
    const Source &source = *together[0].source;
    const Span<const ReadPart> all(parts, count);
    const Status status = read_parts(source, start, all, settings_.memory(), together[0].member->name);
    if (!status.ok()) return blame(together, status);
    for (const ReadTarget &target : together) {
      const Member &member = *target.member;
      const auto nbytes = static_cast<size_t>(member.nbytes);
      if (member.has_crc) TFILE_TRY(check_crc(source, member, crc32_update(member.head_crc32, target.to, nbytes)));
      finish_bytes(member, target.to, nbytes);
    }
    return kOk;
  }

  // If the file has become shorter since it was opened, finds the member that the error must name.
  static Status blame(Span<const ReadTarget> together, Status status) {
    if (status.code != TF_STATUS_TRUNCATED || together[0].source->ops->is_callback) return status;
    for (const ReadTarget &target : together) {
      const Member &member = *target.member;
      TFILE_TRY(read_at(*target.source, member.offset, target.to, member.nbytes, member.name));
    }
    return status;
  }

  Status read_stream(const ReadTarget &target) const {
    const Member &member = *target.member;
    if (!target.has_cast()) return read_whole(target.to, *target.source, member, settings_.memory());
    Ref<Buffer> stored;
    TFILE_TRY(make_buffer(stored, settings_.memory(), member.nbytes));
    TFILE_TRY(read_whole(stored->data, *target.source, member, settings_.memory()));
    return cast_piece(target, stored->data, 0, member.nbytes);
  }

  Status read_chunks(ReadJob *job) const {
    const Member &member = *job->target->member;
    char *const to = static_cast<char *>(job->target->to) + job->start;
    ChunkInflater inflater(*job->target->source, member, settings_.memory());
    if (job->start == 0) {
      TFILE_TRY(inflater.head(&job->good, &job->head));
      if (!job->good) return kOk;
    }
    TFILE_TRY(inflater.chunks(&job->good, static_cast<size_t>(job->start / member.chunk), job->count, to));
    if (!job->good) return kOk;
    job->crc = crc32_update(0, to, static_cast<size_t>(job->nbytes));
    finish_bytes(member, to, static_cast<size_t>(job->nbytes));
    return kOk;
  }

  Status read_piece(ReadJob *job) const {
    const ReadTarget &target = *job->target;
    const Member &member = *target.member;
    if (!target.has_cast()) touch_small_pages(*job);
    const bool processed = member.has_crc || target.has_cast() || needs_swap(member);
    const uint64_t step = processed ? kCached / unit_of(target) * unit_of(target) : job->nbytes;
    Vec<char> scratch(settings_.memory());
    if (target.has_cast()) TFILE_TRY(scratch.resize(static_cast<size_t>(std::min(step, job->nbytes))));
    for (uint64_t done = 0; done < job->nbytes;) {
      const uint64_t start = job->start + done;
      const auto nbytes = static_cast<size_t>(std::min(step, job->nbytes - done));
      char *const to = target.has_cast() ? scratch.data() : static_cast<char *>(target.to) + start;
      TFILE_TRY(read_at(*target.source, member.offset + start, to, nbytes, member.name));
      if (member.has_crc) job->crc = crc32_update(job->crc, to, nbytes);
      finish_bytes(member, to, nbytes);
      if (target.has_cast()) TFILE_TRY(cast_piece(target, to, start, nbytes));
      done += nbytes;
    }
    return kOk;
  }

  // The end of an array, after its last whole huge page, has pages of normal size. Makes the system provide those of
  // this job with one system call, before they are written, instead of with a page fault for each.
  static void touch_small_pages(const ReadJob &job) {
    constexpr uint64_t kMinTouched = uint64_t{64} << 10;
    const uint64_t small = job.target->member->nbytes / kHugePage * kHugePage;
    const uint64_t skipped = small > job.start ? small - job.start : 0;
    if (job.nbytes < skipped + kMinTouched) return;
    system_touch(static_cast<char *>(job.target->to) + job.start + skipped, static_cast<size_t>(job.nbytes - skipped));
  }

  // Casts whole units of a member, starting at offset `start` in the member.
  static Status cast_piece(const ReadTarget &target, const void *from, uint64_t start, uint64_t nbytes) {
    const Dtype &dtype = *target.member->dtype;
    const uint64_t first = start / dtype.block_bytes * dtype.block_size;
    const uint64_t count = nbytes / dtype.block_bytes * dtype.block_size;
    const uint64_t to = first / target.dtype->block_size * target.dtype->block_bytes;
    return cast_run(static_cast<char *>(target.to) + to, *target.dtype, from, dtype, first, count);
  }

  // Joins the checksums of the pieces of each member and verifies them. The jobs of a member are in order.
  Status check_sums() const {
    for (size_t i = 0; i < jobs_.size();) {
      const ReadTarget &target = *jobs_[i].target;
      const Member &member = *target.member;
      const bool chunked = is_chunked(target);
      if (!member.has_crc || is_small(target) || (is_stream(member) && !chunked)) {
        ++i;
        continue;
      }
      uint32_t crc = chunked ? jobs_[i].head : member.head_crc32;
      bool good = true;
      for (; i < jobs_.size() && jobs_[i].target == &target; ++i) {
        good = good && jobs_[i].good;
        crc = crc32_join(crc, jobs_[i].crc, jobs_[i].nbytes);
      }
      if (!chunked) {
        TFILE_TRY(check_crc(*target.source, member, crc));
      } else if (!good || crc != member.crc32) {
        // A wrong chunk table is not an error, because it is optional. Reads the stream from its start instead.
        TFILE_TRY(read_stream(target));
      }
    }
    return kOk;
  }

  static Status report(void *context) { return static_cast<BatchReader *>(context)->progress_.report(); }

  Span<const ReadTarget> targets_;
  const Settings &settings_;
  Vec<ReadJob> jobs_;
  SharedProgress progress_;
  bool concurrent_ = true;
};

}  // namespace

Status read_members(Vec<ReadTarget> &targets, const Settings &settings) {
  for (const ReadTarget &target : targets)
    TFILE_TRY(check_known(*target.source, *target.member));
  if (!std::is_sorted(targets.begin(), targets.end(), comes_before)) {
    std::sort(targets.begin(), targets.end(), comes_before);
  }
  return BatchReader(targets.span(), settings).run();
}

}  // namespace tfile
