// Lists, reads and loads arbitrary bytes as a file of TENSORFILE_FUZZ_FORMAT. The results must agree, and
// a refusal must cost little memory.
#include "fuzz.h"

namespace {

using namespace tfile::fuzz;

constexpr tf_format kFormat = TENSORFILE_FUZZ_FORMAT;
constexpr size_t kSlack = size_t{1} << 20;

// Reads the stored bytes of an array, whatever its type. If the dtype is known, they are as many as those of its elements.
void read_raw(const tf_file *file, size_t index) {
  tf_array *array = nullptr;
  const tf_status status = tf_file_read_raw(&array, file, index);
  const Handle<tf_array> bytes(array);
  if (status != TF_STATUS_OK) return check_refusal(status);
  touch(array);
  FUZZ_CHECK(tf_array_dtype(array) == TF_DTYPE_UINT8 && tf_array_nbytes(array) == tf_file_nbytes(file, index));
}

// Checks that the properties of an array are consistent, and that reading it gives an array like that or an error.
bool read_one(const tf_file *file, size_t index, const tf_options *options, size_t size) {
  const char *name = nullptr;
  size_t length = 0;
  size_t found = SIZE_MAX;
  FUZZ_CHECK(tf_file_name(&name, &length, file, index) == TF_STATUS_OK);
  FUZZ_CHECK(tf_file_find(&found, file, name, length) == TF_STATUS_OK && found == index);
  uint64_t offset = 0;
  uint64_t stored = 0;
  FUZZ_CHECK(tf_file_location(nullptr, &offset, &stored, nullptr, file, index) == TF_STATUS_OK);
  FUZZ_CHECK(offset <= size && stored <= size - offset);
  for (size_t i = 0; i < tf_file_ndim(file, index); ++i)
    FUZZ_CHECK(tf_file_shape(file, index)[i] >= 0);
  read_raw(file, index);
  tf_array *array = nullptr;
  const tf_status status = tf_file_read(&array, file, index);
  if (tf_file_dtype(file, index) == TF_DTYPE_UNSUPPORTED) FUZZ_CHECK(status == TF_STATUS_UNSUPPORTED);
  if (status != TF_STATUS_OK) {
    check_refusal(status);
    return false;
  }
  const Handle<tf_array> handle(array);
  touch(array);
  int64_t decode = 0;
  FUZZ_CHECK(tf_options_get(&decode, options, TF_OPTION_DECODE) == TF_STATUS_OK);
  if (decode > 0) return true;
  FUZZ_CHECK(tf_array_dtype(array) == tf_file_dtype(file, index));
  FUZZ_CHECK(tf_array_nbytes(array) == tf_file_nbytes(file, index));
  std::vector<uint8_t> bytes(tf_array_nbytes(array));
  const tf_status into = tf_file_read_into(file, index, TF_DTYPE_UNSUPPORTED, bytes.data(), bytes.size());
  if (into == TF_STATUS_LIMIT) return false;
  // Mapped data are not verified, so a wrong CRC-32 is detected only here.
  int64_t mode = 0;
  FUZZ_CHECK(tf_options_get(&mode, options, TF_OPTION_LOAD_MODE) == TF_STATUS_OK);
  if (into == TF_STATUS_CORRUPT && kFormat == TF_FORMAT_NPZ && mode == TF_LOAD_MODE_MAP) return false;
  FUZZ_CHECK(into == TF_STATUS_OK);
  const Handle<tf_array> dense = contiguous(array);
  FUZZ_CHECK(bytes.empty() || !dense || std::memcmp(tf_array_data(dense.get()), bytes.data(), bytes.size()) == 0);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Allocations allocations;
  Input input(data, size);
  const Handle<tf_options> options = new_options(allocations);
  choose(options.get(), input);
  const Handle<tf_source> source = source_of(input.data(), input.size());
  tf_file *raw = nullptr;
  const tf_status opened = tf_file_open_source(&raw, source.get(), kFormat, options.get());
  const Handle<tf_file> file(raw);
  bool good = opened == TF_STATUS_OK;
  if (!good) {
    check_refusal(opened);
    FUZZ_CHECK(raw == nullptr && allocations.allocated == 0);
    FUZZ_CHECK(allocations.peak <= 4 * input.size() + kSlack);
  }
  for (size_t i = 0; file && i < tf_file_count(file.get()); ++i)
    good = read_one(file.get(), i, options.get(), input.size()) && good;

  tf_dict *arrays = nullptr;
  tf_dict *metadata = nullptr;
  const tf_status loaded =
      tf_load_memory(nullptr, &arrays, &metadata, input.data(), input.size(), kFormat, options.get());
  const Handle<tf_dict> holders[] = {Handle<tf_dict>(arrays), Handle<tf_dict>(metadata)};
  if (loaded != TF_STATUS_OK) check_refusal(loaded);
  if (opened != TF_STATUS_OK) FUZZ_CHECK(loaded != TF_STATUS_OK);
  for (size_t i = 0; loaded == TF_STATUS_OK && i < tf_dict_size(arrays); ++i)
    touch(array_at(arrays, i).get());
  if (loaded == TF_STATUS_OK) FUZZ_CHECK(equal_dicts(metadata, metadata, true));
  return 0;
}
