#include "cli/metadata.h"

#include <cmath>
#include <cstdint>
#include <span>

#include "cli/elements.h"
#include "cli/error.h"
#include "cli/text.h"

namespace cli {

namespace {

tf_kind kind_of(const tf_dict *dict, std::string_view key) {
  size_t index = 0;
  expect(tf_dict_find(&index, dict, key.data(), key.size()));
  return tf_dict_kind_at(dict, index);
}

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

// write_item(i) for the items shown, and a word about the others.
template <typename WriteItem>
void write_list(JsonWriter &json, size_t count, size_t most, WriteItem &&write_item) {
  json.open('[');
  const size_t shown = std::min(count, most);
  for (size_t i = 0; i < shown; ++i)
    write_item(i);
  if (shown < count) json.string("... " + std::to_string(count - shown) + " more");
  json.close(']');
}

void write_array(JsonWriter &json, const tf_array *array, size_t most) {
  const Elements elements(array);
  if (tf_array_ndim(array) == 0) {
    write_element(json, elements[0]);
  } else {
    write_list(json, elements.size(), most, [&](size_t i) { write_element(json, elements[i]); });
  }
}

}  // namespace

std::string_view key_at(const tf_dict *dict, size_t index) {
  const char *key = nullptr;
  size_t length = 0;
  expect(tf_dict_key_at(&key, &length, dict, index));
  return {key, length};
}

std::string_view string_of(const tf_dict *dict, std::string_view key) {
  const char *text = nullptr;
  size_t length = 0;
  expect(tf_dict_get_string(&text, &length, dict, key.data(), key.size()));
  return {text, length};
}

size_t list_size(const tf_dict *dict, std::string_view key) {
  size_t count = 0;
  expect(tf_dict_string_list_size(&count, dict, key.data(), key.size()));
  return count;
}

std::string_view list_item(const tf_dict *dict, std::string_view key, size_t index) {
  const char *text = nullptr;
  size_t length = 0;
  expect(tf_dict_string_list_at(&text, &length, dict, key.data(), key.size(), index));
  return {text, length};
}

Array array_of(const tf_dict *dict, std::string_view key) {
  Array array;
  expect(tf_dict_get(Out(array), dict, key.data(), key.size()));
  return array;
}

Dict dict_of(const tf_dict *dict, std::string_view key) {
  Dict child;
  expect(tf_dict_get_dict(Out(child), dict, key.data(), key.size()));
  return child;
}

std::string kind_text(const tf_dict *dict, std::string_view key) {
  switch (kind_of(dict, key)) {
    case TF_KIND_STRING:
      return "string";
    case TF_KIND_STRING_LIST:
      return "list of strings";
    case TF_KIND_ARRAY: {
      const Array array = array_of(dict, key);
      const size_t ndim = tf_array_ndim(array.get());
      const std::string shape = shape_text(std::span(tf_array_shape(array.get()), ndim));
      return tf_dtype_name(tf_array_dtype(array.get())) + (ndim == 0 ? "" : " " + shape);
    }
    default:
      return "list";
  }
}

// Lists of lists are dicts named 0, 1, ...; their depth is what the library read, 8.
void write_value(JsonWriter &json, const tf_dict *dict, std::string_view key, size_t most) {
  switch (kind_of(dict, key)) {
    case TF_KIND_STRING:
      json.string(string_of(dict, key));
      return;
    case TF_KIND_STRING_LIST:
      write_list(json, list_size(dict, key), most, [&](size_t i) { json.string(list_item(dict, key, i)); });
      return;
    case TF_KIND_ARRAY:
      write_array(json, array_of(dict, key).get(), most);
      return;
    default: {
      const Dict child = dict_of(dict, key);
      write_list(json, tf_dict_size(child.get()), most,
                 [&](size_t i) { write_value(json, child.get(), key_at(child.get(), i), most); });
    }
  }
}

void write_metadata(JsonWriter &json, const tf_dict *metadata) {
  json.open('{');
  for (size_t i = 0; i < tf_dict_size(metadata); ++i) {
    const std::string_view key = key_at(metadata, i);
    json.key(key);
    write_value(json, metadata, key, SIZE_MAX);
  }
  json.close('}');
}

void copy_value(tf_dict *to, const tf_dict *from, size_t index) {
  const std::string_view key = key_at(from, index);
  const tf_kind kind = tf_dict_kind_at(from, index);
  if (kind == TF_KIND_STRING) {
    const std::string_view text = string_of(from, key);
    expect(tf_dict_set_string(to, key.data(), key.size(), text.data(), text.size()));
  } else if (kind == TF_KIND_ARRAY) {
    expect(tf_dict_set(to, key.data(), key.size(), array_of(from, key).get()));
  } else if (kind == TF_KIND_DICT) {
    expect(tf_dict_set_dict(to, key.data(), key.size(), dict_of(from, key).get()));
  } else {
    expect(tf_dict_set_string_list(to, key.data(), key.size()));
    for (size_t i = 0; i < list_size(from, key); ++i) {
      const std::string_view text = list_item(from, key, i);
      expect(tf_dict_string_list_append(to, key.data(), key.size(), text.data(), text.size()));
    }
  }
}

void copy_metadata(tf_dict *to, const tf_dict *from) {
  for (size_t i = 0; i < tf_dict_size(from); ++i)
    copy_value(to, from, i);
}

bool same_value(const tf_dict *a, const tf_dict *b, std::string_view key) {
  const tf_kind kind = kind_of(a, key);
  if (kind != kind_of(b, key)) return false;
  if (kind == TF_KIND_STRING) return string_of(a, key) == string_of(b, key);
  if (kind == TF_KIND_ARRAY) {
    int32_t equal = 0;
    expect(tf_array_equal(&equal, array_of(a, key).get(), array_of(b, key).get()));
    return equal != 0;
  }
  if (kind == TF_KIND_STRING_LIST) {
    const size_t count = list_size(a, key);
    if (count != list_size(b, key)) return false;
    for (size_t i = 0; i < count; ++i) {
      if (list_item(a, key, i) != list_item(b, key, i)) return false;
    }
    return true;
  }
  const Dict child_a = dict_of(a, key);
  const Dict child_b = dict_of(b, key);
  const size_t count = tf_dict_size(child_a.get());
  if (count != tf_dict_size(child_b.get())) return false;
  for (size_t i = 0; i < count; ++i) {
    if (!same_value(child_a.get(), child_b.get(), key_at(child_a.get(), i))) return false;
  }
  return true;
}

}  // namespace cli
