// Times the pipeline of examples/staging and what it is compared with, each in a fresh process. Prints the seconds, the
// processor seconds of all threads, and the largest memory of the process in bytes.
//
//   staging_bench PATH load THREADS    tf_load
//   staging_bench PATH plain           reads the file into memory of its own, and does nothing else
//   staging_bench PATH read THREADS    reads all pieces into the staging buffers
//   staging_bench PATH copy THREADS    copies as many bytes from the staging buffers to the device
//   staging_bench PATH both THREADS [LINK]
//                                      does both at once; LINK is the speed of the device's link in GB/s
#include <sys/mman.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "device.hpp"
#include "layout.hpp"
#include "pipeline.hpp"

namespace {

namespace tf = tensorfile;

constexpr std::size_t kPiece = std::size_t{16} << 20U;
constexpr std::size_t kBuffers = 2;

double processor_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

// The largest memory of the process in bytes. getrusage() would count what the process that started this one had.
unsigned long long largest_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
  }
  throw std::runtime_error("/proc/self/status has no VmHWM");
}

// The memory of the device would not be memory of the process, so it is not counted.
template <typename Work>
void timed(std::uint64_t on_device, Work work) {
  const double cpu = processor_seconds();
  const auto begin = std::chrono::steady_clock::now();
  work();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double used = processor_seconds() - cpu;
  std::printf("%.9f %.9f %llu\n", seconds, used, largest_memory() - static_cast<unsigned long long>(on_device));
}

// In huge pages, as tf_load() uses them.
void plain(const char *path) {
  timed(0, [path] {
    std::FILE *const file = std::fopen(path, "rb");
    if (file == nullptr || std::fseek(file, 0, SEEK_END) != 0) throw std::runtime_error("cannot open the file");
    const auto size = static_cast<std::size_t>(std::ftell(file));
    std::rewind(file);
    std::setbuf(file, nullptr);
    constexpr std::size_t huge = std::size_t{2} << 20U;
    void *const memory = std::aligned_alloc(huge, (size + huge - 1) / huge * huge);
    if (memory == nullptr) throw std::bad_alloc();
    (void)madvise(memory, size, MADV_HUGEPAGE);
    if (std::fread(memory, 1, size, file) != size) throw std::runtime_error("cannot read the file");
    std::fclose(file);
  });
}

void stream(const std::string &what, const char *path, const tf::Options &options, double link) {
  const std::atomic<bool> never{false};
  const tf::File first(path, options);
  const auto nbytes = static_cast<std::size_t>(staging::Layout(first, kPiece).nbytes());
  staging::MemoryDevice device(what == "read" ? 0 : nbytes, link * 1e9);
  if (what == "copy") {
    const staging::Layout layout(first, kPiece);
    staging::Pipeline pipeline(first, layout, kBuffers, never);
    return timed(nbytes, [&] { pipeline.copy_only(device); });
  }
  timed(what == "read" ? 0 : nbytes, [&] {
    const tf::File file(path, options);
    const staging::Layout layout(file, kPiece);
    staging::Pipeline pipeline(file, layout, kBuffers, never);
    what == "read" ? pipeline.read_only() : pipeline.run(device);
  });
}

int usage() {
  std::fprintf(stderr, "usage: staging_bench PATH load|plain|read|copy|both [THREADS] [LINK]\n");
  return 2;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 3) return usage();
  const std::string what = argv[2];
  try {
    const tf::Options options = tf::Options().set(tf::Option::threads, argc > 3 ? std::atoi(argv[3]) : 0);
    if (what == "load") {
      tf::Loaded loaded;  // released after the measurement
      timed(0, [&] { loaded = tf::load(argv[1], options); });
    } else if (what == "plain") {
      plain(argv[1]);
    } else if (what == "read" || what == "copy" || what == "both") {
      stream(what, argv[1], options, argc > 4 ? std::atof(argv[4]) : 0);
    } else {
      return usage();
    }
  } catch (const std::exception &error) {
    std::fprintf(stderr, "staging_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
