// Formats and compares the metadata of files.
#pragma once

#include <string>
#include <vector>

#include "cli/json_output.h"
#include "tensorfile.hpp"

namespace cli {

using MetadataEntry = tensorfile::Dict::Entry;

// Returns the type of a value: "string", "list of strings", "uint32", "uint32 (3,)", "list".
std::string kind_text(const MetadataEntry &entry);

// Writes a value as JSON. Numbers that JSON cannot express (nan and infinities) become null. At most max_items items of
// a list are written, followed by a string that counts the others.
void write_value(JsonWriter &json, const MetadataEntry &entry, size_t max_items);

// Writes all metadata as one object.
void write_metadata(JsonWriter &json, const tensorfile::Dict &metadata);

// Returns a value as text: a string as it is, any other value as JSON.
std::string value_text(const MetadataEntry &entry);

std::vector<std::string> keys_of(const tensorfile::Dict &metadata);

// True if kinds, dtypes and all bytes of two values are equal.
bool same_value(const MetadataEntry &a, const MetadataEntry &b);

}  // namespace cli
