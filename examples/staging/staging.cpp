// Reads a file or a set of files into the memory of a device through a few staging buffers, and prints how long reading,
// copying and both at once take.
//
// usage: staging FILE [--cast DTYPE] [--buffers N] [--piece MIB] [--threads N] [--link GB/S]
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

#include "device.hpp"
#include "layout.hpp"
#include "pipeline.hpp"

namespace {

namespace tf = tensorfile;

// Set by Ctrl-C.
std::atomic<bool> cancel{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only set a lock-free atomic");

struct Settings {
  std::string path;
  tf::Dtype cast = tf::Dtype::as_stored;
  std::size_t buffers = 2;
  std::size_t piece = std::size_t{16} << 20U;
  std::int64_t threads = 0;  // all cores
  double link = 0;           // bytes per second
};

const char *const usage =
    "usage: staging FILE [--cast DTYPE] [--buffers N] [--piece MIB] [--threads N] [--link GB/S]\n";

double number(const std::string &text, double most) {
  std::size_t used = 0;
  const double value = std::stod(text, &used);
  if (used != text.size() || !(value > 0 && value <= most)) throw std::invalid_argument(text);
  return value;
}

// Throws std::invalid_argument or std::out_of_range.
Settings parse(int argc, char **argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.substr(0, 2) != "--") {
      if (!settings.path.empty()) throw std::invalid_argument(argv[i]);
      settings.path = word;
      continue;
    }
    if (++i == argc) throw std::invalid_argument(argv[i - 1]);
    const std::string value = argv[i];
    if (word == "--cast") {
      settings.cast = tf::dtype_from_name(value);
      if (settings.cast == tf::Dtype::unsupported) throw std::invalid_argument(value);
    } else if (word == "--buffers") {
      settings.buffers = static_cast<std::size_t>(number(value, 1000));
    } else if (word == "--piece") {
      settings.piece = static_cast<std::size_t>(number(value, 1024) * (1 << 20U));
    } else if (word == "--threads") {
      settings.threads = static_cast<std::int64_t>(number(value, 1000));
    } else if (word == "--link") {
      settings.link = number(value, 1e6) * 1e9;
    } else {
      throw std::invalid_argument(std::string(word));
    }
  }
  if (settings.path.empty()) throw std::invalid_argument("no file");
  return settings;
}

// Prints and returns the seconds that work takes. The time of the processor includes all threads.
template <typename Work>
double timed(const char *name, std::uint64_t nbytes, Work work) {
  const std::clock_t cpu = std::clock();
  const auto begin = std::chrono::steady_clock::now();
  work();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%-16s %8.3f s %7.2f GB/s %8.3f s CPU\n", name, seconds, static_cast<double>(nbytes) / seconds / 1e9,
              static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
  return seconds;
}

void measure(const Settings &settings) {
  const tf::File file(settings.path, tf::Options().set(tf::Option::threads, settings.threads));
  const staging::Layout layout(file, settings.piece, settings.cast);
  std::printf("%zu arrays, %.1f MB on the device, in %zu pieces; %zu buffers of %zu bytes\n", layout.arrays().size(),
              static_cast<double>(layout.nbytes()) / 1e6, layout.pieces().size(), settings.buffers, settings.piece);
  if (layout.nbytes() > SIZE_MAX) throw tf::Error(tf::Status::limit, "the arrays do not fit in memory");
  staging::MemoryDevice device(static_cast<std::size_t>(layout.nbytes()), settings.link);
  staging::Pipeline pipeline(file, layout, settings.buffers, cancel);
  pipeline.read_only();  // so that the file is in the page cache
  const double reading = timed("reading alone", layout.nbytes(), [&] { pipeline.read_only(); });
  const double copying = timed("copying alone", layout.nbytes(), [&] { pipeline.copy_only(device); });
  std::printf("%-16s %8.3f s\n", "sum", reading + copying);
  const double both = timed("overlapped", layout.nbytes(), [&] { pipeline.run(device); });
  std::printf("overlapped takes %.2f of the sum\n", both / (reading + copying));
}

}  // namespace

int main(int argc, char **argv) {
  Settings settings;
  try {
    settings = parse(argc, argv);
  } catch (const std::logic_error &error) {
    std::fprintf(stderr, "staging: invalid argument: %s\n%s", error.what(), usage);
    return 2;
  }
  std::signal(SIGINT, [](int) { cancel = true; });
  try {
    measure(settings);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "staging: %s\n", error.what());
    return 1;
  }
  return 0;
}
