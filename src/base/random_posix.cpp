#include "base/random.h"

#if !defined(_WIN32)

#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#elif defined(__GLIBC__)
#if !__GLIBC_PREREQ(2, 25)
#include <sys/syscall.h>
#define TENSORFILE_RANDOM_BY_NUMBER
#endif
#endif

#include <cstdint>
#include <cstring>

namespace tfile {

namespace {

// Fills at most 256 bytes. Returns false if the system cannot.
bool fill_from_system(void *to, size_t size) {
#if defined(TENSORFILE_RANDOM_BY_NUMBER)
  // The packages support versions of glibc that have no function for it.
  return syscall(SYS_getrandom, to, size, 0) == static_cast<long>(size);
#else
  return getentropy(to, size) == 0;
#endif
}

}  // namespace

void fill_random(void *to, size_t size) {
  if (fill_from_system(to, size)) return;
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t mixed = static_cast<uint64_t>(now.tv_nsec) * 0x9E3779B97F4A7C15u ^ reinterpret_cast<uintptr_t>(&now);
  auto *bytes = static_cast<unsigned char *>(to);
  for (size_t i = 0; i < size; ++i) {
    mixed = (mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9u;
    bytes[i] = static_cast<unsigned char>(mixed >> 56);
  }
}

}  // namespace tfile

#endif
