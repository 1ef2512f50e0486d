// Copies bytes from one file to another within the system.
#include "io/file.h"

#if !defined(_WIN32)

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include <algorithm>

// The packages support versions of glibc that have no function for it.
#if defined(__ANDROID__)
#define TENSORFILE_COPY_BY_NUMBER
#elif defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 27)
#define TENSORFILE_COPY
#else
#define TENSORFILE_COPY_BY_NUMBER
#endif
#elif defined(__linux__)
#define TENSORFILE_COPY
#endif
// Old headers of Linux do not have its number.
#if !defined(SYS_copy_file_range)
#undef TENSORFILE_COPY_BY_NUMBER
#endif

namespace tfile {

namespace {

constexpr uint64_t kMaxCopy = uint64_t{64} << 20;
// File systems share whole blocks, which are of this size or smaller on nearly all of them.
constexpr uint64_t kBlock = 4096;

#if defined(SEEK_DATA) && defined(SEEK_HOLE)
// Returns where the next data or hole of a file begins, or `otherwise` if the system does not know. There is always a
// hole at the end of a file.
uint64_t find_next(const File &file, uint64_t offset, int what, uint64_t otherwise) {
  const off_t found = lseek(file.descriptor, static_cast<off_t>(offset), what);
  if (found >= 0) return static_cast<uint64_t>(found);
  // No data follow, because the rest of the file is a hole or because the file ends before the offset.
  struct stat info {};
  const bool ends_in_hole = what == SEEK_DATA && errno == ENXIO && fstat(file.descriptor, &info) == 0 &&
                            static_cast<uint64_t>(info.st_size) > offset;
  return ends_in_hole ? static_cast<uint64_t>(info.st_size) : otherwise;
}

// Returns how many bytes from an offset of the system's file on are in a hole, or 0; then *data is the number of bytes
// before the next hole.
uint64_t hole_at(const File &file, uint64_t offset, uint64_t *data) {
  *data = UINT64_MAX;
  // The search would move the position of a descriptor that the caller shares.
  if (file.shares_position) return 0;
  const uint64_t next = find_next(file, offset, SEEK_DATA, offset);
  if (next > offset) return next - offset;
  *data = find_next(file, offset, SEEK_HOLE, UINT64_MAX) - offset;
  return 0;
}
#else
uint64_t hole_at(const File & /*file*/, uint64_t /*offset*/, uint64_t *data) {
  *data = UINT64_MAX;
  return 0;
}
#endif

// Returns 0 if the system cannot copy; what prevents it will be found by reading and writing.
uint64_t copy_in_kernel(const File &to, uint64_t at, const File &from, uint64_t offset, uint64_t nbytes) {
  auto in = static_cast<off_t>(offset);
  auto out = static_cast<off_t>(at);
  const auto size = static_cast<size_t>(nbytes);
#if defined(TENSORFILE_COPY_BY_NUMBER)
  const auto copied = syscall(SYS_copy_file_range, from.descriptor, &in, to.descriptor, &out, size, 0U);
#elif defined(TENSORFILE_COPY)
  const ssize_t copied = copy_file_range(from.descriptor, &in, to.descriptor, &out, size, 0);
#else
  constexpr ssize_t copied = 0;
  (void)in, (void)out, (void)size, (void)to, (void)from;
#endif
  return copied > 0 ? static_cast<uint64_t>(copied) : 0;
}

}  // namespace

Status copy_some(uint64_t *copied, const File &to, Text to_path, uint64_t at, const File &from, Text from_path,
                 uint64_t offset, uint64_t nbytes) {
  const uint64_t position = from.base + offset;
  uint64_t data = 0;
  const uint64_t hole = hole_at(from, position, &data);
  if (hole > 0) return *copied = std::min(nbytes, hole), kOk;
  nbytes = std::min(std::min(nbytes, data), kMaxCopy);
  // Blocks are shared if both files have them at the same distance from the start of a block, so what precedes the first
  // whole block, and what follows the last one, is copied separately.
  if (at % kBlock == position % kBlock && position % kBlock + nbytes > kBlock) {
    nbytes = position % kBlock != 0 ? kBlock - position % kBlock : nbytes / kBlock * kBlock;
  }
  *copied = copy_in_kernel(to, at, from, position, nbytes);
  return *copied > 0 ? kOk : copy_through_memory(copied, to, to_path, at, from, from_path, offset, nbytes);
}

}  // namespace tfile

#endif
