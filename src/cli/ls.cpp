// tensorfile ls: names, dtypes, shapes, sizes, metadata.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cli/checksum.h"
#include "cli/command.h"
#include "cli/error.h"
#include "cli/json.h"
#include "cli/metadata.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace cli {

namespace {

// Of a long list, in the table.
constexpr size_t kShownItems = 6;
constexpr size_t kShownColumns = 80;

struct Listing {
  explicit Listing(const std::string &path) : progress(path) {}

  Progress progress;  // outlives the file, which tells it
  File file;
  std::vector<std::string> checksums;  // one an array, "" where there is none
  std::optional<FileError> failure;    // the first
};

// Keeps the first failure of an array; the others are listed as ever.
void list(Listing &listing, const std::string &path, bool parts, bool crc32) {
  const Options options = new_options(parts);
  listing.progress.watch(options.get());
  listing.file = open_file(path, options.get());
  const tf_file *file = listing.file.get();
  if (crc32) listing.progress.expect_bytes(total_bytes(file));
  listing.checksums.resize(tf_file_size(file));
  for (size_t i = 0; i < tf_file_size(file); ++i) {
    try {
      expect_known(file, i);
      if (crc32) listing.checksums[i] = array_crc32(file, i, listing.progress);
    } catch (const FileError &error) {
      if (!listing.failure) listing.failure = error;
    }
  }
  listing.progress.finish();
}

void print_json(const std::string &path, const Listing &listing, bool crc32) {
  const tf_file *file = listing.file.get();
  JsonWriter json;
  json.open('{').key("path").string(path);
  json.key("format").string(tf_format_name(tf_file_format(file)));
  json.key("arrays").open('[');
  for (size_t i = 0; i < tf_file_size(file); ++i) {
    json.open('{').key("name").string(array_name(file, i));
    json.key("dtype").string(tf_dtype_name(tf_file_dtype(file, i)));
    json.key("shape").open('[');
    for (const int64_t size : array_shape(file, i))
      json.number(size);
    json.close(']').key("nbytes").number(tf_file_nbytes(file, i));
    if (crc32) {
      json.key("crc32");
      listing.checksums[i].empty() ? json.null() : json.string(listing.checksums[i]);
    }
    json.close('}');
  }
  json.close(']').key("metadata");
  write_metadata(json, metadata_of(file).get());
  json.close('}');
  print(json.text() + "\n");
}

// Columns as wide as their widest cell; the last one is not padded.
void print_table(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto &row : rows) {
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += "  " + row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width(row[i]), ' ');
    }
    print(line + "\n");
  }
}

void print_human(const std::string &path, const Listing &listing, bool crc32) {
  const tf_file *file = listing.file.get();
  const size_t count = tf_file_size(file);
  print(escaped(path) + ": " + tf_format_name(tf_file_format(file)) + ", " + count_text(count, "array") + ", " +
        bytes_text(total_bytes(file)) + "\n");
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < count; ++i) {
    rows.push_back({escaped(array_name(file, i)), tf_dtype_name(tf_file_dtype(file, i)),
                    shape_text(array_shape(file, i)), bytes_text(tf_file_nbytes(file, i))});
    if (crc32) rows.back().push_back(listing.checksums[i].empty() ? "-" : listing.checksums[i]);
  }
  if (!rows.empty()) print_table(rows);
  const Dict metadata = metadata_of(file);
  for (size_t i = 0; i < tf_dict_size(metadata.get()); ++i) {
    const std::string_view key = key_at(metadata.get(), i);
    JsonWriter value;
    write_value(value, metadata.get(), key, kShownItems);
    print("  " + escaped(key) + " = " + cut(value.text(), kShownColumns) + "\n");
  }
}

}  // namespace

int ls(const Arguments &arguments) {
  CommandLine line("List the arrays and the metadata of files.", "tensorfile ls");
  std::vector<std::string> paths;
  bool parts = false;
  bool json = false;
  bool crc32 = false;
  line.paths(paths);
  line.flag("--json", json, "one JSON object a file, one line each");
  line.flag("--crc32", crc32, "the CRC-32 of each array's C-contiguous little-endian bytes");
  line.parts(parts);
  if (!line.parse(arguments)) return kExitOk;
  int exit = kExitOk;
  for (const std::string &path : paths) {
    const int status = reporting(path, [&]() -> int {
      Listing listing(path);
      list(listing, path, parts, crc32);
      (json ? print_json : print_human)(path, listing, crc32);
      return listing.failure ? report(path, *listing.failure) : kExitOk;
    });
    exit = std::max(exit, status);
  }
  return exit;
}

}  // namespace cli
