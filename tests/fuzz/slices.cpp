// Reads slices of the arrays of a file and compares them with slices of the whole arrays.
#include "fuzz.h"

namespace {

using namespace tfile::fuzz;

constexpr size_t kMostSlices = 8;

struct Slice {
  std::vector<int64_t> start, stop, step;

  Slice(Input &input, size_t ndim) {
    for (size_t i = 0; i < ndim; ++i) {
      start.push_back(number(input));
      stop.push_back(number(input));
      step.push_back(number(input));
    }
  }
  static int64_t number(Input &input) {
    const uint8_t byte = input.byte();
    if (byte < 64) return TENSORFILE_SLICE_OMITTED;
    if (byte == 64) return INT64_MAX;
    if (byte == 65) return INT64_MIN + 1;
    return int64_t{byte} - 160;
  }
};

void compare(const tf_file *file, size_t index, const tf_array *whole, Input &input) {
  const size_t ndim = tf_array_ndim(whole);
  const Slice slice(input, ndim);
  tf_array *parts[2] = {};
  const tf_status expected =
      tf_array_slice(&parts[0], whole, slice.start.data(), slice.stop.data(), slice.step.data(), ndim);
  const tf_status status =
      tf_file_read_slice(&parts[1], file, index, slice.start.data(), slice.stop.data(), slice.step.data(), ndim);
  const Handle<tf_array> holders[] = {Handle<tf_array>(parts[0]), Handle<tf_array>(parts[1])};
  FUZZ_CHECK(status == expected);
  if (status != TF_STATUS_OK) {
    FUZZ_CHECK(status == TF_STATUS_INVALID_ARGUMENT || status == TF_STATUS_UNSUPPORTED);
    return;
  }
  FUZZ_CHECK(equal(parts[0], parts[1]));
  std::vector<uint8_t> bytes(tf_array_nbytes(parts[1]) + 1, 0xA5);
  FUZZ_CHECK(tf_file_read_slice_into(file, index, slice.start.data(), slice.stop.data(), slice.step.data(), ndim,
                                     TF_DTYPE_UNSUPPORTED, bytes.data(), bytes.size() - 1) == TF_STATUS_OK);
  FUZZ_CHECK(bytes.back() == 0xA5);
  FUZZ_CHECK(std::memcmp(bytes.data(), tf_array_data(parts[1]), bytes.size() - 1) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Allocations allocations;
  Input input(data, size);
  const Handle<tf_options> options = new_options(allocations);
  const tf_format format = format_of(input);
  // The last bytes choose the slices; those before them are the file.
  Input numbers(input.data(), input.size());
  const size_t used = input.size() < 64 ? input.size() : 64;
  for (size_t i = 0; i < used; ++i)
    (void)input.byte();
  set(options.get(), TF_OPTION_LENIENT, 1);
  const Handle<tf_source> source = source_of(input.data(), input.size());
  tf_file *raw = nullptr;
  if (tf_file_open_source(&raw, source.get(), format, options.get()) != TF_STATUS_OK) return 0;
  const Handle<tf_file> file(raw);
  for (size_t i = 0; i < tf_file_count(raw) && i < kMostSlices; ++i) {
    tf_array *whole = nullptr;
    if (tf_file_read(&whole, raw, i) != TF_STATUS_OK) continue;
    const Handle<tf_array> holder(whole);
    compare(raw, i, whole, numbers);
  }
  return 0;
}
