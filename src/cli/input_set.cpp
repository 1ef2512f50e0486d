#include "cli/input_set.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include "cli/file_path.h"
#include "cli/remote.h"
#include "cli/text.h"

namespace cli {

namespace {

using Path = std::filesystem::path;

bool is_same_file(const Path &a, const Path &b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored);
}

Path folder_of(const Path &path) {
  return path.has_parent_path() ? path.parent_path() : Path(".");
}

std::string name_of(const Path &path) {
  const std::u8string utf8 = path.filename().u8string();
  return {utf8.begin(), utf8.end()};
}

// Returns where the number of a part begins in a name, NAME-00001-of-00003.gguf; npos if it has none.
size_t number_at(std::string_view name) {
  constexpr std::string_view kForm = "-#####-of-#####";
  const size_t extension = name.rfind('.');
  if (extension == std::string_view::npos || extension < kForm.size()) return std::string_view::npos;
  const size_t start = extension - kForm.size();
  for (size_t i = 0; i < kForm.size(); ++i) {
    const char c = name[start + i];
    if (kForm[i] == '#' ? c < '0' || c > '9' : c != kForm[i]) return std::string_view::npos;
  }
  return start;
}

// Replaces the number of a part in a name by zeros. Returns "" if it has none.
std::string without_number(const Path &path) {
  std::string name = name_of(path);
  const size_t start = number_at(name);
  return start == std::string::npos ? "" : name.replace(start + 1, 5, 5, '0');
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
    if (location != previous) files.push_back(file_path(location));
    previous = location;
  }
  return files;
}

bool contains(const std::vector<Path> &files, const Path &path) {
  return std::any_of(files.begin(), files.end(), [&path](const Path &file) { return is_same_file(file, path); });
}

// True if IN opened other files than itself.
bool is_set(const std::vector<Path> &files, const Path &in) {
  return std::any_of(files.begin(), files.end(), [&in](const Path &file) { return !is_same_file(file, in); });
}

// Opens the whole set that a file belongs to. Returns an empty file if that fails; *misses is true if one of its files
// does not exist.
tensorfile::File open_set(bool *misses, const std::string &path) {
  *misses = false;
  try {
    return tensorfile::File(path, tensorfile::Options().set(tensorfile::Option::parts, 1));
  } catch (const tensorfile::Error &error) {
    *misses = error.status() == tensorfile::Status::not_found;
    return {};
  }
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
  Path target = std::filesystem::weakly_canonical(file_path(path), error);
  return error ? file_path(path) : target;
}

void require_no_input(const std::string &in, const std::string &out, const tensorfile::File &file) {
  if (!contains(files_of(file_path(in), file), file_path(out))) return;
  throw refused(out, "is a file that is read, and would be overwritten");
}

void require_no_part(const std::string &in, const std::string &out) {
  if (!is_other_part(resolved_path(in), resolved_path(out))) return;
  throw refused(out, "is another part of the set that " + argument_text(in) + " belongs to, and would be overwritten");
}

void require_other_set(const std::string &in, const std::string &out, const tensorfile::File &file) {
  if (!replaces_set_of(files_of(resolved_path(in), file), resolved_path(out))) return;
  throw refused(out, "would replace the set that " + argument_text(in) + " belongs to");
}

bool is_unnumbered_part(const std::string &path, const tensorfile::File &file) {
  const Path name = file_path(path);
  const bool can_be = tensorfile::ability(file.format(), tensorfile::Ability::parts) != 0 &&
                      number_at(name_of(name)) == std::string::npos;
  if (!can_be || is_set(files_of(name, file), name)) return false;
  bool misses = false;
  const tensorfile::File set = open_set(&misses, path);
  return misses || is_set(files_of(name, set), name);
}

bool have_same_number(const std::string &a, const std::string &b) {
  const std::string names[] = {name_of(file_path(a)), name_of(file_path(b))};
  const size_t starts[] = {number_at(names[0]), number_at(names[1])};
  return starts[0] != std::string::npos && starts[1] != std::string::npos &&
         names[0].substr(starts[0]) == names[1].substr(starts[1]);
}

}  // namespace cli
