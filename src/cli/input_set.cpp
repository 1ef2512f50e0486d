#include "cli/input_set.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

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

// Returns the paths of the files that were opened, IN first.
std::vector<Path> files_of(const Path &in, const tensorfile::File &file) {
  std::vector<Path> files{in};
  std::string_view previous;
  for (const tensorfile::File::Entry &entry : file) {
    const std::string_view location = entry.location().path;
    if (location != previous) files.push_back(path_of(location));
    previous = location;
  }
  return files;
}

bool contains(const std::vector<Path> &files, const Path &path) {
  return std::any_of(files.begin(), files.end(), [&path](const Path &file) { return is_same_file(file, path); });
}

// Returns the files that an index lists, or nothing if it cannot be read.
std::vector<Path> files_of_index(const Path &index) {
  const std::u8string path = index.u8string();
  try {
    return files_of(index, tensorfile::File(std::string(path.begin(), path.end())));
  } catch (const tensorfile::Error &) {
    return {};
  }
}

// True if saving OUT as a set removes a file because it belongs to an older set of that name.
bool replaces_set_of(const std::vector<Path> &files, const Path &out) {
  const std::vector<Path> listed = files_of_index(Path(out) += ".index.json");
  const std::u8string stem = out.stem().u8string();
  const std::string numbered = std::string(stem.begin(), stem.end()) + "-00000-of-";
  return std::any_of(files.begin(), files.end(), [&](const Path &file) {
    const bool same_name = is_same_file(folder_of(file), folder_of(out)) && without_number(file).starts_with(numbered);
    return same_name || contains(listed, file);
  });
}

tensorfile::Error refused(const std::string &out, const std::string &why) {
  return {tensorfile::Status::invalid_argument, escaped(out) + ": " + why + "; write to another path"};
}

}  // namespace

Path resolved_path(const std::string &path) {
  std::error_code error;
  Path target = std::filesystem::weakly_canonical(path_of(path), error);
  return error ? path_of(path) : target;
}

void require_no_input(const std::string &in, const std::string &out, const tensorfile::File &file) {
  if (!contains(files_of(path_of(in), file), path_of(out))) return;
  throw refused(out, "is a file that is read, and would be overwritten");
}

void require_no_part(const std::string &in, const std::string &out) {
  if (!is_other_part(resolved_path(in), resolved_path(out))) return;
  throw refused(out, "is another part of the set that " + escaped(in) + " belongs to, and would be overwritten");
}

void require_other_set(const std::string &in, const std::string &out, const tensorfile::File &file) {
  if (!replaces_set_of(files_of(resolved_path(in), file), resolved_path(out))) return;
  throw refused(out, "would replace the set that " + escaped(in) + " belongs to");
}

}  // namespace cli
