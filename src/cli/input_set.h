// Protects the files that a command reads from what it writes. Links are followed.
#pragma once

#include <filesystem>
#include <string>

#include "tensorfile.hpp"

namespace cli {

// Throws INVALID_ARGUMENT if OUT is one of the files that IN opened.
void require_no_input(const std::string &in, const std::string &out, const tensorfile::File &file);

// Throws INVALID_ARGUMENT if OUT is another part of the set that IN is a part of.
void require_no_part(const std::string &in, const std::string &out);

// Throws INVALID_ARGUMENT if saving OUT as a set replaces an older set of that name to which a file that IN opened
// belongs.
void require_other_set(const std::string &in, const std::string &out, const tensorfile::File &file);

// Returns the file that a path leads to, also if it does not exist, or the path itself if that cannot be found out.
std::filesystem::path resolved_path(const std::string &path);

}  // namespace cli
