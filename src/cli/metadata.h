// Metadata of a file as text, and compared.
#pragma once

#include <string>
#include <string_view>

#include "cli/handles.h"
#include "cli/json.h"

namespace cli {

// The key at a place of a dict.
std::string_view key_at(const tf_dict *dict, size_t index);

// The string under a key.
std::string_view string_of(const tf_dict *dict, std::string_view key);

// The list of strings under a key.
size_t list_size(const tf_dict *dict, std::string_view key);
std::string_view list_item(const tf_dict *dict, std::string_view key, size_t index);

// The array, or dict, under a key.
Array array_of(const tf_dict *dict, std::string_view key);
Dict dict_of(const tf_dict *dict, std::string_view key);

// What a value is: "string", "list of strings", "uint32", "uint32 (3,)", "list".
std::string kind_text(const tf_dict *dict, std::string_view key);

// A value as JSON. Numbers that JSON has no text for (nan, infinities) become null. Of a list, at most `most` items are
// written, and what is left out is counted in a string behind them.
void write_value(JsonWriter &json, const tf_dict *dict, std::string_view key, size_t most);

// All metadata as one object.
void write_metadata(JsonWriter &json, const tf_dict *metadata);

// Copies the value at a place of a dict, or all values.
void copy_value(tf_dict *to, const tf_dict *from, size_t index);
void copy_metadata(tf_dict *to, const tf_dict *from);

// Kind, dtype and every byte agree.
bool same_value(const tf_dict *a, const tf_dict *b, std::string_view key);

}  // namespace cli
