// Helpers for the files that the commands read.
#pragma once

#include <cstdint>
#include <string>

#include "tensorfile.hpp"

namespace cli {

// An array of an open file.
using Entry = tensorfile::File::Entry;

// Options for opening a file. With parts, one part of a split .gguf opens the whole set.
tensorfile::Options input_options(bool parts);

// The bytes of all arrays.
uint64_t total_bytes(const tensorfile::File &file);

// "float32 (2, 3)"
std::string type_text(const Entry &entry);

// Throws the library's error for an array of an unknown dtype.
void require_known_dtype(const Entry &entry);

// Finds an array by name. Throws UsageError if there is none.
Entry find_array(const tensorfile::File &file, const std::string &path, const std::string &name);

}  // namespace cli
