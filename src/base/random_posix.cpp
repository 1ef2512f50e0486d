#include "base/random.h"

#if !defined(_WIN32)

#include <time.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include <cstdint>
#include <cstring>

namespace tfile {

void fill_random(void *to, size_t size) {
  if (getentropy(to, size) == 0) return;
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
