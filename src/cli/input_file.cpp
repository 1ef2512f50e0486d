#include "cli/input_file.h"

#include "cli/error_output.h"
#include "cli/input_set.h"
#include "cli/text.h"

namespace cli {

tensorfile::Options library_options(const InputOptions &input) {
  tensorfile::Options options;
  options.set(tensorfile::Option::parts, input.parts ? 1 : 0).set(tensorfile::Option::lenient, input.lenient ? 1 : 0);
  try {
    options.set(tensorfile::Option::format, input.format);
  } catch (const tensorfile::Error &error) {
    throw UsageError{std::string("--") + error.what()};
  }
  return options;
}

std::vector<std::string> notes_of(const std::string &path, const tensorfile::File &file) {
  const std::vector<std::string_view> found = file.notes();
  std::vector<std::string> notes(found.begin(), found.end());
  if (is_unnumbered_part(path, file))
    notes.emplace_back("this is one file of a set; TF_OPTION_PARTS opens all of them");
  return notes;
}

void print_notes(const std::string &path, const tensorfile::File &file) {
  for (const std::string &text : notes_of(path, file))
    note(path, text);
}

int64_t element_count(std::span<const int64_t> shape) {
  int64_t count = 1;
  for (const int64_t size : shape)
    count *= size;
  return count;
}

std::string type_text(const Entry &entry) {
  return escaped(entry.type()) + " " + shape_text(entry.shape());
}

void require_known_dtype(const Entry &entry) {
  if (entry.dtype() == tensorfile::Dtype::unsupported) entry.read();
}

Entry find_array(const tensorfile::File &file, const std::string &path, const std::string &name) {
  if (!file.contains(name)) throw UsageError{escaped(path) + " has no array named " + in_quotes(name)};
  return file.at(name);
}

}  // namespace cli
