#include "cli/input_set.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "cli/text.h"

namespace cli {

namespace {

using Path = std::filesystem::path;

Path path_of(std::string_view utf8) {
  return {std::u8string(utf8.begin(), utf8.end())};
}

bool is_same_file(const Path &a, const Path &b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored);
}

Path folder_of(const Path &path) {
  return path.has_parent_path() ? path.parent_path() : Path(".");
}

// Replaces the number of a part in a name, NAME-00001-of-00003.gguf, by zeros. Returns "" if the name has no such form.
std::string without_number(const Path &path) {
  constexpr std::string_view kForm = "-#####-of-#####";
  const std::u8string utf8 = path.filename().u8string();
  std::string name(utf8.begin(), utf8.end());
  const size_t extension = name.rfind('.');
  if (extension == std::string::npos || extension < kForm.size()) return "";
  const size_t start = extension - kForm.size();
  for (size_t i = 0; i < kForm.size(); ++i) {
    const char c = name[start + i];
    if (kForm[i] == '#' ? c < '0' || c > '9' : c != kForm[i]) return "";
  }
  return name.replace(start + 1, 5, 5, '0');
}

bool is_other_part(const Path &in, const Path &out) {
  const std::string name = without_number(in);
  return !name.empty() && name == without_number(out) && in.filename() != out.filename() &&
         is_same_file(folder_of(in), folder_of(out));
}

// True if a set of files has been opened, and OUT is one of them.
bool is_file_of_set(const Path &in, const Path &out, const tensorfile::File &file) {
  bool is_set = false;
  bool found = false;
  std::string_view previous;
  for (const tensorfile::File::Entry &entry : file) {
    const std::string_view location = entry.location().path;
    if (location == previous) continue;
    previous = location;
    is_set = is_set || !is_same_file(path_of(location), in);
    found = found || is_same_file(path_of(location), out);
  }
  return is_set && found;
}

}  // namespace

void require_outside_of_set(const std::string &in, const std::string &out, const tensorfile::File &file) {
  const Path from = path_of(in);
  const Path to = path_of(out);
  if (!is_other_part(from, to) && !is_file_of_set(from, to, file)) return;
  throw tensorfile::Error(tensorfile::Status::invalid_argument,
                          "is a file of the set that " + escaped(in) + " belongs to, and would be overwritten");
}

}  // namespace cli
