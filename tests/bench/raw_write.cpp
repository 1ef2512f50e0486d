// Writes bytes from memory to a new file as fast as the system allows, as a limit for the speed of saving.
//
//   raw_write PATH BYTES THREADS    seconds from opening to closing, with preallocated space
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

constexpr size_t kPiece = size_t{8} << 20;

void fail(const char *what) {
  std::perror(what);
  std::exit(1);
}

void write_share(int file, const char *from, size_t size, size_t first, size_t step) {
  for (size_t at = first * kPiece; at < size; at += step * kPiece) {
    for (size_t done = 0, count = std::min(kPiece, size - at); done < count;) {
      const ssize_t put = pwrite(file, from + at + done, count - done, static_cast<off_t>(at + done));
      if (put <= 0) fail("pwrite");
      done += static_cast<size_t>(put);
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: raw_write PATH BYTES THREADS\n");
    return 2;
  }
  const size_t size = std::strtoull(argv[2], nullptr, 10);
  const size_t threads = std::strtoull(argv[3], nullptr, 10);
  void *const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) fail("mmap");
  (void)madvise(data, size, MADV_HUGEPAGE);
  std::memset(data, 'x', size);
  (void)unlink(argv[1]);
  const auto begin = std::chrono::steady_clock::now();
  const int file = open(argv[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) fail("open");
  (void)fallocate(file, 0, 0, static_cast<off_t>(size));
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads; ++i)
    others.emplace_back(write_share, file, static_cast<const char *>(data), size, i, threads);
  write_share(file, static_cast<const char *>(data), size, 0, threads);
  for (std::thread &other : others)
    other.join();
  if (close(file) != 0) fail("close");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.9f\n", took.count());
  return 0;
}
