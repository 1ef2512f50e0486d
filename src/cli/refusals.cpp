#include <algorithm>
#include <utility>

#include "cli/convert.h"
#include "cli/error.h"
#include "cli/metadata.h"
#include "cli/text.h"

namespace cli {

namespace {

tf_status swallow(void *, const void *, size_t) {
  return TF_STATUS_OK;
}

// Saves to nowhere. Gives the library's message when the format cannot hold it, else "".
std::string trial(tf_format format, const tf_array *array, const tf_dict *arrays, const tf_dict *metadata) {
  Sink sink;
  expect(tf_sink_new(Out(sink), swallow, nullptr, nullptr));
  const tf_status status = tf_save_sink(sink.get(), format, array, arrays, metadata, nullptr);
  if (status == TF_STATUS_OUT_OF_MEMORY) expect(status);
  return status == TF_STATUS_OK ? "" : tf_error_message();
}

// The library's message for a single array or key, without the name that the entry has already.
std::string reason(const std::string &message, const std::string &name) {
  for (const std::string &before : {in_quotes(name) + " (", "key " + in_quotes(name) + ": "}) {
    const size_t at = message.find(before);
    if (at == std::string::npos) continue;
    std::string rest = message.substr(at + before.size());
    if (before.ends_with('(') && rest.ends_with(')')) rest.pop_back();
    return rest;
  }
  return message;
}

// Zeros of the same dtype and rank, but one unit in size.
Array miniature(tf_dtype dtype, size_t ndim, uint32_t unit) {
  std::vector<int64_t> shape(ndim, 1);
  if (ndim > 0) shape.back() = unit;
  Array array;
  expect(tf_array_new(Out(array), dtype, shape.data(), ndim));
  return array;
}

int64_t count(const std::vector<int64_t> &shape) {
  int64_t product = 1;
  for (const int64_t size : shape)
    product *= size;
  return product;
}

// Block types need rows of whole blocks, packed types whole bytes.
std::string cannot_divide(const Planned &array) {
  const int64_t unit = tf_dtype_block_size(array.to);
  const bool blocks = tf_dtype_bits(array.to) == 0;
  const int64_t size = !blocks ? count(array.shape) : array.shape.empty() ? 1 : array.shape.back();
  if (size % unit == 0) return "";
  return (blocks ? "rows of " : "a size of ") + std::to_string(size) + ", not a multiple of the " +
         std::to_string(unit) + " that " + tf_dtype_name(array.to) + " needs";
}

// Why it cannot be cast, or "".
std::string cast_refusal(const Planned &array) {
  if (array.to == array.from) return "";
  std::string why = cannot_divide(array);
  if (!why.empty()) return why;
  const uint32_t unit = std::max(tf_dtype_block_size(array.from), tf_dtype_block_size(array.to));
  Array small = miniature(array.from, array.shape.size(), unit);
  return cast(small, array.to);
}

std::string array_refusal(tf_format format, const Planned &array) {
  std::string why = cast_refusal(array);
  if (!why.empty()) return why;
  const Array small = miniature(array.to, array.shape.size(), tf_dtype_block_size(array.to));
  if (format == TF_FORMAT_NPY) return trial(format, small.get(), nullptr, nullptr);
  Dict arrays;
  expect(tf_dict_new(Out(arrays)));
  expect(tf_dict_set(arrays.get(), array.name.data(), array.name.size(), small.get()));
  return trial(format, nullptr, arrays.get(), nullptr);
}

std::string value_refusal(tf_format format, const tf_dict *metadata, size_t index) {
  if (format == TF_FORMAT_NPY || format == TF_FORMAT_NPZ) return "the format has no metadata";
  Dict alone;
  Dict arrays;
  expect(tf_dict_new(Out(alone)));
  expect(tf_dict_new(Out(arrays)));
  copy_value(alone.get(), metadata, index);
  return trial(format, nullptr, arrays.get(), alone.get());
}

}  // namespace

std::string cast(Array &array, tf_dtype dtype) {
  Array out;
  const tf_status status = tf_array_cast(Out(out), array.get(), dtype, nullptr);
  if (status == TF_STATUS_OUT_OF_MEMORY) expect(status);
  if (status != TF_STATUS_OK) return tf_error_message();
  array = std::move(out);
  return "";
}

std::vector<std::string> refusals(tf_format format, const std::vector<Planned> &arrays, const tf_dict *metadata) {
  std::vector<std::string> out;
  for (const Planned &array : arrays) {
    const std::string why = array_refusal(format, array);
    if (!why.empty()) out.push_back("array " + in_quotes(array.name) + " (" + reason(why, array.name) + ")");
  }
  for (size_t i = 0; i < tf_dict_size(metadata); ++i) {
    const std::string why = value_refusal(format, metadata, i);
    const std::string key(key_at(metadata, i));
    if (!why.empty()) out.push_back("metadata " + in_quotes(key) + " (" + reason(why, key) + ")");
  }
  return out;
}

}  // namespace cli
