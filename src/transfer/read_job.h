// ReadJob: what one thread reads at a time.
#pragma once

#include "base/options.h"
#include "transfer/read_bands.h"

namespace tfile {

enum class JobKind : uint8_t {
  kTogether,  // neighbouring small targets, in one read
  kPiece,     // a piece of a run
  kStream,    // a whole member, from its first byte to its last
  kChunks,    // consecutive chunks of a compressed member
  kBands,     // bands of the targets of one member
  kUnits,     // a slice of a packed or block type
};

struct ReadJob {
  JobKind kind;
  Span<const ReadTarget> targets;
  uint64_t nbytes = 0;   // bytes of elements in the job, for progress
  uint64_t start = 0;    // kPiece, kChunks: offset of the first byte in the run or the member
  size_t part = 0;       // kChunks, kBands: the first of them
  size_t parts = 0;      // kChunks, kBands: their number
  size_t first_job = 0;  // the first job of these targets; its jobs are consecutive
  size_t jobs = 1;       // number of jobs of these targets
  uint32_t crc = 0;      // of the bytes of a piece, or of chunks
  uint32_t head = 0;     // for the first chunk: checksum of the header before it
  bool good = true;      // false if the chunks do not agree with the chunk table

  const ReadTarget &target() const { return targets[0]; }
};

// True if several threads can inflate the member of a whole target, each some of its chunks.
inline bool is_chunked(const ReadTarget &target) {
  return target.kind == ReadKind::kStream && !target.member->chunks.empty() && !target.member->fortran;
}

// True if one read can fill the target and others.
inline bool is_small(const ReadTarget &target) {
  return target.kind == ReadKind::kSmall;
}

// Returns the number of bytes of which a piece of a run must be a multiple.
uint64_t unit_of(const ReadTarget &target);

// Does a job. Checksums of single pieces and chunks are left for verify_sums().
Status run_read_job(ReadJob &job, const Settings &settings);

// Joins the checksums of the jobs of one target, and verifies them.
Status verify_sums(Span<const ReadJob> jobs, const Settings &settings);

}  // namespace tfile
