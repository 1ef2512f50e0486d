// Protects the files that a command reads from what it writes. Links are followed.
#pragma once

#include <filesystem>
#include <string>

#include "tensorfile.hpp"

namespace cli {

// True if an opened file is one of a set, but has no number that shows it: an index in its folder lists it with others.
bool is_unnumbered_part(const std::string &path, const tensorfile::File &file);

// True if the names of two files end in the same number of a part, as in a-00001-of-00003.gguf and b-00001-of-00003.gguf.
bool have_same_number(const std::string &a, const std::string &b);

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
