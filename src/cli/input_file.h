// Helpers for the files that the commands read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "tensorfile.hpp"

namespace cli {

// An array of an open file.
using Entry = tensorfile::File::Entry;

// Converts the options of a command to those of the library. Throws UsageError if a value is not valid.
tensorfile::Options library_options(const InputOptions &input);

// Returns the path to open in place of an argument: that of standard input for "-", from which the bytes can be read in
// any order.
std::string input_path(const std::string &argument);

tensorfile::File open_file(const std::string &argument, const tensorfile::Options &options);

// Returns the names of all arrays.
std::vector<std::string> array_names(const tensorfile::File &file);

// Returns the number of elements of an array, the product of its shape.
int64_t element_count(std::span<const int64_t> shape);

// Returns the dtype and shape of an array, such as "float32 (2, 3)".
std::string type_text(const Entry &entry);

// Returns the remarks about a file, in which options of the library are not replaced by flags of the program.
std::vector<std::string> notes_of(const std::string &path, const tensorfile::File &file);

// Prints the remarks about a file on standard error.
void print_notes(const std::string &path, const tensorfile::File &file);

// Throws the library's error for an array of an unknown dtype.
void require_known_dtype(const Entry &entry);

// Finds an array by name. Throws UsageError if there is none.
Entry find_array(const tensorfile::File &file, const std::string &path, const std::string &name);

}  // namespace cli
