#include "faults/interpose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>

namespace tfile::faults {

namespace {

std::atomic<bool> armed{false};
std::atomic<bool> failed{false};
std::atomic<int64_t> counts[kCalls];
std::atomic<int64_t> blocks{0};
std::atomic<int64_t> read_bytes{0};
Fault plan;

// Counts the call. Returns true, with errno set, if it must fail.
bool should_fail(Call call) {
  if (!armed) return false;
  const int64_t count = ++counts[call];
  if (call != plan.call || count < plan.at || (count > plan.at && !plan.lasting)) return false;
  if (plan.kills) (void)kill(getpid(), SIGKILL);
  failed = true;
  if (plan.action != nullptr) {
    armed = false;
    plan.action(plan.context);
    armed = true;
    return false;
  }
  errno = plan.error;
  return true;
}

// Counts the bytes that a read returned.
ssize_t count_read(ssize_t nbytes) {
  if (armed && nbytes > 0) read_bytes += nbytes;
  return nbytes;
}

bool is_short() {
  return plan.error == 0;
}

}  // namespace

void arm(const Fault &fault) {
  plan = fault;
  failed = false;
  for (auto &count : counts)
    count = 0;
  read_bytes = 0;
  armed = true;
}
void disarm() {
  armed = false;
}
bool has_failed() {
  return failed;
}
int64_t bytes_read() {
  return read_bytes;
}
int64_t live_blocks() {
  return blocks;
}

}  // namespace tfile::faults

using namespace tfile::faults;

// NOLINTBEGIN: the linker prescribes these names
extern "C" {

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size) {
  if (should_fail(kMalloc)) return nullptr;
  void *const pointer = __real_malloc(size);
  if (pointer != nullptr) ++blocks;
  return pointer;
}

int __real_posix_memalign(void **out, size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size) {
  if (should_fail(kMalloc)) return ENOMEM;
  const int error = __real_posix_memalign(out, alignment, size);
  if (error == 0) ++blocks;
  return error;
}

void __real_free(void *pointer);
void __wrap_free(void *pointer) {
  if (pointer != nullptr) --blocks;
  __real_free(pointer);
}

int __real_openat64(int folder, const char *path, int flags, mode_t mode);
int __wrap_openat64(int folder, const char *path, int flags, mode_t mode) {
  return should_fail(kOpen) ? -1 : __real_openat64(folder, path, flags, mode);
}

ssize_t __real_pread64(int file, void *to, size_t nbytes, off_t offset);
ssize_t __wrap_pread64(int file, void *to, size_t nbytes, off_t offset) {
  if (!should_fail(kRead)) return count_read(__real_pread64(file, to, nbytes, offset));
  return is_short() ? __real_pread64(file, to, nbytes / 2, offset) : -1;
}

ssize_t __real_preadv64(int file, const iovec *parts, int count, off_t offset);
ssize_t __wrap_preadv64(int file, const iovec *parts, int count, off_t offset) {
  if (!should_fail(kRead)) return count_read(__real_preadv64(file, parts, count, offset));
  return is_short() ? __real_pread64(file, parts->iov_base, parts->iov_len / 2, offset) : -1;
}

ssize_t __real_pwrite64(int file, const void *from, size_t nbytes, off_t offset);
ssize_t __wrap_pwrite64(int file, const void *from, size_t nbytes, off_t offset) {
  if (!should_fail(kWrite)) return __real_pwrite64(file, from, nbytes, offset);
  return is_short() ? __real_pwrite64(file, from, (nbytes + 1) / 2, offset) : -1;
}

ssize_t __real_pwritev64(int file, const iovec *pieces, int count, off_t offset);
ssize_t __wrap_pwritev64(int file, const iovec *pieces, int count, off_t offset) {
  if (!should_fail(kWrite)) return __real_pwritev64(file, pieces, count, offset);
  return is_short() ? __real_pwrite64(file, pieces->iov_base, (pieces->iov_len + 1) / 2, offset) : -1;
}

ssize_t __real_copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t nbytes, unsigned flags);
ssize_t __wrap_copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t nbytes, unsigned flags) {
  if (!should_fail(kCopy)) return __real_copy_file_range(from, from_offset, to, to_offset, nbytes, flags);
  return is_short() ? __real_copy_file_range(from, from_offset, to, to_offset, (nbytes + 1) / 2, flags) : -1;
}

int __real_fsync(int file);
int __wrap_fsync(int file) {
  return should_fail(kSync) ? -1 : __real_fsync(file);
}

int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to) {
  return should_fail(kRename) ? -1 : __real_renameat(from_folder, from, to_folder, to);
}

void *__real_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_mmap64(void *address, size_t size, int protection, int flags, int file, off_t offset) {
  return should_fail(kMap) ? MAP_FAILED : __real_mmap64(address, size, protection, flags, file, offset);
}

int __real_fallocate64(int file, int mode, off_t offset, off_t size);
int __wrap_fallocate64(int file, int mode, off_t offset, off_t size) {
  return should_fail(kReserve) ? -1 : __real_fallocate64(file, mode, offset, size);
}

// Closes the descriptor even if the call fails, as Linux does.
int __real_close(int file);
int __wrap_close(int file) {
  const bool fails = should_fail(kClose);
  const int error = errno;
  const int result = __real_close(file);
  if (!fails) return result;
  errno = error;
  return -1;
}

int __real_fstat64(int file, struct stat *out);
int __wrap_fstat64(int file, struct stat *out) {
  return should_fail(kStat) ? -1 : __real_fstat64(file, out);
}

int __real_fstatat64(int folder, const char *path, struct stat *out, int flags);
int __wrap_fstatat64(int folder, const char *path, struct stat *out, int flags) {
  return should_fail(kStat) ? -1 : __real_fstatat64(folder, path, out, flags);
}

int __real_stat64(const char *path, struct stat *out);
int __wrap_stat64(const char *path, struct stat *out) {
  return should_fail(kStat) ? -1 : __real_stat64(path, out);
}

ssize_t __real_readlinkat(int folder, const char *path, char *to, size_t size);
ssize_t __wrap_readlinkat(int folder, const char *path, char *to, size_t size) {
  return should_fail(kLink) ? -1 : __real_readlinkat(folder, path, to, size);
}

int __real_faccessat(int folder, const char *path, int mode, int flags);
int __wrap_faccessat(int folder, const char *path, int mode, int flags) {
  return should_fail(kAccess) ? -1 : __real_faccessat(folder, path, mode, flags);
}

DIR *__real_fdopendir(int folder);
DIR *__wrap_fdopendir(int folder) {
  return should_fail(kOpenList) ? nullptr : __real_fdopendir(folder);
}

dirent *__real_readdir64(DIR *folder);
dirent *__wrap_readdir64(DIR *folder) {
  return should_fail(kList) ? nullptr : __real_readdir64(folder);
}

int __real_closedir(DIR *folder);
int __wrap_closedir(DIR *folder) {
  const bool fails = should_fail(kCloseList);
  const int result = __real_closedir(folder);
  return fails ? -1 : result;
}

off_t __real_lseek64(int file, off_t offset, int from);
off_t __wrap_lseek64(int file, off_t offset, int from) {
  return should_fail(kSeek) ? -1 : __real_lseek64(file, offset, from);
}

int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size) {
  const bool fails = should_fail(kUnmap);
  const int result = __real_munmap(address, size);
  return fails ? -1 : result;
}

int __real_sched_getaffinity(pid_t process, size_t size, cpu_set_t *out);
int __wrap_sched_getaffinity(pid_t process, size_t size, cpu_set_t *out) {
  return should_fail(kProcessors) ? -1 : __real_sched_getaffinity(process, size, out);
}

int __real_fcntl64(int file, int command, ...);
int __wrap_fcntl64(int file, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const int argument = command == F_GETFL ? 0 : va_arg(arguments, int);
  va_end(arguments);
  if (command == F_DUPFD_CLOEXEC && should_fail(kDuplicate)) return -1;
  if (command == F_GETFL && should_fail(kFlags)) return -1;
  return __real_fcntl64(file, command, argument);
}

int __real_madvise(void *address, size_t size, int advice);
int __wrap_madvise(void *address, size_t size, int advice) {
  return should_fail(kAdvise) ? -1 : __real_madvise(address, size, advice);
}

int __real_getentropy(void *to, size_t size);
int __wrap_getentropy(void *to, size_t size) {
  return should_fail(kRandom) ? -1 : __real_getentropy(to, size);
}

int __real_ftruncate64(int file, off_t size);
int __wrap_ftruncate64(int file, off_t size) {
  return should_fail(kTruncate) ? -1 : __real_ftruncate64(file, size);
}

int __real_unlinkat(int folder, const char *path, int flags);
int __wrap_unlinkat(int folder, const char *path, int flags) {
  return should_fail(kUnlink) ? -1 : __real_unlinkat(folder, path, flags);
}

int __real_fchown(int file, uid_t owner, gid_t group);
int __wrap_fchown(int file, uid_t owner, gid_t group) {
  return should_fail(kMode) ? -1 : __real_fchown(file, owner, group);
}

int __real_fchmod(int file, mode_t mode);
int __wrap_fchmod(int file, mode_t mode) {
  return should_fail(kMode) ? -1 : __real_fchmod(file, mode);
}

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
  return should_fail(kThread) ? EAGAIN : __real_pthread_create(out, attributes, run, argument);
}
}
// NOLINTEND
