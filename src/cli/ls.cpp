// tensorfile ls: lists the arrays and metadata of files.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cli/checksum.h"
#include "cli/command.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/json_output.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/selection.h"
#include "cli/table.h"
#include "cli/text.h"

namespace cli {

namespace {

// The maximum number of items of a metadata list that the table shows.
constexpr size_t kShownItems = 6;
constexpr size_t kShownColumns = 80;

struct Listing {
  explicit Listing(const std::string &path) : progress(path) {}

  Progress progress;  // declared before the file, which refers to it
  tensorfile::File file;
  std::vector<SelectedArray> arrays;
  std::vector<std::string> checksums;        // the CRC-32 of each of arrays; "" if it was not computed
  std::optional<tensorfile::Error> failure;  // the first failure
};

struct Request {
  InputOptions input;
  SelectionOptions selection;
  bool json = false;
  bool crc32 = false;
};

bool is_supported(const Entry &entry) {
  return entry.dtype() != tensorfile::Dtype::unsupported;
}

// Opens the file and computes the checksums of the arrays of known types. An array that cannot be read does not prevent
// the others from being listed.
void list(Listing &listing, const std::string &path, const Request &request, Selection &selection) {
  tensorfile::Options options = library_options(request.input);
  listing.progress.watch(options);
  listing.file = tensorfile::File(path, options);
  listing.arrays = select_arrays(listing.file, selection);
  listing.checksums.resize(listing.arrays.size());
  if (!request.crc32) return;
  listing.progress.expect_bytes(total_bytes(listing.arrays));
  for (size_t i = 0; i < listing.arrays.size(); ++i) {
    const Entry &entry = listing.arrays[i].entry;
    try {
      if (is_supported(entry)) listing.checksums[i] = array_crc32(entry, listing.progress);
    } catch (const tensorfile::Error &error) {
      if (!listing.failure) listing.failure = error;
    }
  }
  listing.progress.finish();
}

// Writes a key with a list of texts, or nothing if there are no texts.
template <typename Text>
void write_texts(JsonWriter &json, std::string_view key, const std::vector<Text> &texts) {
  if (texts.empty()) return;
  json.key(key).open('[');
  for (const std::string_view text : texts)
    json.string(text);
  json.close(']');
}

void print_json(const std::string &path, const Listing &listing, bool crc32) {
  JsonWriter json;
  json.open('{').key("path").string(path);
  json.key("format").string(tensorfile::name(listing.file.format()));
  json.key("arrays").open('[');
  for (size_t i = 0; i < listing.arrays.size(); ++i) {
    const Entry &entry = listing.arrays[i].entry;
    json.open('{').key("name").string(listing.arrays[i].name);
    json.key("dtype").string(tensorfile::name(entry.dtype()));
    if (!is_supported(entry)) json.key("type").string(entry.type());
    json.key("shape").open('[');
    for (const int64_t size : entry.shape())
      json.number(size);
    json.close(']').key("nbytes").number(entry.nbytes());
    if (crc32) {
      const std::string &checksum = listing.checksums[i];
      json.key("crc32");
      checksum.empty() ? json.null() : json.string(checksum);
    }
    json.close('}');
  }
  json.close(']');
  write_texts(json, "others", listing.file.other_names());
  write_texts(json, "notes", notes_of(path, listing.file));
  json.key("metadata");
  write_metadata(json, listing.file.metadata());
  json.close('}');
  print(json.text() + "\n");
}

void print_human(const std::string &path, const Listing &listing, bool crc32) {
  const tensorfile::File &file = listing.file;
  const size_t others = file.other_names().size();
  const std::string part =
      listing.arrays.size() < file.size() ? std::to_string(listing.arrays.size()) + " of " : std::string();
  print(escaped(path) + ": " + tensorfile::name(file.format()) + ", " + part + count_text(file.size(), "array") + ", " +
        (others > 0 ? count_text(others, "other member") + ", " : "") + bytes_text(total_bytes(listing.arrays)) + "\n");
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < listing.arrays.size(); ++i) {
    const Entry &entry = listing.arrays[i].entry;
    rows.push_back({escaped(listing.arrays[i].name), escaped(entry.type()), shape_text(entry.shape()),
                    bytes_text(entry.nbytes())});
    const std::string &checksum = listing.checksums[i];
    if (crc32) rows.back().push_back(checksum.empty() ? "-" : checksum);
  }
  if (!rows.empty()) print_table(rows);
  const tensorfile::Dict metadata = file.metadata();
  for (const MetadataEntry &entry : metadata) {
    JsonWriter value;
    write_value(value, entry, kShownItems);
    print("  " + escaped(entry.key()) + " = " + cut(value.text(), kShownColumns) + "\n");
  }
  print_notes(path, file);
}

class Ls : public Command {
 public:
  Ls() : Command("ls", "List the arrays and the metadata of files.") {}

  void declare(CommandLine &line) override {
    line.paths(paths_);
    line.flag("--json", request_.json, "print one JSON object per file, each on a line");
    line.flag("--crc32", request_.crc32, "add the CRC-32 of each array's C-contiguous little-endian bytes");
    request_.selection.declare(line);
    line.input(request_.input);
  }

  int run() override {
    require_effect(request_.selection, paths_, request_.input);
    Selection selection(request_.selection);
    int exit = kExitOk;
    for (const std::string &path : paths_) {
      const int status = report_errors(path, [&]() -> int {
        Listing listing(path);
        list(listing, path, request_, selection);
        (request_.json ? print_json : print_human)(path, listing, request_.crc32);
        return listing.failure ? report(path, *listing.failure) : kExitOk;
      });
      exit = std::max(exit, status);
    }
    return exit;
  }

 private:
  std::vector<std::string> paths_;
  Request request_;
};

}  // namespace

std::unique_ptr<Command> make_ls() {
  return std::make_unique<Ls>();
}

}  // namespace cli
