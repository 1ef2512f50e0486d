#include "cli/metadata.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cli/elements.h"
#include "cli/text.h"

namespace cli {

namespace {

void write_element(JsonWriter &json, const Element &element) {
  struct Write {
    JsonWriter &json;
    void operator()(bool value) const { json.raw(value ? "true" : "false"); }
    void operator()(int64_t value) const { json.number(value); }
    void operator()(uint64_t value) const { json.number(value); }
    void operator()(float value) const { finite(std::isfinite(value), element_text(value)); }
    void operator()(double value) const { finite(std::isfinite(value), element_text(value)); }
    void operator()(const std::complex<float> &value) const { json.string(element_text(value)); }
    void operator()(const std::complex<double> &value) const { json.string(element_text(value)); }
    void finite(bool is_finite, const std::string &text) const { is_finite ? json.raw(text) : json.null(); }
  };
  std::visit(Write{json}, element);
}

// Writes a list: calls write_item(i) for the first max_items items, then writes a string with the number of the others.
template <typename WriteItem>
void write_list(JsonWriter &json, size_t count, size_t max_items, WriteItem &&write_item) {
  json.open('[');
  const size_t shown = std::min(count, max_items);
  for (size_t i = 0; i < shown; ++i)
    write_item(i);
  if (shown < count) json.string("... " + std::to_string(count - shown) + " more");
  json.close(']');
}

void write_array(JsonWriter &json, const tensorfile::Array &array, size_t max_items) {
  const Elements elements(array);
  if (array.ndim() == 0) {
    write_element(json, elements[0]);
  } else {
    write_list(json, elements.size(), max_items, [&](size_t i) { write_element(json, elements[i]); });
  }
}

}  // namespace

std::string kind_text(const MetadataEntry &entry) {
  switch (entry.kind()) {
    case tensorfile::Kind::string:
      return "string";
    case tensorfile::Kind::string_list:
      return "list of strings";
    case tensorfile::Kind::array: {
      const tensorfile::Array array = entry.array();
      return tensorfile::name(array.dtype()) + (array.ndim() == 0 ? "" : " " + shape_text(array.shape()));
    }
    default:
      return "list";
  }
}

// Recursive because the library represents a list of lists as a dict with the keys "0", "1", ...; it limits the depth
// to 8.
void write_value(JsonWriter &json, const MetadataEntry &entry, size_t max_items) {
  switch (entry.kind()) {
    case tensorfile::Kind::string:
      json.string(entry.string());
      return;
    case tensorfile::Kind::string_list: {
      const std::vector<std::string> list = entry.strings();
      write_list(json, list.size(), max_items, [&](size_t i) { json.string(list[i]); });
      return;
    }
    case tensorfile::Kind::array:
      write_array(json, entry.array(), max_items);
      return;
    default: {
      const tensorfile::Dict list = entry.dict();
      write_list(json, list.size(), max_items, [&](size_t i) { write_value(json, list[i], max_items); });
    }
  }
}

void write_metadata(JsonWriter &json, const tensorfile::Dict &metadata) {
  json.open('{');
  for (const MetadataEntry &entry : metadata) {
    json.key(entry.key());
    write_value(json, entry, SIZE_MAX);
  }
  json.close('}');
}

std::string value_text(const MetadataEntry &entry) {
  if (entry.kind() == tensorfile::Kind::string) return std::string(entry.string());
  JsonWriter json;
  write_value(json, entry, SIZE_MAX);
  return json.text();
}

std::vector<std::string> keys_of(const tensorfile::Dict &metadata) {
  std::vector<std::string> keys;
  for (const MetadataEntry &entry : metadata)
    keys.emplace_back(entry.key());
  return keys;
}

bool same_value(const MetadataEntry &a, const MetadataEntry &b) {
  return tensorfile::Dict{{"", a}}.equal({{"", b}});
}

}  // namespace cli
