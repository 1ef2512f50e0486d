#include <array>
#include <charconv>

#include "cli/convert.h"
#include "cli/error_output.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Dtype;

namespace {

struct ScalarType {
  std::string_view name;
  Dtype dtype;
};

constexpr std::array<ScalarType, 11> kScalarTypes = {{
    {"bool", Dtype::bool_},
    {"i8", Dtype::int8},
    {"i16", Dtype::int16},
    {"i32", Dtype::int32},
    {"i64", Dtype::int64},
    {"u8", Dtype::uint8},
    {"u16", Dtype::uint16},
    {"u32", Dtype::uint32},
    {"u64", Dtype::uint64},
    {"f32", Dtype::float32},
    {"f64", Dtype::float64},
}};

[[noreturn]] void refuse(std::string_view setting, const std::string &why) {
  throw UsageError{"--set " + escaped(setting) + ": " + why};
}

// Parses all of text as a number. The result does not depend on the locale.
template <typename T>
tensorfile::Array parse_scalar(Dtype dtype, std::string_view text, std::string_view setting) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    refuse(setting, in_quotes(text) + " is not a valid " + tensorfile::name(dtype));
  }
  return tensorfile::Array::copy(dtype, {}, &value, sizeof(value));
}

tensorfile::Array parse_bool(std::string_view text, std::string_view setting) {
  if (text != "true" && text != "false") refuse(setting, in_quotes(text) + " is neither true nor false");
  return tensorfile::Array::copy<bool>({}, {text == "true"});
}

// Parses text as a 0-d array of the dtype.
tensorfile::Array scalar(Dtype dtype, std::string_view text, std::string_view setting) {
  switch (dtype) {
    case Dtype::bool_:
      return parse_bool(text, setting);
    case Dtype::int8:
      return parse_scalar<int8_t>(dtype, text, setting);
    case Dtype::int16:
      return parse_scalar<int16_t>(dtype, text, setting);
    case Dtype::int32:
      return parse_scalar<int32_t>(dtype, text, setting);
    case Dtype::int64:
      return parse_scalar<int64_t>(dtype, text, setting);
    case Dtype::uint8:
      return parse_scalar<uint8_t>(dtype, text, setting);
    case Dtype::uint16:
      return parse_scalar<uint16_t>(dtype, text, setting);
    case Dtype::uint32:
      return parse_scalar<uint32_t>(dtype, text, setting);
    case Dtype::uint64:
      return parse_scalar<uint64_t>(dtype, text, setting);
    case Dtype::float32:
      return parse_scalar<float>(dtype, text, setting);
    default:
      return parse_scalar<double>(dtype, text, setting);
  }
}

}  // namespace

void set_metadata(tensorfile::Dict &metadata, std::string_view setting) {
  const size_t equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0) refuse(setting, "expected KEY=VALUE");
  const std::string_view key = setting.substr(0, equals);
  if (!is_utf8(key)) refuse(setting, "the key is not UTF-8");
  std::string_view value = setting.substr(equals + 1);
  const size_t colon = value.find(':');
  const std::string_view type = value.substr(0, colon == std::string_view::npos ? 0 : colon);
  for (const ScalarType &known : kScalarTypes) {
    if (type != known.name) continue;
    metadata.set(key, scalar(known.dtype, value.substr(colon + 1), setting));
    return;
  }
  if (type == "str") value.remove_prefix(colon + 1);
  metadata.set(key, value);
}

}  // namespace cli
