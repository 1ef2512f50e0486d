// Protects the set of files that IN belongs to.
#pragma once

#include <filesystem>
#include <string>

#include "tensorfile.hpp"

namespace cli {

// Throws INVALID_ARGUMENT if OUT is a file of the set of files that IN opened, or another part of the set that IN is a part
// of: writing it would destroy the set. With in_parts, OUT is saved as a set, which must not replace one of which only one
// file was opened. OUT may be the same file as IN if that is a file by itself. Links are followed.
void require_outside_of_set(const std::string &in, const std::string &out, const tensorfile::File &file, bool in_parts);

// Throws INVALID_ARGUMENT if OUT is one of the files that IN opened. Links are followed.
void require_no_input(const std::string &in, const std::string &out, const tensorfile::File &file);

// Returns the file that a path leads to, also if it does not exist, or the path itself if that cannot be found out.
std::filesystem::path resolved_path(const std::string &path);

}  // namespace cli
