#include "transfer/read_batch.h"

#include <algorithm>

#include "base/shared_progress.h"
#include "base/threads.h"
#include "transfer/chunks.h"
#include "transfer/read_job.h"
#include "transfer/read_member.h"

namespace tfile {

namespace {

// The maximum size of one read by a thread: a multiple of a huge page, so that no two threads fault in the same page,
// and large enough that the cost of a system call does not matter.
constexpr uint64_t kHugePage = uint64_t{2} << 20;
constexpr uint64_t kMaxPiece = 4 * kHugePage;
// The number of pieces per thread: enough that all threads end at nearly the same time.
constexpr uint64_t kPiecesPerThread = 4;
// Smaller reads take less time than starting a thread.
constexpr uint64_t kMinParallel = uint64_t{4} << 20;
// Small targets are read together up to this many bytes in one read.
constexpr uint64_t kMaxTogether = uint64_t{1} << 20;

uint64_t offset_of(const ReadTarget &target) {
  return target.member->offset + target.start;
}

// True if the target belongs to a group of those of one member.
bool in_group(const ReadTarget &target) {
  return target.kind == ReadKind::kStream || target.kind == ReadKind::kBands;
}

// Groups come after the other targets of a source.
bool comes_before(const ReadTarget &a, const ReadTarget &b) {
  if (a.source != b.source) return a.source < b.source;
  if (in_group(a) != in_group(b)) return in_group(b);
  return offset_of(a) < offset_of(b);
}

// Returns how many of the first targets one read can fill.
size_t count_neighbours(Span<const ReadTarget> targets) {
  const Source &source = *targets[0].source;
  const uint64_t start = offset_of(targets[0]);
  const uint64_t most = std::max(kMaxTogether, std::min(source.hints.piece, kMaxPieceHint));
  uint64_t end = start + targets[0].extent;
  size_t parts = 1;
  size_t count = 1;
  for (; count < targets.size() && is_small(targets[count]); ++count) {
    const ReadTarget &next = targets[count];
    const uint64_t offset = offset_of(next);
    if (next.source != &source || (offset > end && offset - end > source.hints.gap)) break;
    parts += offset > end ? 2 : 1;
    end = std::max(end, offset + next.extent);
    if (parts > kMaxParts || end - start > most) break;
  }
  return count;
}

size_t count_group(Span<const ReadTarget> targets) {
  size_t count = 1;
  if (targets[0].nbytes == 0) return count;
  while (count < targets.size() && in_group(targets[count]) && targets[count].member == targets[0].member)
    ++count;
  return count;
}

uint64_t total_of(Span<const ReadTarget> targets) {
  uint64_t total = 0;
  for (const ReadTarget &target : targets)
    total += target.nbytes;
  return total;
}

class BatchReader {
 public:
  BatchReader(Span<const ReadTarget> targets, const Settings &settings, CompleteCallback callback)
      : targets_(targets),
        settings_(settings),
        jobs_(settings.memory()),
        finished_(settings.memory()),
        completions_(settings.memory(), callback),
        total_(total_of(targets)),
        progress_(settings, total_) {}

  Status run() {
    const Workers workers = workers_of();
    TFILE_TRY(completions_.begin(targets_.size()));
    TFILE_TRY(plan(workers.count));
    TFILE_TRY(finished_.make(jobs_.size()));
    // Without callbacks, the user's executor gets all jobs in one call.
    const Notify notify = settings_.progress() || completions_.wanted() ? report : nullptr;
    TFILE_TRY(parallel_for(jobs_.size(), workers, run_job, this, notify));
    return completions_.deliver();
  }

 private:
  // Returns one worker if threads are not worthwhile or not allowed.
  Workers workers_of() const {
    size_t requests = 0;
    for (const ReadTarget &target : targets_) {
      if (!target.source->concurrent) return Workers();
      requests = std::max<size_t>(requests, target.source->hints.requests);
    }
    Workers workers = settings_.workers();
    if (requests == 0) return total_ < kMinParallel ? Workers() : workers;
    // Threads that wait for a server need no cores of their own.
    const bool chosen = workers.executor != nullptr || settings_.get(TF_OPTION_THREADS) != 0;
    workers.count = chosen ? std::min(workers.count, requests) : requests;
    return workers;
  }

  Status plan(size_t threads) {
    const uint64_t share = total_ / (threads * kPiecesPerThread);
    const uint64_t piece = std::clamp(share / kHugePage * kHugePage, kHugePage, kMaxPiece);
    for (size_t i = 0; i < targets_.size();) {
      const Span<const ReadTarget> rest = targets_.from(i);
      size_t count = 1;
      const size_t first_job = jobs_.size();
      switch (rest[0].kind) {
        case ReadKind::kNothing:
          completions_.add(rest[0].entry);
          break;
        case ReadKind::kSmall:
          count = count_neighbours(rest);
          TFILE_TRY(jobs_.push(ReadJob{JobKind::kTogether, rest.first(count), total_of(rest.first(count))}));
          break;
        case ReadKind::kRun:
          TFILE_TRY(cut(rest.first(1), piece));
          break;
        case ReadKind::kUnits:
          TFILE_TRY(jobs_.push(ReadJob{JobKind::kUnits, rest.first(1), rest[0].nbytes}));
          break;
        case ReadKind::kStream:
        case ReadKind::kBands:
          count = count_group(rest);
          TFILE_TRY(plan_group(rest.first(count), threads));
          break;
      }
      join_jobs(first_job);
      i += count;
    }
    return kOk;
  }

  // Notes that the jobs from this one on belong together.
  void join_jobs(size_t first_job) {
    for (size_t i = first_job; i < jobs_.size(); ++i) {
      jobs_[i].first_job = first_job;
      jobs_[i].jobs = jobs_.size() - first_job;
    }
  }

  // Cuts a run into pieces of whole units, which can be finished and cast independently.
  Status cut(Span<const ReadTarget> target, uint64_t piece) {
    const uint64_t unit = unit_of(target[0]);
    const uint64_t hint = std::min(target[0].source->hints.piece, kMaxPieceHint);
    const uint64_t nbytes = target[0].nbytes;
    piece = std::max((hint != 0 ? hint : piece) / unit, uint64_t{1}) * unit;
    uint64_t start = 0;
    do {
      ReadJob job{JobKind::kPiece, target, std::min(nbytes - start, piece)};
      job.start = start;
      TFILE_TRY(jobs_.push(job));
      start += piece;
    } while (start < nbytes);
    return kOk;
  }

  Status plan_group(Span<const ReadTarget> targets, size_t threads) {
    if (targets.size() > 1 || targets[0].kind == ReadKind::kBands) return plan_bands(targets);
    if (is_chunked(targets[0])) return plan_chunks(targets, threads);
    return jobs_.push(ReadJob{JobKind::kStream, targets, targets[0].nbytes});
  }

  Status plan_chunks(Span<const ReadTarget> target, size_t threads) {
    const Member &member = *target[0].member;
    const size_t together = ChunkInflater::together(member, threads);
    const uint64_t piece = member.chunk * together;
    for (uint64_t start = 0; start < member.nbytes; start += piece) {
      ReadJob job{JobKind::kChunks, target, std::min(member.nbytes - start, piece)};
      job.start = start;
      job.part = static_cast<size_t>(start / member.chunk);
      job.parts = static_cast<size_t>((job.nbytes + member.chunk - 1) / member.chunk);
      TFILE_TRY(jobs_.push(job));
    }
    return kOk;
  }

  Status plan_bands(Span<const ReadTarget> targets) {
    const MemberBands bands(targets);
    const size_t together = bands.in_order() ? bands.count() : 1;
    for (size_t band = 0; band < bands.count(); band += together) {
      ReadJob job{JobKind::kBands, targets, bands.in_order() ? total_of(targets) : bands.nbytes(band)};
      job.part = band;
      job.parts = together;
      if (job.nbytes > 0) TFILE_TRY(jobs_.push(job));
    }
    return kOk;
  }

  static Status run_job(void *context, size_t i) {
    auto &reader = *static_cast<BatchReader *>(context);
    ReadJob &job = reader.jobs_[i];
    TFILE_TRY(run_read_job(job, reader.settings_));
    reader.progress_.add(job.nbytes);
    const size_t finished = reader.finished_[job.first_job].fetch_add(1, std::memory_order_acq_rel) + 1;
    return finished == job.jobs ? reader.complete(job) : kOk;
  }

  // Called by the thread that does the last job of these targets.
  Status complete(const ReadJob &job) {
    TFILE_TRY(verify_sums(jobs_.span().from(job.first_job).first(job.jobs), settings_));
    for (const ReadTarget &target : job.targets)
      completions_.add(target.entry);
    return kOk;
  }

  static Status report(void *context) {
    auto &reader = *static_cast<BatchReader *>(context);
    TFILE_TRY(reader.progress_.report());
    return reader.completions_.deliver();
  }

  Span<const ReadTarget> targets_;
  const Settings &settings_;
  Vec<ReadJob> jobs_;
  Counters finished_;  // for the first job of each target: how many of its jobs are done
  Completions completions_;
  uint64_t total_;
  SharedProgress progress_;
};

}  // namespace

Status read_members(Vec<ReadTarget> &targets, const Settings &settings, CompleteCallback callback) {
  for (ReadTarget &target : targets) {
    TFILE_TRY(check_known(*target.source, *target.member));
    target.classify();
  }
  if (!std::is_sorted(targets.begin(), targets.end(), comes_before)) {
    std::sort(targets.begin(), targets.end(), comes_before);
  }
  return BatchReader(targets.span(), settings, callback).run();
}

}  // namespace tfile
