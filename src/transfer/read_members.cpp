// Reading many members at once: what to read together, what in pieces, and by whom.
#include <algorithm>

#include "base/error.h"
#include "base/shared_progress.h"
#include "base/threads.h"
#include "codec/crc32.h"
#include "transfer/chunks.h"
#include "transfer/read.h"

namespace tfile {

namespace {

constexpr uint64_t kHugePage = uint64_t{2} << 20;
// What one thread reads at a time: whole huge pages, so that no two threads make the same one, and enough that a system
// call costs nothing beside it.
constexpr uint64_t kMostPiece = 4 * kHugePage;
// Pieces for each thread, so that all end at nearly the same time.
constexpr uint64_t kPiecesEach = 4;
// Less than this is read before another thread has begun.
constexpr uint64_t kParallelFrom = uint64_t{4} << 20;
// What is looked at again, for its checksum, order or dtype, while it is in the cache.
constexpr uint64_t kCached = uint64_t{256} << 10;
// Members of at most this size are read together with their neighbours, as far as one read should go.
constexpr uint64_t kSmall = uint64_t{128} << 10;
constexpr uint64_t kMostTogether = uint64_t{1} << 20;
// A hole of at most this many bytes between them is read over rather than skipped by another call.
constexpr uint64_t kSmallGap = uint64_t{16} << 10;

// A share of the work: neighbours that are read together, or a piece of a member, or a member as a whole.
struct ReadJob {
  const ReadTarget *target;
  size_t count;       // targets from there on
  uint64_t start;     // of a piece, in the member
  uint64_t nbytes;    // array bytes of the job
  uint32_t crc;       // of a piece of a member that has a checksum
  uint32_t head = 0;  // of a first chunk: the checksum of what comes before it
  bool good = true;   // of a chunk: it is what the directory says
};

// Whether a member is read from first byte to last by one thread.
bool is_stream(const Member &member) {
  return member.deflated || member.fortran;
}

// Whether a member is inflated chunk by chunk, by several threads.
bool is_chunked(const ReadTarget &target) {
  return !target.member->chunks.empty() && !target.member->fortran && target.convert == nullptr;
}

bool is_small(const ReadTarget &target) {
  const Member &member = *target.member;
  return !is_stream(member) && target.convert == nullptr && member.nbytes > 0 && member.nbytes <= kSmall;
}

bool comes_before(const ReadTarget &a, const ReadTarget &b) {
  return a.source != b.source ? a.source < b.source : a.member->offset < b.member->offset;
}

// The members from `first` on that one read can fill.
size_t count_neighbours(Span<const ReadTarget> targets) {
  const Member &first = *targets[0].member;
  uint64_t end = first.offset + first.nbytes;
  size_t parts = 1;
  size_t count = 1;
  for (; count < targets.size() && is_small(targets[count]); ++count) {
    const Member &next = *targets[count].member;
    if (targets[count].source != targets[0].source || next.offset < end || next.offset - end > kSmallGap) break;
    parts += next.offset > end ? 2 : 1;
    end = next.offset + next.nbytes;
    if (parts > kMaxParts || end - first.offset > kMostTogether) break;
  }
  return count;
}

class Reading {
 public:
  Reading(Span<const ReadTarget> targets, const Settings &settings)
      : targets_(targets), settings_(settings), jobs_(settings.memory()), progress_(settings, total_of(targets)) {}

  Status run() {
    const Workers workers = settings_.workers();
    TFILE_TRY(plan(workers.count));
    const bool alone = !concurrent_ || total_of(targets_) < kParallelFrom;
    // An executor does all in one go when nobody wants to be told.
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
    const uint64_t share = total_of(targets_) / (threads * kPiecesEach);
    const uint64_t piece = std::clamp(share / kHugePage * kHugePage, kHugePage, kMostPiece);
    for (size_t i = 0; i < targets_.size();) {
      const ReadTarget &target = targets_[i];
      concurrent_ = concurrent_ && target.source->concurrent;
      size_t count = 1;
      if (is_small(target)) {
        count = count_neighbours(targets_.from(i));
        TFILE_TRY(jobs_.push(ReadJob{&target, count, 0, total_of(targets_.from(i).first(count)), 0}));
      } else if (is_chunked(target)) {
        TFILE_TRY(cut_chunks(target));
      } else if (is_stream(*target.member)) {
        TFILE_TRY(jobs_.push(ReadJob{&target, 1, 0, target.member->nbytes, 0}));
      } else {
        TFILE_TRY(cut(target, piece));
      }
      i += count;
    }
    return kOk;
  }

  // A piece is whole units, so that each can be finished by itself.
  Status cut(const ReadTarget &target, uint64_t piece) {
    const uint64_t unit = unit_of(target);
    const uint64_t nbytes = target.member->nbytes;
    piece = piece / unit * unit;
    uint64_t start = 0;
    do {
      const uint64_t left = nbytes - start;
      TFILE_TRY(jobs_.push(ReadJob{&target, 1, start, left < piece ? left : piece, 0}));
      start += piece;
    } while (start < nbytes);
    return kOk;
  }

  Status cut_chunks(const ReadTarget &target) {
    const Member &member = *target.member;
    for (uint64_t start = 0; start < member.nbytes; start += member.chunk) {
      const uint64_t left = member.nbytes - start;
      TFILE_TRY(jobs_.push(ReadJob{&target, 1, start, left < member.chunk ? left : member.chunk, 0}));
    }
    return kOk;
  }

  static uint64_t unit_of(const ReadTarget &target) {
    const Dtype &dtype = *target.member->dtype;
    return target.convert == nullptr ? dtype.block_bytes : kConvertedAtOnce / dtype.block_size * dtype.block_bytes;
  }

  static Status run_job(void *context, size_t i) {
    auto &reading = *static_cast<Reading *>(context);
    ReadJob &job = reading.jobs_[i];
    const ReadTarget &target = *job.target;
    if (is_small(target)) {
      TFILE_TRY(reading.read_together(job));
    } else if (is_chunked(target)) {
      TFILE_TRY(reading.read_chunk(&job));
    } else if (is_stream(*target.member)) {
      TFILE_TRY(reading.read_stream(target));
    } else {
      TFILE_TRY(reading.read_piece(&job));
    }
    reading.progress_.add(job.nbytes);
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

  // A file that has become shorter: says which member it ends before.
  static Status blame(Span<const ReadTarget> together, Status status) {
    if (status.code != TF_STATUS_TRUNCATED || is_foreign(*together[0].source)) return status;
    for (const ReadTarget &target : together) {
      const Member &member = *target.member;
      TFILE_TRY(read_at(*target.source, member.offset, target.to, member.nbytes, member.name));
    }
    return status;
  }

  Status read_stream(const ReadTarget &target) const {
    const Member &member = *target.member;
    if (target.convert == nullptr) return read_whole(target.to, *target.source, member, settings_.memory());
    Ref<Buffer> stored;
    TFILE_TRY(make_buffer(stored, settings_.memory(), member.nbytes));
    TFILE_TRY(read_whole(stored->data, *target.source, member, settings_.memory()));
    return convert(target, stored->data, 0, member.nbytes);
  }

  Status read_chunk(ReadJob *job) const {
    const Member &member = *job->target->member;
    char *const to = static_cast<char *>(job->target->to) + job->start;
    ChunkInflater inflater(*job->target->source, member, settings_.memory());
    if (job->start == 0) {
      TFILE_TRY(inflater.head(&job->good, &job->head));
      if (!job->good) return kOk;
    }
    TFILE_TRY(inflater.chunk(&job->good, static_cast<size_t>(job->start / member.chunk), to));
    if (!job->good) return kOk;
    job->crc = crc32_update(0, to, static_cast<size_t>(job->nbytes));
    finish_bytes(member, to, static_cast<size_t>(job->nbytes));
    return kOk;
  }

  Status read_piece(ReadJob *job) const {
    const ReadTarget &target = *job->target;
    const Member &member = *target.member;
    if (target.convert == nullptr) touch_small_pages(*job);
    const bool looked_at = member.has_crc || target.convert != nullptr || needs_swap(member);
    const uint64_t step = looked_at ? kCached / unit_of(target) * unit_of(target) : job->nbytes;
    Vec<char> scratch(settings_.memory());
    if (target.convert != nullptr) TFILE_TRY(scratch.resize(static_cast<size_t>(std::min(step, job->nbytes))));
    for (uint64_t done = 0; done < job->nbytes;) {
      const uint64_t start = job->start + done;
      const auto nbytes = static_cast<size_t>(std::min(step, job->nbytes - done));
      char *const to = target.convert != nullptr ? scratch.data() : static_cast<char *>(target.to) + start;
      TFILE_TRY(read_at(*target.source, member.offset + start, to, nbytes, member.name));
      if (member.has_crc) job->crc = crc32_update(job->crc, to, nbytes);
      finish_bytes(member, to, nbytes);
      if (target.convert != nullptr) TFILE_TRY(convert(target, to, start, nbytes));
      done += nbytes;
    }
    return kOk;
  }

  // What lies behind the last whole huge page of an array.
  static void touch_small_pages(const ReadJob &job) {
    constexpr uint64_t kLeast = uint64_t{64} << 10;
    const uint64_t small = job.target->member->nbytes / kHugePage * kHugePage;
    const uint64_t skipped = small > job.start ? small - job.start : 0;
    if (job.nbytes < skipped + kLeast) return;
    system_touch(static_cast<char *>(job.target->to) + job.start + skipped, static_cast<size_t>(job.nbytes - skipped));
  }

  // Bytes of a member, which begin with byte `start` of it and are whole units.
  static Status convert(const ReadTarget &target, const void *from, uint64_t start, uint64_t nbytes) {
    const Dtype &dtype = *target.member->dtype;
    const uint64_t first = start / dtype.block_bytes * dtype.block_size;
    const uint64_t count = nbytes / dtype.block_bytes * dtype.block_size;
    const uint64_t to = first / target.dtype->block_size * target.dtype->block_bytes;
    return target.convert(static_cast<char *>(target.to) + to, *target.dtype, from, *target.member, first, count);
  }

  // Joins the checksums of pieces, which stand in order.
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
        // The chunks are not what the directory says: the stream as a whole counts.
        TFILE_TRY(read_stream(target));
      }
    }
    return kOk;
  }

  static Status report(void *context) { return static_cast<Reading *>(context)->progress_.report(); }

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
  return Reading(targets.span(), settings).run();
}

}  // namespace tfile
