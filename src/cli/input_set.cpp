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

// Returns the paths of the files that were opened.
std::vector<Path> files_of(const tensorfile::File &file) {
  std::vector<Path> files;
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

// True if IN opened other files than itself.
bool is_set(const std::vector<Path> &files, const Path &in) {
  return std::any_of(files.begin(), files.end(), [&in](const Path &file) { return !is_same_file(file, in); });
}

// True if an index lists a file.
bool lists(const Path &index, const Path &file) {
  const std::u8string path = index.u8string();
  try {
    return contains(files_of(tensorfile::File(std::string(path.begin(), path.end()))), file);
  } catch (const tensorfile::Error &) {
    return false;
  }
}

// True if saving OUT as a set replaces the set that IN is only one file of.
bool replaces_set_of(const Path &in, const Path &out, const std::vector<Path> &files) {
  if (is_set(files, in) || !is_same_file(folder_of(in), folder_of(out))) return false;
  const std::string numbered = without_number(in);
  const std::u8string stem = out.stem().u8string();
  const std::string name(stem.begin(), stem.end());
  return (!numbered.empty() && numbered.starts_with(name + "-00000-of-")) || lists(Path(out) += ".index.json", in);
}

}  // namespace

Path resolved_path(const std::string &path) {
  std::error_code error;
  Path target = std::filesystem::weakly_canonical(path_of(path), error);
  return error ? path_of(path) : target;
}

void require_no_input(const std::string &in, const std::string &out, const tensorfile::File &file) {
  const Path to = path_of(out);
  if (!is_same_file(path_of(in), to) && !contains(files_of(file), to)) return;
  throw tensorfile::Error(tensorfile::Status::invalid_argument, "is a file that is read, and would be overwritten");
}

void require_outside_of_set(const std::string &in, const std::string &out, const tensorfile::File &file,
                            bool in_parts) {
  const Path from = resolved_path(in);
  const Path to = resolved_path(out);
  const std::vector<Path> files = files_of(file);
  const bool overwrites = is_other_part(from, to) || (is_set(files, from) && contains(files, to));
  if (!overwrites && !(in_parts && replaces_set_of(from, to, files))) return;
  throw tensorfile::Error(
      tensorfile::Status::invalid_argument,
      overwrites
          ? "is a file of the set that " + escaped(in) + " belongs to, and would be overwritten"
          : "would replace the whole set that " + escaped(in) + " is one file of; --parts converts all of the set");
}

}  // namespace cli
