// Times opening and loading through the C ABI in a fresh process.
//
//   load_bench load PATH [THREADS]    seconds of tf_load
//   load_bench list PATH [TIMES]      seconds of opening, and of getting the name, dtype, shape and size of all arrays
//   load_bench open PATH TIMES        seconds of opening, one line for each time
//   load_bench map PATH TIMES         seconds of tf_load in map mode, one line for each time
//   load_bench touch PATH             seconds of tf_load in map mode, and of reading a byte of each page
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tensorfile.h"

namespace {

using Clock = std::chrono::steady_clock;

void check(tf_status status) {
  if (status == TF_STATUS_OK) return;
  std::fprintf(stderr, "load_bench: %s: %s\n", tf_status_name(status), tf_error_message());
  std::exit(1);
}

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

tf_options *options_with(tf_option option, int64_t value) {
  tf_options *options = nullptr;
  check(tf_options_new(&options));
  check(tf_options_set(options, option, value));
  return options;
}

double load(const char *path, const tf_options *options) {
  tf_array *array = nullptr;
  tf_dict *arrays = nullptr;
  const auto begin = Clock::now();
  check(tf_load(&array, &arrays, nullptr, path, options));
  const double seconds = seconds_since(begin);
  tf_array_release(array);
  tf_dict_release(arrays);
  return seconds;
}

// Volatile, so that the compiler keeps the reads.
uint64_t read_pages(const tf_array *array) {
  constexpr uint64_t kPage = 4096;
  const auto *const data = static_cast<const volatile unsigned char *>(tf_array_data(array));
  uint64_t sum = 0;
  for (uint64_t at = 0; at < tf_array_nbytes(array); at += kPage)
    sum += data[at];
  return sum;
}

double touch(const char *path) {
  tf_dict *arrays = nullptr;
  const tf_options *const options = options_with(TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP);
  const auto begin = Clock::now();
  check(tf_load(nullptr, &arrays, nullptr, path, options));
  uint64_t sum = 0;
  for (size_t i = 0; i < tf_dict_size(arrays); ++i) {
    tf_array *array = nullptr;
    check(tf_dict_array_at(&array, arrays, i));
    sum += read_pages(array);
    tf_array_release(array);
  }
  const double seconds = seconds_since(begin);
  if (sum == 0) std::fprintf(stderr, "load_bench: all pages are zeros\n");
  tf_dict_release(arrays);
  return seconds;
}

double open(const char *path) {
  tf_file *file = nullptr;
  const auto begin = Clock::now();
  check(tf_file_open(&file, path, nullptr));
  const double seconds = seconds_since(begin);
  tf_file_release(file);
  return seconds;
}

double list(const char *path) {
  tf_file *file = nullptr;
  const auto begin = Clock::now();
  check(tf_file_open(&file, path, nullptr));
  uint64_t sum = 0;
  for (size_t i = 0; i < tf_file_count(file); ++i) {
    const char *name = nullptr;
    check(tf_file_name(&name, nullptr, file, i));
    sum += static_cast<uint64_t>(name[0]) + static_cast<uint64_t>(tf_file_dtype(file, i)) + tf_file_nbytes(file, i);
    const int64_t *const shape = tf_file_shape(file, i);
    for (size_t axis = 0; axis < tf_file_ndim(file, i); ++axis)
      sum += static_cast<uint64_t>(shape[axis]);
  }
  const double seconds = seconds_since(begin);
  if (sum == 0) std::fprintf(stderr, "load_bench: no arrays\n");
  tf_file_release(file);
  return seconds;
}

int usage() {
  std::fprintf(stderr, "usage: load_bench load|list|open|map|touch PATH [NUMBER]\n");
  return 2;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 3) return usage();
  const char *const path = argv[2];
  const int number = argc > 3 ? std::atoi(argv[3]) : 0;
  if (std::strcmp(argv[1], "load") == 0) {
    std::printf("%.9f\n", load(path, options_with(TF_OPTION_THREADS, number)));
  } else if (std::strcmp(argv[1], "list") == 0) {
    for (int i = 0; i < std::max(number, 1); ++i)
      std::printf("%.9f\n", list(path));
  } else if (std::strcmp(argv[1], "open") == 0) {
    for (int i = 0; i < number; ++i)
      std::printf("%.9f\n", open(path));
  } else if (std::strcmp(argv[1], "map") == 0) {
    for (int i = 0; i < number; ++i)
      std::printf("%.9f\n", load(path, options_with(TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP)));
  } else if (std::strcmp(argv[1], "touch") == 0) {
    std::printf("%.9f\n", touch(path));
  } else {
    return usage();
  }
  return 0;
}
