#include "cli/input_file.h"

#include "cli/error_output.h"
#include "cli/input_set.h"
#include "cli/platform.h"
#include "cli/remote.h"
#include "cli/settings.h"
#include "cli/suggestion.h"
#include "cli/text.h"

namespace cli {

namespace {

// Messages of the library begin with the name of the option.
void set_number(tensorfile::Options &options, const std::string &name, int64_t value) {
  try {
    options.set(static_cast<tensorfile::Option>(tf_option_from_name(name.c_str())), value);
  } catch (const tensorfile::Error &error) {
    throw UsageError{flag_of(name) + std::string(error.what()).substr(name.size())};
  }
}

}  // namespace

tensorfile::Options library_options(const InputOptions &input) {
  tensorfile::Options options;
  options.set(tensorfile::Option::parts, input.parts ? 1 : 0).set(tensorfile::Option::lenient, input.lenient ? 1 : 0);
  options.set(tensorfile::Option::skip_unsupported, input.skip_unsupported ? 1 : 0);
  try {
    options.set(tensorfile::Option::format, input.format);
  } catch (const tensorfile::Error &error) {
    throw UsageError{std::string("--") + error.what()};
  }
  for (const auto &[name, value] : input.numbers)
    set_number(options, name, value);
  settings().threads = static_cast<size_t>(options.get(tensorfile::Option::threads));
  return options;
}

std::vector<std::string> notes_of(const std::string &path, const tensorfile::File &file) {
  const std::vector<std::string_view> found = file.notes();
  std::vector<std::string> notes(found.begin(), found.end());
  if (path != "-" && !is_url(path) && is_unnumbered_part(path, file))
    notes.emplace_back("this is one file of a set; TF_OPTION_PARTS opens all of them");
  return notes;
}

std::string input_path(const std::string &argument) {
  return argument == "-" ? standard_input_path() : argument;
}

tensorfile::File open_file(const std::string &argument, const tensorfile::Options &options) {
  if (is_url(argument)) return tensorfile::File(open_url(argument), tensorfile::Format::auto_, options);
  return tensorfile::File(input_path(argument), options);
}

std::vector<std::string> array_names(const tensorfile::File &file) {
  std::vector<std::string> names;
  for (const Entry &entry : file)
    names.emplace_back(entry.name());
  return names;
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
  if (!file.contains(name)) {
    throw UsageError{argument_text(path) + " has no array named " + in_quotes(name) +
                     did_you_mean(name, array_names(file))};
  }
  return file.at(name);
}

}  // namespace cli
