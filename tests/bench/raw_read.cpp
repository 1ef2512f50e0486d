// Reads the same bytes as a load, in pieces, on several threads, and into the same kind of memory, but does nothing
// else.
//
//   raw_read PATH COUNT BYTES THREADS huge|small    seconds of allocating COUNT arrays of BYTES and filling them
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kPiece = size_t{8} << 20;

char *take(size_t bytes, bool huge) {
  void *data = nullptr;
  if (posix_memalign(&data, huge ? kHugePage : 64, bytes) != 0) std::exit(1);
  if (huge) (void)madvise(data, bytes, MADV_HUGEPAGE);
  return static_cast<char *>(data);
}

void read_all(int file, char *to, size_t bytes, size_t from) {
  while (bytes > 0) {
    const ssize_t got = pread(file, to, bytes, static_cast<off_t>(from));
    if (got <= 0) std::exit(1);
    to += got;
    from += static_cast<size_t>(got);
    bytes -= static_cast<size_t>(got);
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: raw_read PATH COUNT BYTES THREADS huge|small\n");
    return 2;
  }
  const auto count = static_cast<size_t>(std::atoll(argv[2]));
  const auto bytes = static_cast<size_t>(std::atoll(argv[3]));
  const auto threads = static_cast<size_t>(std::atoll(argv[4]));
  const bool huge = std::strcmp(argv[5], "huge") == 0;
  const auto begin = std::chrono::steady_clock::now();
  const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (file < 0 || fstat(file, &info) != 0) return 1;
  const size_t start = static_cast<size_t>(info.st_size) - count * bytes;
  std::vector<char *> arrays(count);
  for (char *&array : arrays)
    array = take(bytes, huge);
  const size_t pieces = (bytes + kPiece - 1) / kPiece;
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t i = next++; i < count * pieces; i = next++) {
      const size_t array = i / pieces;
      const size_t at = i % pieces * kPiece;
      const size_t size = bytes - at < kPiece ? bytes - at : kPiece;
      read_all(file, arrays[array] + at, size, start + array * bytes + at);
    }
  };
  std::vector<std::thread> team;
  for (size_t i = 1; i < threads; ++i)
    team.emplace_back(work);
  work();
  for (std::thread &thread : team)
    thread.join();
  std::printf("%.9f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return 0;
}
