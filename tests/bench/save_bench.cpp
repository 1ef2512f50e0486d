// Times saving through the C ABI in a fresh process, which has only created the arrays.
//
//   save_bench FORMAT PATH DATA COUNT BYTES [THREADS [DTYPE]]
//
// saves COUNT arrays of BYTES in total, which repeat the contents of the file DATA, and prints the seconds. FORMAT is npy,
// npz, safetensors, gguf, or deflated (a compressed .npz). DTYPE is a name; without it, the arrays are float32.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "tensorfile.h"

namespace {

void check(tf_status status) {
  if (status == TF_STATUS_OK) return;
  std::fprintf(stderr, "save_bench: %s: %s\n", tf_status_name(status), tf_error_message());
  std::exit(1);
}

tf_array *make_array(const std::string &data, size_t nbytes, tf_dtype dtype) {
  const int64_t shape[] = {static_cast<int64_t>(nbytes / tf_dtype_block_bytes(dtype))};
  tf_array *array = nullptr;
  void *to = nullptr;
  check(tf_array_new(&array, dtype, shape, 1));
  check(tf_array_data_mut(&to, array));
  for (size_t done = 0; done < nbytes; done += data.size())
    std::memcpy(static_cast<char *>(to) + done, data.data(), std::min(data.size(), nbytes - done));
  return array;
}

tf_dict *make_arrays(const std::string &data, size_t count, size_t nbytes, tf_dtype dtype) {
  tf_dict *arrays = nullptr;
  check(tf_dict_new(&arrays));
  for (size_t i = 0; i < count; ++i) {
    tf_array *array = make_array(data, nbytes / count, dtype);
    const std::string name = "layers." + std::to_string(i) + ".weight";
    check(tf_dict_set_array(arrays, name.data(), name.size(), array));
    tf_array_release(array);
  }
  return arrays;
}

tf_status save(const std::string &format, const char *path, const tf_dict *arrays, const tf_options *options) {
  if (format == "npz") return tf_savez(path, nullptr, 0, arrays, options);
  if (format == "deflated") return tf_savez_compressed(path, nullptr, 0, arrays, options);
  if (format == "safetensors") return tf_save_safetensors(path, arrays, nullptr, options);
  if (format == "gguf") return tf_save_gguf(path, arrays, nullptr, options);
  tf_array *array = nullptr;
  check(tf_dict_get_array(&array, arrays, "layers.0.weight", SIZE_MAX));
  const tf_status status = tf_save(path, array, options);
  tf_array_release(array);
  return status;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: save_bench FORMAT PATH DATA COUNT BYTES [THREADS [DTYPE]]\n");
    return 2;
  }
  std::ifstream file(argv[3], std::ios::binary);
  const std::string data(std::istreambuf_iterator<char>(file), {});
  if (data.empty()) return 1;
  const tf_dtype dtype = argc > 7 ? tf_dtype_from_name(argv[7]) : TF_DTYPE_FLOAT32;
  if (tf_dtype_block_bytes(dtype) == 0) {
    std::fprintf(stderr, "save_bench: there is no dtype %s\n", argv[7]);
    return 2;
  }
  tf_dict *arrays = make_arrays(data, std::strtoull(argv[4], nullptr, 10), std::strtoull(argv[5], nullptr, 10), dtype);
  tf_options *options = nullptr;
  check(tf_options_new(&options));
  if (argc > 6) check(tf_options_set(options, TF_OPTION_THREADS, std::atoi(argv[6])));
  (void)std::remove(argv[2]);
  const auto begin = std::chrono::steady_clock::now();
  check(save(argv[1], argv[2], arrays, options));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%.9f\n", took.count());
  return 0;
}
