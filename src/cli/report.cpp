// tensorfile report: writes a page of HTML that describes the arrays and metadata of a file.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cli/approximation.h"
#include "cli/command.h"
#include "cli/error_output.h"
#include "cli/format_list.h"
#include "cli/input_file.h"
#include "cli/input_set.h"
#include "cli/json_output.h"
#include "cli/metadata.h"
#include "cli/progress.h"
#include "cli/remote.h"
#include "cli/selection.h"
#include "cli/statistics.h"
#include "cli/text.h"
#include "cli/text_output.h"

namespace cli {

namespace {

// The page before and after its data, kPageStart and kPageEnd.
#include "report_page.inc"

// Limits of what the page shows of the metadata, and of the arrays that only the original has.
constexpr size_t kItemsOfPage = 100;
constexpr size_t kShownCharacters = 20000;
constexpr size_t kShownNames = 20;

struct ReportRequest {
  std::string path;
  std::string original;
  std::string out;
  SelectionOptions selection;
  InputOptions input;
};

// An error about a file that is read.
struct FileError {
  std::string path;
  tensorfile::Error error;
};

struct Input {
  std::string path;
  tensorfile::File file;
  std::vector<SelectedArray> arrays;
};

Input open_input(const std::string &path, const tensorfile::Options &options, Selection &selection) {
  try {
    tensorfile::File file = open_file(path, options);
    std::vector<SelectedArray> arrays = select_arrays(path, file, selection, options);
    return {path, std::move(file), std::move(arrays)};
  } catch (const tensorfile::Error &error) {
    throw FileError{path, error};
  }
}

// Writes the data of the page while the arrays are read. Names and texts are escaped as on a terminal.
class Page {
 public:
  // `original` may be NULL.
  Page(TextOutput &out, const Input &input, const Input *original, Progress &progress)
      : out_(out), input_(input), original_(original), progress_(progress) {
    if (original == nullptr) return;
    for (const SelectedArray &array : original->arrays)
      originals_.emplace(array.name, &array.entry);
  }

  // Returns the first failure to read an array. The page says which arrays could not be read.
  std::optional<FileError> write();

 private:
  void write_head();
  void write_original();
  void write_metadata();
  void write_array(const SelectedArray &array);
  void write_error(const SelectedArray &array);
  void compare(const Entry &entry, const Entry &original);
  template <typename Work>
  void or_problem(const std::string &path, Work &&work);
  void flush();

  TextOutput &out_;
  const Input &input_;
  const Input *original_;
  std::unordered_map<std::string_view, const Entry *> originals_;  // by name
  Progress &progress_;
  JsonWriter json_;
  std::optional<FileError> failure_;
};

std::optional<FileError> Page::write() {
  out_.write(kPageStart);
  json_.open('{');
  write_head();
  write_metadata();
  json_.key("arrays").open('[');
  for (const SelectedArray &array : input_.arrays) {
    write_array(array);
    flush();
  }
  json_.close(']').close('}');
  flush();
  out_.write(kPageEnd);
  return failure_;
}

// A browser ends the element with the data at the first "</script", so every "<" is escaped.
void Page::flush() {
  std::string safe;
  for (const char c : json_.take())
    safe.append(c == '<' ? "\\u003c" : std::string_view(&c, 1));
  out_.write(safe);
}

void Page::write_head() {
  json_.key("version").string(tensorfile::version());
  json_.key("path").string(argument_text(input_.path)).key("format").string(tensorfile::name(input_.file.format()));
  json_.key("notes").open('[');
  for (const std::string_view text : input_.file.notes())
    json_.string(escaped(text));
  json_.close(']');
  if (original_ != nullptr) write_original();
}

// Writes which file the arrays are compared with, and which arrays only that one has.
void Page::write_original() {
  json_.key("original").open('{').key("path").string(argument_text(original_->path));
  json_.key("format").string(tensorfile::name(original_->file.format()));
  std::unordered_set<std::string_view> names;
  for (const SelectedArray &array : input_.arrays)
    names.insert(array.name);
  uint64_t missing = 0;
  json_.key("examples").open('[');
  for (const SelectedArray &array : original_->arrays) {
    if (names.contains(array.name)) continue;
    if (missing++ < kShownNames) json_.string(escaped(array.name));
  }
  json_.close(']').key("missing").number(missing).close('}');
}

void Page::write_metadata() {
  json_.key("metadata").open('[');
  const tensorfile::Dict metadata = input_.file.metadata();
  for (const MetadataEntry &entry : metadata) {
    std::string text;
    if (entry.kind() == tensorfile::Kind::string) {
      text = escaped_lines(entry.string());
    } else {
      JsonWriter value;
      write_value(value, entry, kItemsOfPage);
      text = value.text();
    }
    json_.open('{').key("key").string(escaped(entry.key())).key("type").string(kind_text(entry));
    json_.key("value").string(cut(std::move(text), kShownCharacters)).close('}');
    flush();
  }
  json_.close(']');
}

// Does work, or writes a member with the reason why it failed.
template <typename Work>
void Page::or_problem(const std::string &path, Work &&work) {
  try {
    work();
  } catch (const tensorfile::Error &error) {
    if (error.status() == tensorfile::Status::cancelled) throw FileError{path, error};
    json_.key("problem").string(escaped(error.what()));
    if (!failure_) failure_.emplace(FileError{path, error});
  }
}

void Page::write_array(const SelectedArray &array) {
  const Entry &entry = array.entry;
  json_.open('{').key("name").string(escaped(array.name)).key("dtype").string(escaped(entry.type()));
  json_.key("shape").string(shape_text(entry.shape())).key("bytes").number(entry.nbytes());
  json_.key("elements").number(element_count(entry.shape()));
  if (has_statistics(entry.dtype())) {
    or_problem(input_.path, [&] { write_statistics(json_, statistics_of(entry, progress_)); });
  }
  if (original_ != nullptr) write_error(array);
  json_.close('}');
}

// Writes how far an array is from its original, or why that cannot be said.
void Page::write_error(const SelectedArray &array) {
  json_.key("error").open('{');
  const auto original = originals_.find(array.name);
  if (original == originals_.end()) {
    json_.key("problem").string("has no such array");
  } else {
    compare(array.entry, *original->second);
  }
  json_.close('}');
}

void Page::compare(const Entry &entry, const Entry &original) {
  json_.key("original").string(type_text(original));
  const auto shape = entry.shape();
  const auto original_shape = original.shape();
  if (!std::equal(shape.begin(), shape.end(), original_shape.begin(), original_shape.end())) {
    json_.key("problem").string("has another shape");
  } else if (!has_statistics(entry.dtype()) || !has_statistics(original.dtype())) {
    json_.key("problem").string("the values are not real numbers");
  } else {
    or_problem(original_->path, [&] {
      const Approximation error = approximation_of(entry, original, progress_);
      json_.key("rms").number(error.rms).key("max").number(error.largest).key("relative").number(error.relative);
      json_.key("excluded").number(error.excluded);
    });
  }
}

int write_report(const ReportRequest &request) {
  Progress progress(request.path);
  tensorfile::Options options = library_options(request.input);
  progress.watch(options);
  Selection selection(request.selection);
  const Input input = open_input(request.path, options, selection);
  require_no_input(input.path, request.out, input.file);
  std::optional<Input> original;
  if (!request.original.empty()) {
    original.emplace(open_input(request.original, options, selection));
    require_no_input(original->path, request.out, original->file);
  }
  selection.require_effect();
  progress.expect_bytes(total_bytes(input.arrays) * (original ? 2 : 1));
  TextOutput out(request.out);
  const std::optional<FileError> failure = Page(out, input, original ? &*original : nullptr, progress).write();
  out.commit();
  progress.finish();
  return failure ? report(failure->path, failure->error) : kExitOk;
}

class Report : public Command {
 public:
  Report() : Command("report", "Write a page of HTML that describes the arrays and metadata of a file.") {}

  void declare(CommandLine &line) override {
    line.argument("FILE", request_.path, "file to read: " + list_extensions());
    line.required_option("-o,--output", request_.out, "write the page to OUT (- for standard output)", "OUT");
    line.option("--against", request_.original,
                "compare each array with the array of the same name in ORIGINAL, of which FILE is a quantized form",
                "ORIGINAL");
    request_.selection.declare(line);
    line.input(request_.input);
  }

  int run() override {
    if (tensorfile::format_from_path(request_.out) != tensorfile::Format::auto_) {
      throw UsageError{"--output: the page is HTML, but the extension of " + in_quotes(shown_argument(request_.out)) +
                       " is that of arrays"};
    }
    try {
      return write_report(request_);
    } catch (const FileError &failure) {
      return report(failure.path, failure.error);
    } catch (const tensorfile::Error &error) {
      return report(request_.out, error);
    }
  }

 private:
  ReportRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_report() {
  return std::make_unique<Report>();
}

}  // namespace cli
