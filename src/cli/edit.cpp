// tensorfile edit: changes the names and metadata of files, and removes arrays, without decoding the others.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/convert.h"
#include "cli/edit_file.h"
#include "cli/edit_metadata.h"
#include "cli/error_output.h"
#include "cli/file_path.h"
#include "cli/input_file.h"
#include "cli/metadata_choice.h"
#include "cli/remote.h"
#include "cli/selection.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Error;
using tensorfile::Status;

namespace {

struct Request {
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

// Applies the options to the names of the arrays.
std::vector<std::optional<std::string>> new_names(const std::string &path, const tensorfile::File &file,
                                                  const Request &request) {
  Selection selection(request.selection);
  std::vector<std::optional<std::string>> names(file.size());
  for (SelectedArray &array : select_arrays(path, file, selection, library_options(request.input)))
    names[array.entry.index()] = std::move(array.name);
  selection.require_effect();
  return names;
}

tensorfile::Dict new_metadata(const tensorfile::File &file, const Request &request) {
  const tensorfile::Dict original = file.metadata();
  tensorfile::Dict metadata;
  for (const MetadataEntry &entry : original)
    request.metadata.add(metadata, entry, file.format());
  request.edits.apply(metadata, original);
  return metadata;
}

// Throws UNSUPPORTED if the format cannot hold a new name or value.
void require_holdable(const Rewrite &rewrite) {
  std::vector<PlannedArray> renamed;
  for (const Entry &entry : rewrite.file) {
    const std::optional<std::string> &name = rewrite.names[entry.index()];
    if (!name || *name == entry.name()) continue;
    // Only the name matters. All formats have this dtype.
    renamed.push_back({0, entry.index(), *name, tensorfile::Dtype::int8, tensorfile::Dtype::int8, {}});
  }
  tensorfile::Options options;
  options.set(tensorfile::Option::gguf_extended, 1);
  const tensorfile::Format format = rewrite.file.format();
  std::string list;
  for (const std::string &refusal : refusals(format, renamed, rewrite.metadata, options))
    list += (list.empty() ? "" : ", ") + refusal;
  if (!list.empty()) throw Error(Status::unsupported, std::string(tensorfile::name(format)) + " cannot hold " + list);
}

// True if a new array describes the same bytes as the old one. That of an unknown type can include padding.
bool same_array(const Entry &old, const Entry &now) {
  const auto shape = old.shape();
  const auto new_shape = now.shape();
  const uint64_t stored = old.location().stored_bytes;
  const uint64_t new_stored = now.location().stored_bytes;
  return old.type() == now.type() && std::equal(shape.begin(), shape.end(), new_shape.begin(), new_shape.end()) &&
         (stored == new_stored || (old.dtype() == tensorfile::Dtype::unsupported && stored < new_stored));
}

// Opens the new file before anything is written, and throws if it is not what it should be.
void check_contents(const Rewrite &rewrite, const NewFile &contents, const Request &request) {
  const auto read = [&](uint64_t offset, void *to, size_t nbytes) {
    contents.read(rewrite.old, offset, static_cast<char *>(to), nbytes);
  };
  const tensorfile::Source source = tensorfile::Source::from_function(contents.size(), read);
  const tensorfile::File file(source, rewrite.file.format(), library_options(request.input));
  size_t kept = 0;
  bool same = same_metadata(file.metadata(), rewrite.metadata);
  for (const Entry &entry : rewrite.file) {
    const std::optional<std::string> &name = rewrite.names[entry.index()];
    if (!name) continue;
    ++kept;
    same = same && file.contains(*name) && same_array(entry, file.at(*name));
  }
  if (!same || kept != file.size()) {
    throw Error(Status::internal, "the edited file would not be what the options ask for; it has not been written");
  }
}

// Throws UNSUPPORTED for a folder and for an index.
void require_one_file(const std::string &path, const Request &request) {
  const bool is_set =
      request.input.parts || path.ends_with(".index.json") || std::filesystem::is_directory(file_path(path));
  if (!is_set) return;
  throw Error(
      Status::unsupported,
      "edit changes one file at a time: edit the files of a set one by one, or write another set with tensorfile "
      "convert --part-bytes");
}

void edit_file(const std::string &path, const Request &request) {
  require_one_file(path, request);
  Progress progress(path);
  const std::string target = target_of(path, request.follow);
  require_recovered(target);
  RawFile old = RawFile::open(target, request.in_place);
  require_one_name(old, request.follow);
  tensorfile::Source source = tensorfile::Source::from_fd(old.descriptor());
  source.set_name(path);
  const tensorfile::File file(source, tensorfile::Format::auto_, library_options(request.input));
  const RewriteFunction rewritten = rewrite_function(file);
  const Rewrite rewrite{old, file, new_names(path, file, request), new_metadata(file, request)};
  require_holdable(rewrite);
  const NewFile contents = rewritten(rewrite);
  check_contents(rewrite, contents, request);
  request.in_place ? patch_header(target, old, contents) : replace_contents(target, old, contents, progress);
  print_notes(path, file);
}

void recover_file(const std::string &path, const Request &request) {
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
        if (is_url(path)) {
          throw tensorfile::Error(tensorfile::Status::unsupported,
                                  "a file at a URL cannot be changed; download it first");
        }
        request_.recover ? recover_file(path, request_) : edit_file(path, request_);
        return kExitOk;
      });
      exit = std::max(exit, status);
    }
    return exit;
  }

 private:
  Request request_;
};

}  // namespace

std::unique_ptr<Command> make_edit() {
  return std::make_unique<Edit>();
}

}  // namespace cli
