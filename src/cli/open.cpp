#include "cli/open.h"

#include "cli/error.h"
#include "cli/text.h"

namespace cli {

Options new_options(bool parts) {
  Options options;
  expect(tf_options_new(Out(options)));
  expect(tf_options_set(options.get(), TF_OPTION_PARTS, parts ? 1 : 0));
  return options;
}

File open_file(const std::string &path, const tf_options *options) {
  File file;
  expect(tf_file_open(Out(file), path.c_str(), options));
  return file;
}

Dict metadata_of(const tf_file *file) {
  Dict metadata;
  expect(tf_file_metadata(Out(metadata), file));
  return metadata;
}

std::string_view array_name(const tf_file *file, size_t index) {
  const char *name = nullptr;
  size_t length = 0;
  expect(tf_file_name(&name, &length, file, index));
  return {name, length};
}

std::span<const int64_t> array_shape(const tf_file *file, size_t index) {
  return {tf_file_shape(file, index), tf_file_ndim(file, index)};
}

uint64_t total_bytes(const tf_file *file) {
  uint64_t total = 0;
  for (size_t i = 0; i < tf_file_size(file); ++i)
    total += tf_file_nbytes(file, i);
  return total;
}

std::string type_text(const tf_file *file, size_t index) {
  return std::string(tf_dtype_name(tf_file_dtype(file, index))) + " " + shape_text(array_shape(file, index));
}

void expect_known(const tf_file *file, size_t index) {
  if (tf_file_dtype(file, index) != TF_DTYPE_UNSUPPORTED) return;
  Array array;
  expect(tf_file_read(Out(array), file, index));
}

size_t find_array(const tf_file *file, const std::string &path, const std::string &name) {
  size_t index = 0;
  const tf_status status = tf_file_find(&index, file, name.data(), name.size());
  if (status == TF_STATUS_NOT_FOUND) throw UsageError{escaped(path) + " has no array named " + in_quotes(name)};
  expect(status);
  return index;
}

}  // namespace cli
