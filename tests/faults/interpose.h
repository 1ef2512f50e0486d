// Calls of the library to the system, counted, and failed when a test says so. The program is linked with --wrap for each.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tfile::faults {

enum Call : int {
  kMalloc,
  kOpen,
  kRead,
  kWrite,
  kSync,
  kRename,
  kMap,
  kReserve,
  kClose,
  kStat,
  kTruncate,
  kUnlink,
  kMode,
  kLink,
  kAccess,
  kDuplicate,
  kAdvise,
  kRandom,
  kThread,
  kCalls
};
inline constexpr const char *kCallNames[kCalls] = {"malloc",    "open",    "read",       "write",         "fsync",
                                                   "rename",    "mmap",    "fallocate",  "close",         "stat",
                                                   "ftruncate", "unlink",  "fchmod",     "readlink",      "faccessat",
                                                   "fcntl",     "madvise", "getentropy", "pthread_create"};

// What becomes of a call.
struct Fault {
  Call call = kCalls;
  int64_t at = 0;        // the first to fail, counted from 1
  bool lasting = false;  // all that follow too
  int error = 0;         // errno; 0: the call moves half of the bytes, or none where it moves 1
  bool kills = false;    // the process is killed before the call is made
};

// Between arm() and disarm() calls of all threads are counted, and fail as told.
void arm(const Fault &fault = Fault());
void disarm();
int64_t count_of(Call call);
// Whether the fault has struck.
bool has_failed();
// Bytes that reads have given since arm().
int64_t bytes_read();
// Blocks of memory that the library holds from the default allocator.
int64_t live_blocks();

}  // namespace tfile::faults
