// Times casts between float32 and each block type and 16-bit float, and memcpy, for quant.py to make a table of.
//
// usage: quant_bench [REPEATS]
//
// Prints a line for each type: its name, then the speed of decoding, of memcpy between the repeats of decoding, and of
// encoding, in GB/s of float32. Speeds are medians of the repeats, and 0 if there is no such cast.
#include <tensorfile.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <random>
#include <vector>

namespace {

constexpr int64_t kDecoded = int64_t{16} << 20;  // elements: 64 MiB of float32, more than fits into caches
constexpr int64_t kEncoded = int64_t{1} << 20;   // fewer, because encoding takes up to a minute for 1 GB

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "quant_bench: %s: %s\n", what, tf_error_message());
  std::exit(1);
}
void check(tf_status status, const char *what) {
  if (status != TF_STATUS_OK) fail(what);
}

// Reuses freed memory, so that only the first repeat waits for the system to provide and clear pages.
class Pool {
 public:
  static void *alloc(void *context, size_t size, size_t alignment) {
    Pool &pool = *static_cast<Pool *>(context);
    const auto kept = pool.free_.find(size);
    void *memory = nullptr;
    if (kept != pool.free_.end()) {
      memory = kept->second;
      pool.free_.erase(kept);
    } else {
      const size_t step = std::max<size_t>(alignment, 64);
      memory = std::aligned_alloc(step, (size + step - 1) / step * step);
    }
    return memory;
  }
  static void free(void *context, void *memory, size_t size, size_t) {
    static_cast<Pool *>(context)->free_.emplace(size, memory);
  }
  ~Pool() {
    for (const auto &[size, memory] : free_)
      std::free(memory);
  }

 private:
  std::multimap<size_t, void *> free_;
};

using Array = tensorfile::Array;

Array wrap(tf_dtype dtype, int64_t size, const void *data, size_t nbytes) {
  tf_array *array = nullptr;
  check(tf_array_wrap(&array, dtype, &size, 1, nullptr, const_cast<void *>(data), nbytes, 0, nullptr, nullptr), "wrap");
  return Array(array);
}

// Returns the CPU time of this process, which other load on the machine affects little.
template <typename Work>
double seconds(Work work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::max<std::clock_t>(std::clock() - begin, 1)) / CLOCKS_PER_SEC;
}

// Returns the median speed in GB/s of float32.
double rate(std::vector<double> times, int64_t elements) {
  std::sort(times.begin(), times.end());
  return times.empty() ? 0 : static_cast<double>(elements) * 4e-9 / times[times.size() / 2];
}

class Bench {
 public:
  explicit Bench(int repeats) : repeats_(repeats), values_(kEncoded), from_(kDecoded), to_(kDecoded) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (float &value : values_)
      value = normal(random);
    check(tf_options_new(&options_), "options");
    check(tf_options_set(options_, TF_OPTION_THREADS, 1), "threads");
    check(tf_options_set_allocator(options_, Pool::alloc, Pool::free, nullptr, &pool_), "allocator");
  }
  Bench(const Bench &) = delete;
  Bench &operator=(const Bench &) = delete;
  ~Bench() { tf_options_release(options_); }

  void run(tf_dtype dtype) {
    const Array floats = wrap(TF_DTYPE_FLOAT32, kEncoded, values_.data(), values_.size() * sizeof(float));
    std::vector<double> encode;
    for (int i = 0; i < repeats_ && can_cast(*floats.get(), dtype); ++i)
      encode.push_back(cast(*floats.get(), dtype));
    const std::vector<unsigned char> bytes = sample_of(dtype, *floats.get());
    const Array stored = wrap(dtype, kDecoded, bytes.data(), bytes.size());
    std::vector<double> copy;
    std::vector<double> decode;
    for (int i = 0; i < repeats_; ++i) {
      copy.push_back(seconds([&] { memcpy(to_.data(), from_.data(), to_.size() * sizeof(float)); }));
      decode.push_back(cast(*stored.get(), TF_DTYPE_FLOAT32));
    }
    std::printf("%s %.4f %.4f %.4f\n", tf_dtype_name(dtype), rate(decode, kDecoded), rate(copy, kDecoded),
                rate(encode, kEncoded));
    std::fflush(stdout);
  }

 private:
  double cast(const tf_array &array, tf_dtype dtype) {
    tf_array *made = nullptr;
    const double time = seconds([&] { check(tf_array_cast(&made, &array, dtype, options_), "cast"); });
    tf_array_release(made);
    return time;
  }
  bool can_cast(const tf_array &array, tf_dtype dtype) {
    tf_array *made = nullptr;
    const tf_status status = tf_array_cast(&made, &array, dtype, options_);
    tf_array_release(made);
    if (status != TF_STATUS_UNSUPPORTED) check(status, "cast");
    return status == TF_STATUS_OK;
  }
  // Returns the bytes of kDecoded elements, which are encoded if the dtype has an encoder, and random otherwise.
  std::vector<unsigned char> sample_of(tf_dtype dtype, const tf_array &floats) {
    std::vector<unsigned char> bytes(kDecoded / tf_dtype_block_size(dtype) * tf_dtype_block_bytes(dtype));
    if (can_cast(floats, dtype)) {
      tf_array *made = nullptr;
      check(tf_array_cast(&made, &floats, dtype, options_), "cast");
      const size_t part = tf_array_nbytes(made);
      for (size_t at = 0; at < bytes.size(); at += part)
        memcpy(bytes.data() + at, tf_array_data(made), part);
      tf_array_release(made);
    } else {
      std::mt19937 random(2);
      for (unsigned char &byte : bytes)
        byte = static_cast<unsigned char>(random());
    }
    return bytes;
  }

  int repeats_;
  Pool pool_;
  tf_options *options_ = nullptr;
  std::vector<float> values_;
  std::vector<float> from_;
  std::vector<float> to_;
};

}  // namespace

int main(int count, char **arguments) {
  Bench bench(count > 1 ? std::max(1, std::atoi(arguments[1])) : 9);
  bench.run(TF_DTYPE_FLOAT16);
  bench.run(TF_DTYPE_BFLOAT16);
  for (tf_dtype id = TF_DTYPE_Q4_0; id <= TF_DTYPE_Q2_0; ++id)
    if (std::strcmp(tf_dtype_name(id), "unsupported") != 0) bench.run(id);
}
