// Counts the system calls of the library and makes chosen ones fail. The program is linked with --wrap for each.
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
  kFlags,
  kAdvise,
  kRandom,
  kThread,
  kCopy,
  kOpenList,
  kList,
  kCloseList,
  kSeek,
  kUnmap,
  kProcessors,
  kCalls
};
inline constexpr const char *kCallNames[kCalls] = {
    "malloc",    "open",    "read",     "write",     "fsync",      "rename",           "mmap",
    "fallocate", "close",   "stat",     "ftruncate", "unlink",     "fchmod",           "readlink",
    "faccessat", "dup",     "getfl",    "madvise",   "getentropy", "pthread_create",   "copy_file_range",
    "fdopendir", "readdir", "closedir", "lseek",     "munmap",     "sched_getaffinity"};

// Which calls fail, and how.
struct Fault {
  Call call = kCalls;
  int64_t at = 0;        // the number of the first call that fails, counted from 1
  bool lasting = false;  // true: all later calls fail, too
  int error = 0;         // errno; with 0 the call transfers half of the bytes, rounded down for reads and up for writes
  bool kills = false;    // true: kills the process before the call
  // Called before the call, which then does not fail. The calls that it makes are not counted.
  void (*action)(void *context) = nullptr;
  void *context = nullptr;
};

// Between arm() and disarm() the calls of all threads are counted, and fail as `fault` says.
void arm(const Fault &fault = Fault());
void disarm();
// True if a call has failed, or the action was called, since arm().
bool has_failed();
// Returns the number of bytes that reads have returned since arm().
int64_t bytes_read();
// Returns the number of blocks of the default allocator that are not freed.
int64_t live_blocks();

}  // namespace tfile::faults
