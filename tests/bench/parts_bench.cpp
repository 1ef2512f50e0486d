// Times the inner parts of reading and saving separately, with Google Benchmark and its options.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/name_index.h"
#include "codec/crc32.h"
#include "codec/deflate.h"
#include "core/dtype.h"
#include "support/owner.h"

namespace tfile {
namespace {

constexpr size_t kChunk = size_t{1} << 20;

void check(tf_status status) {
  if (status == TF_STATUS_OK) return;
  std::fprintf(stderr, "parts_bench: %s: %s\n", tf_status_name(status), tf_error_message());
  std::exit(1);
}

using testing::Handle;

// Returns bytes that compress like those of models.
std::vector<uint8_t> weights(size_t nbytes) {
  std::vector<uint8_t> bytes(nbytes);
  std::mt19937 random(0);
  std::normal_distribution<float> normal(0, 0.02f);
  for (size_t i = 0; i + sizeof(float) <= nbytes; i += sizeof(float)) {
    const float value = normal(random);
    std::memcpy(bytes.data() + i, &value, sizeof(value));
  }
  return bytes;
}

Handle<tf_array> new_array(tf_dtype dtype, std::initializer_list<int64_t> shape) {
  tf_array *array = nullptr;
  void *data = nullptr;
  check(tf_array_new(&array, dtype, shape.begin(), shape.size()));
  check(tf_array_data_mut(&data, array));
  std::memset(data, 0, tf_array_nbytes(array));
  return Handle<tf_array>(array);
}

std::string layer_name(int64_t i) {
  return "model.layers." + std::to_string(i / 10) + ".part" + std::to_string(i % 10) + ".weight";
}

Handle<tf_dict> small_arrays(int64_t count) {
  tf_dict *arrays = nullptr;
  check(tf_dict_new(&arrays));
  const Handle<tf_array> array = new_array(TF_DTYPE_FLOAT32, {4, 4});
  for (int64_t i = 0; i < count; ++i)
    check(tf_dict_set_array(arrays, layer_name(i).c_str(), SIZE_MAX, array.get()));
  return Handle<tf_dict>(arrays);
}

void set_bytes(benchmark::State &state, size_t nbytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(nbytes));
}

// Opening: reads headers and directories of many arrays from memory.
void list(benchmark::State &state, tf_format format) {
  const Handle<tf_dict> arrays = small_arrays(state.range(0));
  tf_buffer *saved = nullptr;
  const Handle<tf_array> only = new_array(TF_DTYPE_FLOAT32, {4, 4});
  const bool single = format == TF_FORMAT_NPY;
  check(
      tf_save_memory(&saved, format, single ? only.get() : nullptr, single ? nullptr : arrays.get(), nullptr, nullptr));
  const Handle<tf_buffer> buffer(saved);
  tf_source *raw = nullptr;
  check(tf_source_from_memory(&raw, tf_buffer_data(saved), tf_buffer_size(saved), nullptr, nullptr));
  const Handle<tf_source> source(raw);
  for (auto _ : state) {
    tf_file *file = nullptr;
    check(tf_file_open_source(&file, raw, format, nullptr));
    benchmark::DoNotOptimize(tf_file_count(file));
    tf_file_release(file);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetComplexityN(state.range(0));
}
BENCHMARK_CAPTURE(list, safetensors, TF_FORMAT_SAFETENSORS)->RangeMultiplier(10)->Range(100, 100'000)->Complexity();
BENCHMARK_CAPTURE(list, gguf, TF_FORMAT_GGUF)->RangeMultiplier(10)->Range(100, 100'000)->Complexity();
BENCHMARK_CAPTURE(list, npz, TF_FORMAT_NPZ)->RangeMultiplier(10)->Range(100, 100'000)->Complexity();
BENCHMARK_CAPTURE(list, npy, TF_FORMAT_NPY)->Arg(1);

// Saving: writes headers and many small arrays to a sink that discards them.
void save(benchmark::State &state, tf_format format) {
  const Handle<tf_dict> arrays = small_arrays(state.range(0));
  tf_sink *raw = nullptr;
  check(tf_sink_new(
      &raw, [](void *, const void *, size_t) -> tf_status { return TF_STATUS_OK; }, nullptr, nullptr));
  const Handle<tf_sink> sink(raw);
  for (auto _ : state)
    check(tf_save_sink(raw, format, nullptr, arrays.get(), nullptr, nullptr));
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetComplexityN(state.range(0));
}
BENCHMARK_CAPTURE(save, safetensors, TF_FORMAT_SAFETENSORS)->RangeMultiplier(10)->Range(100, 100'000)->Complexity();
BENCHMARK_CAPTURE(save, gguf, TF_FORMAT_GGUF)->RangeMultiplier(10)->Range(100, 100'000)->Complexity();
BENCHMARK_CAPTURE(save, npz, TF_FORMAT_NPZ)->RangeMultiplier(10)->Range(100, 100'000)->Complexity();

void index_names(benchmark::State &state) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < state.range(0); ++i)
    names.push_back(layer_name(i));
  const auto name_at = [](const void *owner, size_t index) {
    const std::string &name = (*static_cast<const std::vector<std::string> *>(owner))[index];
    return Text(name.data(), name.size());
  };
  for (auto _ : state) {
    NameIndex index(default_memory(), name_at, &names);
    size_t found = 0;
    size_t twin = 0;
    if (!index.reserve(names.size()).ok() || !index.add_up_to(names.size(), &found, &twin).ok()) std::exit(1);
    benchmark::DoNotOptimize(found);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(index_names)->Arg(1000)->Arg(100'000);

void crc32(benchmark::State &state) {
  const std::vector<uint8_t> bytes = weights(static_cast<size_t>(state.range(0)));
  uint32_t crc = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(crc = crc32_update(crc, bytes.data(), bytes.size()));
  set_bytes(state, bytes.size());
}
BENCHMARK(crc32)->Arg(64)->Arg(4096)->Arg(kChunk);

void crc32_of_two(benchmark::State &state) {
  uint32_t crc = 1;
  for (auto _ : state)
    benchmark::DoNotOptimize(crc = crc32_join(crc, 2, kChunk));
}
BENCHMARK(crc32_of_two);

void deflate(benchmark::State &state, bool zlib) {
  const std::vector<uint8_t> bytes = weights(kChunk);
  Deflater deflater(default_memory());
  for (auto _ : state) {
    if (!deflater.run(Bytes(bytes.data(), bytes.size()), true, {zlib, static_cast<int>(state.range(0))}).ok())
      std::exit(1);
  }
  set_bytes(state, bytes.size());
  state.counters["packed"] = static_cast<double>(deflater.output().size()) / static_cast<double>(bytes.size());
}
BENCHMARK_CAPTURE(deflate, ours, false)->Arg(1)->Arg(2)->Arg(6);
BENCHMARK_CAPTURE(deflate, zlib, true)->Arg(1)->Arg(6);

void inflate(benchmark::State &state) {
  const std::vector<uint8_t> bytes = weights(kChunk);
  Deflater deflater(default_memory());
  if (!deflater.run(Bytes(bytes.data(), bytes.size()), true, {}).ok()) std::exit(1);
  std::vector<uint8_t> unpacked(bytes.size());
  Inflater inflater(default_memory());
  for (auto _ : state) {
    Bytes input = deflater.output();
    Span<uint8_t> output(unpacked.data(), unpacked.size());
    bool valid = false;
    bool done = false;
    if (!inflater.begin().ok() || !inflater.run(&valid, &done, &input, &output).ok() || !valid) std::exit(1);
  }
  set_bytes(state, bytes.size());
}
BENCHMARK(inflate);

// Conversions: the cost of another byte order, layout or dtype.
void swap(benchmark::State &state, tf_dtype id) {
  const Dtype &dtype = *find_dtype(id);
  std::vector<uint8_t> bytes = weights(kChunk);
  for (auto _ : state) {
    benchmark::DoNotOptimize(swap_bytes(dtype, bytes.data(), bytes.size()));
    benchmark::ClobberMemory();
  }
  set_bytes(state, bytes.size());
}
BENCHMARK_CAPTURE(swap, uint16, TF_DTYPE_UINT16);
BENCHMARK_CAPTURE(swap, float32, TF_DTYPE_FLOAT32);
BENCHMARK_CAPTURE(swap, complex128, TF_DTYPE_COMPLEX128);

void transposed_to_dense(benchmark::State &state) {
  const Handle<tf_array> array = new_array(TF_DTYPE_FLOAT32, {512, 512});
  tf_array *raw = nullptr;
  check(tf_array_transpose(&raw, array.get(), nullptr, 0));
  const Handle<tf_array> transposed(raw);
  for (auto _ : state) {
    check(tf_array_contiguous(&raw, transposed.get()));
    tf_array_release(raw);
  }
  set_bytes(state, tf_array_nbytes(array.get()));
}
BENCHMARK(transposed_to_dense);

void cast(benchmark::State &state, tf_dtype from, tf_dtype to) {
  const Handle<tf_array> array = new_array(from, {256 << 10});
  for (auto _ : state) {
    tf_array *raw = nullptr;
    check(tf_array_cast(&raw, array.get(), to, nullptr));
    tf_array_release(raw);
  }
  set_bytes(state, tf_array_nbytes(array.get()));
}
BENCHMARK_CAPTURE(cast, float16_to_float32, TF_DTYPE_FLOAT16, TF_DTYPE_FLOAT32);
BENCHMARK_CAPTURE(cast, float32_to_float16, TF_DTYPE_FLOAT32, TF_DTYPE_FLOAT16);
BENCHMARK_CAPTURE(cast, bfloat16_to_float32, TF_DTYPE_BFLOAT16, TF_DTYPE_FLOAT32);
BENCHMARK_CAPTURE(cast, int64_to_float64, TF_DTYPE_INT64, TF_DTYPE_FLOAT64);

// Reading one array of 4 MiB from memory with one thread: how much a deflated member, Fortran order and a cast add to a
// plain read.
enum class Stored { kPlain, kFortran, kDeflated };

Handle<tf_buffer> one_array_file(Stored stored) {
  const Handle<tf_array> array = new_array(TF_DTYPE_FLOAT32, {1024, 1024});
  void *data = nullptr;
  check(tf_array_data_mut(&data, array.get()));
  const std::vector<uint8_t> bytes = weights(tf_array_nbytes(array.get()));
  std::memcpy(data, bytes.data(), bytes.size());
  tf_array *raw = nullptr;
  check(stored == Stored::kFortran ? tf_array_transpose(&raw, array.get(), nullptr, 0)
                                   : tf_array_contiguous(&raw, array.get()));
  const Handle<tf_array> saved(raw);
  tf_dict *arrays = nullptr;
  check(tf_dict_new(&arrays));
  const Handle<tf_dict> owner(arrays);
  check(tf_dict_set_array(arrays, "w", SIZE_MAX, raw));
  tf_options *options = nullptr;
  check(tf_options_new(&options));
  const Handle<tf_options> kept(options);
  check(tf_options_set(options, TF_OPTION_COMPRESS, stored == Stored::kDeflated ? 1 : 0));
  tf_buffer *file = nullptr;
  check(tf_save_memory(&file, TF_FORMAT_NPZ, nullptr, arrays, nullptr, options));
  return Handle<tf_buffer>(file);
}

void read(benchmark::State &state, Stored stored, tf_dtype dtype) {
  const Handle<tf_buffer> bytes = one_array_file(stored);
  tf_options *options = nullptr;
  check(tf_options_new(&options));
  const Handle<tf_options> kept(options);
  check(tf_options_set(options, TF_OPTION_THREADS, 1));
  tf_file *file = nullptr;
  check(tf_file_open_memory(&file, tf_buffer_data(bytes.get()), tf_buffer_size(bytes.get()), TF_FORMAT_NPZ, options));
  const Handle<tf_file> open(file);
  const size_t item = dtype == TF_DTYPE_AS_STORED ? sizeof(float) : tf_dtype_block_bytes(dtype);
  std::vector<uint8_t> to((size_t{1} << 20) * item);
  for (auto _ : state)
    check(tf_file_read_into(file, 0, dtype, to.data(), to.size()));
  set_bytes(state, tf_file_nbytes(file, 0));
}
BENCHMARK_CAPTURE(read, plain, Stored::kPlain, TF_DTYPE_AS_STORED);
BENCHMARK_CAPTURE(read, plain_to_float16, Stored::kPlain, TF_DTYPE_FLOAT16);
BENCHMARK_CAPTURE(read, fortran, Stored::kFortran, TF_DTYPE_AS_STORED);
BENCHMARK_CAPTURE(read, fortran_to_float16, Stored::kFortran, TF_DTYPE_FLOAT16);
BENCHMARK_CAPTURE(read, deflated, Stored::kDeflated, TF_DTYPE_AS_STORED);
BENCHMARK_CAPTURE(read, deflated_to_float16, Stored::kDeflated, TF_DTYPE_FLOAT16);

}  // namespace
}  // namespace tfile

BENCHMARK_MAIN();
