// Maps a file, reads a byte of each of its pages, and does nothing else. Prints the seconds.
//
//   raw_map PATH plain|populate    populate: with MAP_POPULATE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

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
  if (argc != 3) {
    std::fprintf(stderr, "usage: raw_map PATH plain|populate\n");
    return 2;
  }
  const int flags = std::strcmp(argv[2], "populate") == 0 ? MAP_SHARED | MAP_POPULATE : MAP_SHARED;
  const auto begin = std::chrono::steady_clock::now();
  const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (file < 0 || fstat(file, &info) != 0) return 1;
  const auto size = static_cast<size_t>(info.st_size);
  void *const data = mmap(nullptr, size, PROT_READ, flags, file, 0);
  if (data == MAP_FAILED) return 1;
  const uint64_t sum = read_pages(static_cast<const volatile unsigned char *>(data), size);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (sum == 0) std::fprintf(stderr, "raw_map: all pages are zeros\n");
  std::printf("%.9f\n", seconds);
  return 0;
}
