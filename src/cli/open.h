// Files as the commands open them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/handles.h"

namespace cli {

// parts: a .gguf that is one of several stands for all of them.
Options new_options(bool parts);

// Opens and validates a file. Throws FileError.
File open_file(const std::string &path, const tf_options *options);

// The metadata; borrowed from nobody.
Dict metadata_of(const tf_file *file);

std::string_view array_name(const tf_file *file, size_t index);
std::span<const int64_t> array_shape(const tf_file *file, size_t index);

// Bytes of all arrays.
uint64_t total_bytes(const tf_file *file);

// "float32 (2, 3)"
std::string type_text(const tf_file *file, size_t index);

// Throws the FileError of reading an array of an unknown type, as the library tells it.
void expect_known(const tf_file *file, size_t index);

// The place of a name. Throws UsageError when there is none.
size_t find_array(const tf_file *file, const std::string &path, const std::string &name);

}  // namespace cli
