#include "cli/edit_metadata.h"

#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/error_output.h"
#include "cli/file_path.h"
#include "cli/metadata.h"
#include "cli/remote.h"
#include "cli/suggestion.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Array;
using tensorfile::Dict;
using tensorfile::Dtype;
using tensorfile::Kind;

namespace {

using Json = nlohmann::json;

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

// Calls work(T{}) for the type T of the elements of a dtype of kScalarTypes. Returns false for other dtypes.
template <typename Work>
bool with_type(Dtype dtype, Work &&work) {
  switch (dtype) {
    case Dtype::bool_:
      work(bool{});
      return true;
    case Dtype::int8:
      work(int8_t{});
      return true;
    case Dtype::int16:
      work(int16_t{});
      return true;
    case Dtype::int32:
      work(int32_t{});
      return true;
    case Dtype::int64:
      work(int64_t{});
      return true;
    case Dtype::uint8:
      work(uint8_t{});
      return true;
    case Dtype::uint16:
      work(uint16_t{});
      return true;
    case Dtype::uint32:
      work(uint32_t{});
      return true;
    case Dtype::uint64:
      work(uint64_t{});
      return true;
    case Dtype::float32:
      work(float{});
      return true;
    case Dtype::float64:
      work(double{});
      return true;
    default:
      return false;
  }
}

// Parses all of text as a number, or as true or false. The result does not depend on the locale.
template <typename T>
bool parse(T &value, std::string_view text) {
  if constexpr (std::is_same_v<T, bool>) {
    value = text == "true";
    return value || text == "false";
  } else {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
  }
}

std::string invalid(std::string_view text, Dtype dtype) {
  if (dtype == Dtype::bool_) return in_quotes(text) + " is neither true nor false";
  return in_quotes(text) + " is not a valid " + tensorfile::name(dtype);
}

// The setting of a key: what the user wrote, and the parts of it.
struct Setting {
  std::string_view text;
  std::string_view key;
  std::string_view value;

  // Makes a 0-d array from the value.
  Array scalar(Dtype dtype, std::string_view from) const {
    Array made;
    const bool known = with_type(dtype, [&](auto value_of_type) {
      if (!parse(value_of_type, from)) refuse(text, invalid(from, dtype));
      made = Array::scalar(value_of_type);
    });
    if (!known)
      refuse(text, "the value of this key is " + std::string(tensorfile::name(dtype)) + ", which cannot be set");
    return made;
  }

  // Makes a 1-d array from a list of JSON.
  Array list(Dtype dtype, const Json &items) const {
    Array made;
    const bool known = with_type(dtype, [&](auto element) {
      using T = decltype(element);
      std::vector<char> bytes;
      for (const Json &item : items) {
        const std::string token = item.dump();
        if (!parse(element, token)) refuse(text, invalid(token, dtype));
        const char *const start = reinterpret_cast<const char *>(&element);
        bytes.insert(bytes.end(), start, start + sizeof(T));
      }
      made = Array::copy(dtype, {static_cast<int64_t>(items.size())}, bytes);
    });
    if (!known)
      refuse(text,
             "the value of this key is a list of " + std::string(tensorfile::name(dtype)) + ", which cannot be set");
    return made;
  }

  Json parse_list(std::string_view from) const {
    Json items = Json::parse(from, nullptr, false);
    if (!items.is_array()) refuse(text, in_quotes(from) + " is not a list of JSON, such as [\"a\", \"b\"] or [1, 2]");
    return items;
  }
};

template <typename Predicate>
bool all(const Json &items, Predicate &&predicate) {
  return std::all_of(items.begin(), items.end(), predicate);
}

// Returns the dtype of a list of numbers or bools, chosen as gguf-py's writer does: int32 and float32, unless an
// integer needs more bits. Returns nothing if the items have no common type.
std::optional<Dtype> common_dtype(const Json &items) {
  const auto is_integer = [](const Json &item) { return item.is_number_integer(); };
  const auto is_number = [](const Json &item) { return item.is_number(); };
  const auto fits_int32 = [](const Json &item) {
    return item.is_number_unsigned() ? item.get<uint64_t>() <= uint64_t{std::numeric_limits<int32_t>::max()}
                                     : item.get<int64_t>() >= std::numeric_limits<int32_t>::min();
  };
  const auto is_above_int64 = [](const Json &item) {
    return item.is_number_unsigned() && item.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
  };
  if (all(items, [](const Json &item) { return item.is_boolean(); })) return Dtype::bool_;
  if (all(items, is_integer)) {
    if (all(items, fits_int32)) return Dtype::int32;
    return std::any_of(items.begin(), items.end(), is_above_int64) ? Dtype::uint64 : Dtype::int64;
  }
  if (all(items, is_number)) return Dtype::float32;
  return std::nullopt;
}

void set_strings(Dict &metadata, const Setting &setting, const Json &items) {
  std::vector<std::string> strings;
  for (const Json &item : items) {
    if (!item.is_string()) refuse(setting.text, in_quotes(item.dump()) + " is not a string");
    strings.push_back(item.get<std::string>());
  }
  metadata.set(setting.key, strings);
}

// Sets a list whose type its items have.
void set_list(Dict &metadata, const Setting &setting, std::string_view value) {
  const Json items = setting.parse_list(value);
  if (all(items, [](const Json &item) { return item.is_string(); })) return set_strings(metadata, setting, items);
  const std::optional<Dtype> dtype = common_dtype(items);
  if (!dtype) refuse(setting.text, "the items are not all strings, all numbers, or all true and false");
  metadata.set(setting.key, setting.list(*dtype, items));
}

// Sets a value of the type that the key already has.
void set_like(Dict &metadata, const Setting &setting, const Dict::Entry &like) {
  switch (like.kind()) {
    case Kind::string:
      metadata.set(setting.key, setting.value);
      return;
    case Kind::string_list:
      return set_strings(metadata, setting, setting.parse_list(setting.value));
    case Kind::array: {
      const Array array = like.array();
      metadata.set(setting.key, array.ndim() == 0 ? setting.scalar(array.dtype(), setting.value)
                                                  : setting.list(array.dtype(), setting.parse_list(setting.value)));
      return;
    }
    default:
      refuse(setting.text, "the value of this key is a list of lists, which cannot be set");
  }
}

// Sets a value with the type that is written before it. Returns false if there is none.
bool set_typed(Dict &metadata, const Setting &setting) {
  const size_t colon = setting.value.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view type = setting.value.substr(0, colon);
  const std::string_view value = setting.value.substr(colon + 1);
  if (type == "str") {
    metadata.set(setting.key, value);
    return true;
  }
  if (type == "list") {
    set_list(metadata, setting, value);
    return true;
  }
  for (const ScalarType &known : kScalarTypes) {
    if (type != known.name) continue;
    metadata.set(setting.key, value.starts_with('[') ? setting.list(known.dtype, setting.parse_list(value))
                                                     : setting.scalar(known.dtype, value));
    return true;
  }
  return false;
}

std::string_view key_of(std::string_view setting) {
  return setting.substr(0, setting.find('='));
}

// Divides KEY=VALUE at the first "=".
Setting divide(const char *option, std::string_view text) {
  const size_t equals = text.find('=');
  const auto refuse_key = [&](const char *why) {
    throw UsageError{std::string(option) + " " + escaped(text) + ": " + why};
  };
  if (equals == std::string_view::npos || equals == 0) {
    refuse_key(std::string_view(option) == "--set" ? "expected KEY=VALUE" : "expected KEY=PATH");
  }
  const Setting setting{text, text.substr(0, equals), text.substr(equals + 1)};
  if (!is_utf8(setting.key)) refuse_key("the key is not UTF-8");
  return setting;
}

std::string read_file(const Setting &setting) {
  std::ifstream file(file_path(setting.value), std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    throw UsageError{"--set-file " + escaped(setting.key) + "=" + argument_text(setting.value) +
                     ": cannot read the file"};
  }
  return bytes;
}

}  // namespace

void MetadataEdits::declare(CommandLine &line) {
  line.options("--set", set,
               "set a metadata value; KEY=TYPE:VALUE chooses its type: str, bool, i8 ... u64, f32, f64, or list for a "
               "list of JSON; without one the key keeps its type, and a new key gets a string; may be repeated",
               "KEY=VALUE");
  line.options("--set-file", set_file, "set a metadata value to the bytes of a file, as a string; may be repeated",
               "KEY=PATH");
  line.options("--delete", remove, "remove a metadata value; may be repeated", "KEY");
}

bool MetadataEdits::replaces(std::string_view key) const {
  const auto sets = [key](const std::string &setting) { return key_of(setting) == key; };
  return std::any_of(set.begin(), set.end(), sets) || std::any_of(set_file.begin(), set_file.end(), sets) ||
         std::find(remove.begin(), remove.end(), key) != remove.end();
}

void MetadataEdits::apply(Dict &metadata, const Dict &original) const {
  for (const std::string &key : remove) {
    if (!original.contains(key)) {
      throw UsageError{"--delete: there is no metadata value " + in_quotes(key) + did_you_mean(key, keys_of(original))};
    }
    if (metadata.contains(key)) metadata.remove(key);
  }
  for (const std::string &text : set_file) {
    const Setting setting = divide("--set-file", text);
    metadata.set(setting.key, std::string_view(read_file(setting)));
  }
  for (const std::string &text : set) {
    const Setting setting = divide("--set", text);
    if (set_typed(metadata, setting)) continue;
    if (metadata.contains(setting.key)) {
      set_like(metadata, setting, metadata.at(setting.key));
    } else if (original.contains(setting.key)) {
      set_like(metadata, setting, original.at(setting.key));
    } else {
      metadata.set(setting.key, setting.value);
    }
  }
}

}  // namespace cli
