// Maps a file, reads a byte of each of its pages, and does nothing else. Prints the seconds.
//
//   raw_map PATH plain             a shared mapping that can only be read
//   raw_map PATH populate          the same with MAP_POPULATE
//   raw_map PATH private-populate  a private mapping that can be written to, as the library's, with MAP_POPULATE
//   raw_map PATH private-advise    the same with MADV_POPULATE_READ instead, which does not copy the pages
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

struct Mode {
  const char *name;
  int protection;
  int flags;
  bool advise;
};

constexpr Mode kModes[] = {
    {"plain", PROT_READ, MAP_SHARED, false},
    {"populate", PROT_READ, MAP_SHARED | MAP_POPULATE, false},
    {"private-populate", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, false},
    {"private-advise", PROT_READ | PROT_WRITE, MAP_PRIVATE, true},
};

const Mode *find_mode(const char *name) {
  for (const Mode &mode : kModes) {
    if (std::strcmp(mode.name, name) == 0) return &mode;
  }
  return nullptr;
}

// Volatile, so that the compiler keeps the reads.
uint64_t read_pages(const volatile unsigned char *data, size_t size) {
  constexpr size_t kPage = 4096;
  uint64_t sum = 0;
  for (size_t at = 0; at < size; at += kPage)
    sum += data[at];
  return sum;
}

}  // namespace

int main(int argc, char **argv) {
  const Mode *const mode = argc == 3 ? find_mode(argv[2]) : nullptr;
  if (mode == nullptr) {
    std::fprintf(stderr, "usage: raw_map PATH plain|populate|private-populate|private-advise\n");
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (file < 0 || fstat(file, &info) != 0) return 1;
  const auto size = static_cast<size_t>(info.st_size);
  void *const data = mmap(nullptr, size, mode->protection, mode->flags, file, 0);
  if (data == MAP_FAILED || (mode->advise && madvise(data, size, MADV_POPULATE_READ) != 0)) return 1;
  const uint64_t sum = read_pages(static_cast<const volatile unsigned char *>(data), size);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (sum == 0) std::fprintf(stderr, "raw_map: all pages are zeros\n");
  std::printf("%.9f\n", seconds);
  return 0;
}
