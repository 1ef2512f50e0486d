#include <array>
#include <charconv>

#include "cli/convert.h"
#include "cli/error.h"
#include "cli/text.h"

namespace cli {

namespace {

struct ScalarType {
  std::string_view name;
  tf_dtype dtype;
};

constexpr std::array<ScalarType, 11> kScalarTypes = {{
    {"bool", TF_DTYPE_BOOL},
    {"i8", TF_DTYPE_INT8},
    {"i16", TF_DTYPE_INT16},
    {"i32", TF_DTYPE_INT32},
    {"i64", TF_DTYPE_INT64},
    {"u8", TF_DTYPE_UINT8},
    {"u16", TF_DTYPE_UINT16},
    {"u32", TF_DTYPE_UINT32},
    {"u64", TF_DTYPE_UINT64},
    {"f32", TF_DTYPE_FLOAT32},
    {"f64", TF_DTYPE_FLOAT64},
}};

// All of text as a number, in any locale.
template <typename T>
Array parse_scalar(tf_dtype dtype, std::string_view text, std::string_view setting) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UsageError{"--set " + escaped(setting) + ": not a value of " + tf_dtype_name(dtype)};
  }
  Array array;
  expect(tf_array_copy_from(Out(array), dtype, nullptr, 0, &value, sizeof(value)));
  return array;
}

Array parse_bool(std::string_view text, std::string_view setting) {
  if (text != "true" && text != "false") throw UsageError{"--set " + escaped(setting) + ": not true or false"};
  const uint8_t value = text == "true" ? 1 : 0;
  Array array;
  expect(tf_array_copy_from(Out(array), TF_DTYPE_BOOL, nullptr, 0, &value, sizeof(value)));
  return array;
}

Array scalar(tf_dtype dtype, std::string_view text, std::string_view setting) {
  switch (dtype) {
    case TF_DTYPE_BOOL:
      return parse_bool(text, setting);
    case TF_DTYPE_INT8:
      return parse_scalar<int8_t>(dtype, text, setting);
    case TF_DTYPE_INT16:
      return parse_scalar<int16_t>(dtype, text, setting);
    case TF_DTYPE_INT32:
      return parse_scalar<int32_t>(dtype, text, setting);
    case TF_DTYPE_INT64:
      return parse_scalar<int64_t>(dtype, text, setting);
    case TF_DTYPE_UINT8:
      return parse_scalar<uint8_t>(dtype, text, setting);
    case TF_DTYPE_UINT16:
      return parse_scalar<uint16_t>(dtype, text, setting);
    case TF_DTYPE_UINT32:
      return parse_scalar<uint32_t>(dtype, text, setting);
    case TF_DTYPE_UINT64:
      return parse_scalar<uint64_t>(dtype, text, setting);
    case TF_DTYPE_FLOAT32:
      return parse_scalar<float>(dtype, text, setting);
    default:
      return parse_scalar<double>(dtype, text, setting);
  }
}

}  // namespace

void set_metadata(tf_dict *metadata, std::string_view setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw UsageError{"--set " + escaped(setting) + ": KEY=VALUE is needed"};
  }
  const std::string_view key = setting.substr(0, equals);
  if (!is_utf8(key)) throw UsageError{"--set " + escaped(setting) + ": the key is not UTF-8"};
  std::string_view value = setting.substr(equals + 1);
  const size_t colon = value.find(':');
  const std::string_view type = value.substr(0, colon == std::string_view::npos ? 0 : colon);
  for (const ScalarType &known : kScalarTypes) {
    if (type != known.name) continue;
    const Array array = scalar(known.dtype, value.substr(colon + 1), setting);
    return expect(tf_dict_set(metadata, key.data(), key.size(), array.get()));
  }
  if (type == "str") value.remove_prefix(colon + 1);
  expect(tf_dict_set_string(metadata, key.data(), key.size(), value.data(), value.size()));
}

}  // namespace cli
