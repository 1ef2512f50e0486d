// tensorfile edit: changes the names and metadata of files, and removes arrays, without decoding the others.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/edit_file.h"
#include "cli/edit_metadata.h"
#include "cli/error_output.h"
#include "cli/file_path.h"
#include "cli/input_file.h"
#include "cli/metadata_choice.h"
#include "cli/progress.h"
#include "cli/raw_file.h"
#include "cli/remote.h"
#include "cli/selection.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Error;
using tensorfile::Status;

namespace {

struct EditRequest {
  std::vector<std::string> paths;
  SelectionOptions selection;
  MetadataEdits edits;
  MetadataChoice metadata;
  InputOptions input;
  bool follow = false;
  bool in_place = false;
  bool recover = false;

  bool changes_something() const {
    return !selection.empty() || metadata.text != "keep" || !edits.set.empty() || !edits.set_file.empty() ||
           !edits.remove.empty();
  }
};

// Returns the path of the file that will be changed.
std::string target_of(const std::string &path, bool follow) {
  const std::filesystem::path given = file_path(path);
  if (!std::filesystem::is_symlink(given)) return path;
  if (!follow) {
    throw Error(Status::io,
                "is a link; --follow edits the file that it leads to, which other links may lead to as well");
  }
  const std::u8string target = std::filesystem::canonical(given).u8string();
  return {target.begin(), target.end()};
}

void require_one_name(const RawFile &file, bool follow) {
  const uint64_t names = file.link_count();
  if (names <= 1 || follow) return;
  throw Error(Status::io, "has " + std::to_string(names) +
                              " names (hard links); --follow edits it under this name, or with --in-place under all");
}

// The new name of each array; nothing removes the array.
using NewNames = std::vector<std::optional<std::string>>;

// Applies the options to the names of the arrays.
NewNames new_names(const std::string &path, const tensorfile::File &file, const EditRequest &request) {
  Selection selection(request.selection);
  NewNames names(file.size());
  for (SelectedArray &array : select_arrays(path, file, selection, library_options(request.input)))
    names[array.entry.index()] = std::move(array.name);
  selection.require_effect();
  return names;
}

tensorfile::Dict new_metadata(const tensorfile::File &file, const EditRequest &request) {
  const tensorfile::Dict original = file.metadata();
  tensorfile::Dict metadata;
  for (const MetadataEntry &entry : original)
    request.metadata.add(metadata, entry, file.format());
  request.edits.apply(metadata, original);
  return metadata;
}

// Throws UNSUPPORTED if the format cannot hold a new name or value.
void finish_edit(tensorfile::Edit &edit, const NewNames &names, const tensorfile::Dict &metadata) {
  for (size_t i = 0; i < names.size(); ++i)
    names[i] ? edit.rename(i, *names[i]) : edit.remove(i);
  edit.set_metadata(metadata);
  try {
    edit.finish();
  } catch (const Error &error) {
    // The library blames its caller for values of the wrong kind.
    if (error.status() != Status::type && error.status() != Status::invalid_argument) throw;
    throw Error(Status::unsupported, error.what(), error.name());
  }
}

// Throws UNSUPPORTED for a URL and for standard input.
void require_changeable(const std::string &path) {
  if (is_url(path)) throw Error(Status::unsupported, "a file at a URL cannot be changed; download it first");
  if (path == "-") {
    throw Error(
        Status::unsupported,
        "standard input cannot be changed; tensorfile convert --to FORMAT - - has the same options and writes to "
        "standard output");
  }
}

// Throws UNSUPPORTED for a folder and for an index.
void require_one_file(const std::string &path, const EditRequest &request) {
  const bool is_set =
      request.input.parts || path.ends_with(".index.json") || std::filesystem::is_directory(file_path(path));
  if (!is_set) return;
  throw Error(
      Status::unsupported,
      "edit changes one file at a time: edit the files of a set one by one, or write another set with tensorfile "
      "convert --part-bytes");
}

void edit_file(const std::string &path, const EditRequest &request) {
  require_one_file(path, request);
  Progress progress(path);
  const std::string target = target_of(path, request.follow);
  require_recovered(target);
  require_one_name(RawFile::open(target, false), request.follow);
  tensorfile::Options options = library_options(request.input);
  progress.watch_all(options);
  tensorfile::Source source = tensorfile::Source::from_path(target);
  source.set_name(path);
  const tensorfile::File file(source, tensorfile::Format::auto_, options);
  tensorfile::Edit edit(file);
  const NewNames names = new_names(path, file, request);
  const tensorfile::Dict metadata = new_metadata(file, request);
  finish_edit(edit, names, metadata);
  request.in_place ? patch_header(target, edit, options) : replace_file(target, edit, options);
  progress.finish();
  print_notes(path, file);
}

void recover_file(const std::string &path, const EditRequest &request) {
  if (!recover_header(target_of(path, request.follow))) note(path, "there is no interrupted edit to recover from");
}

class Edit : public Command {
 public:
  Edit() : Command("edit", "Change names and metadata, and remove arrays, without decoding any array.") {}

  void declare(CommandLine &line) override {
    request_.metadata.declare(line);
    request_.edits.declare(line);
    line.flag("--follow", request_.follow, "edit the file that a link leads to, and files that have several names");
    line.flag("--in-place", request_.in_place,
              "write only the header, into the file itself, if the new one fits; the file must not be read meanwhile");
    line.flag("--recover", request_.recover, "restore the header after an interrupted edit --in-place");
    request_.selection.declare(line);
    line.input(request_.input);
    line.paths(request_.paths);
  }

  int run() override {
    request_.metadata.check();
    if (request_.recover == request_.changes_something()) {
      throw UsageError{request_.recover ? "--recover cannot be combined with options that change a file"
                                        : "expected an option that changes the file, such as --set or --rename"};
    }
    int exit = kExitOk;
    for (const std::string &path : request_.paths) {
      const int status = report_errors(path, [&]() -> int {
        require_changeable(path);
        request_.recover ? recover_file(path, request_) : edit_file(path, request_);
        return kExitOk;
      });
      exit = std::max(exit, status);
    }
    return exit;
  }

 private:
  EditRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_edit() {
  return std::make_unique<Edit>();
}

}  // namespace cli
