// tensorfile check: reads every byte of files and reports what is wrong with them.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/colour.h"
#include "cli/command.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/progress.h"
#include "cli/remote.h"
#include "cli/selection.h"
#include "cli/text.h"

namespace cli {

namespace {

std::string fault_text(const tensorfile::Error &error) {
  return std::string(tensorfile::name(error.status())) + ": " + error.what();
}

// Reads every byte of an array. The bytes of an array of an unknown type are read before the type is refused.
void read_all(const Entry &entry, Progress &progress) {
  if (entry.dtype() == tensorfile::Dtype::unsupported) {
    progress.advance(entry.read_raw().nbytes());
    require_known_dtype(entry);
  }
  Pieces pieces(entry, !reads_in_pieces(entry));
  while (const tensorfile::Array piece = pieces.next())
    progress.advance(piece.nbytes());
}

// Reads the arrays that the options choose, and nothing else but the header.
void check_arrays(tensorfile::CheckReport &found, const tensorfile::File &file,
                  const std::vector<SelectedArray> &arrays, bool skip_unsupported, Progress &progress) {
  for (const std::string_view note : file.notes())
    found.notes.emplace_back(note);
  progress.expect_bytes(total_bytes(arrays));
  for (const SelectedArray &array : arrays) {
    try {
      read_all(array.entry, progress);
    } catch (const tensorfile::Error &error) {
      if (error.status() == tensorfile::Status::out_of_memory) throw;
      const bool excused = skip_unsupported && error.status() == tensorfile::Status::unsupported;
      (excused ? found.excused : found.faults).push_back(fault_text(error));
    }
  }
}

class Check : public Command {
 public:
  Check() : Command("check", "Read every byte of files and report everything that is wrong with them.") {}

  void declare(CommandLine &line) override {
    line.paths(paths_);
    selection_.declare(line);
    line.input(input_);
  }

  int run() override {
    require_effect(selection_, paths_, input_);
    Selection selection(selection_);
    int exit = kExitOk;
    for (const std::string &path : paths_)
      exit = std::max(exit, report_errors(path, [&] { return check_file(path, selection); }));
    return exit;
  }

 private:
  int check_file(const std::string &path, Selection &selection) const {
    Progress progress(path);
    tensorfile::Options options = library_options(input_);
    const tensorfile::CheckReport found =
        selection_.empty() ? check_all(path, options, progress) : check_selected(path, options, selection, progress);
    progress.finish();
    const bool valid = found.faults.empty();
    for (const std::string &fault : found.faults)
      report_fault(path, fault, false);
    if (valid && input_.quiet) return kExitOk;
    for (const std::string &fault : found.excused)
      report_fault(path, fault, true);
    for (const std::string &text : found.notes)
      note(path, text);
    if (valid) print(argument_text(path) + ": " + coloured("ok", Colour::green, Stream::out) + "\n");
    return valid ? kExitOk : kExitBadFile;
  }

  static tensorfile::CheckReport check_all(const std::string &path, tensorfile::Options &options, Progress &progress) {
    progress.watch_all(options);
    if (is_url(path)) return tensorfile::check(open_url(path), tensorfile::Format::auto_, options);
    return tensorfile::check(input_path(path), options);
  }

  // If the file cannot be opened, reports everything that is wrong with it, because its arrays are not known.
  tensorfile::CheckReport check_selected(const std::string &path, tensorfile::Options &options, Selection &selection,
                                         Progress &progress) const {
    tensorfile::File file;
    progress.watch(options);
    try {
      file = open_file(path, options);
    } catch (const tensorfile::Error &) {
      return check_all(path, options, progress);
    }
    tensorfile::CheckReport found;
    // Arrays of unknown types are checked too, but excused.
    const std::vector<SelectedArray> arrays = select_arrays(path, file, selection, tensorfile::Options());
    check_arrays(found, file, arrays, input_.skip_unsupported, progress);
    return found;
  }

  std::vector<std::string> paths_;
  InputOptions input_;
  SelectionOptions selection_;
};

}  // namespace

std::unique_ptr<Command> make_check() {
  return std::make_unique<Check>();
}

}  // namespace cli
