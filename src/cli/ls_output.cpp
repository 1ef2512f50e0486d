#include "cli/colour.h"
#include "cli/error_output.h"
#include "cli/json_output.h"
#include "cli/listing.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/text.h"
#include "cli/text_table.h"

namespace cli {

namespace {

// The maximum number of items of a metadata list that the table shows.
constexpr size_t kListedItems = 6;
constexpr size_t kListedColumns = 80;

// Returns the greatest power of two that divides an offset. The start of a file is as aligned as a page.
uint64_t alignment_of(uint64_t offset) {
  constexpr uint64_t kPage = 4096;
  return offset == 0 ? kPage : offset & (~offset + 1);
}

// Returns the stored bytes of a compressed array in percent of its size, with one decimal: "87.5%".
std::string stored_share(uint64_t stored, uint64_t nbytes) {
  const double percent = 100 * static_cast<double>(stored) / static_cast<double>(nbytes);
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f%%", percent);
  return text;
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

void write_location(JsonWriter &json, const Entry &entry) {
  const Entry::Location location = entry.location();
  json.key("offset").number(location.offset).key("alignment").number(alignment_of(location.offset));
  json.key("stored_bytes").number(location.stored_bytes);
  json.key("compressed").raw(location.deflated ? "true" : "false");
}

void write_array(JsonWriter &json, const ListedArray &array, const ListRequest &request) {
  const Entry &entry = array.entry;
  json.open('{').key("name").string(array.name);
  json.key("dtype").string(tensorfile::name(entry.dtype()));
  if (!is_supported(entry)) json.key("type").string(entry.type());
  json.key("shape").open('[');
  for (const int64_t size : entry.shape())
    json.number(size);
  json.close(']').key("nbytes").number(entry.nbytes());
  if (request.crc32) {
    json.key("crc32");
    array.checksum.empty() ? json.null() : json.string(array.checksum);
  }
  if (request.locations) write_location(json, entry);
  json.close('}');
}

// Returns a field of a line of CSV. A field with a comma or a quote is quoted; names have no line breaks after escaping.
std::string csv_field(const std::string &text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text)
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void print_csv_line(const std::vector<std::string> &fields) {
  std::string line;
  for (const std::string &field : fields)
    line += (line.empty() ? "" : ",") + csv_field(field);
  print(line + "\r\n");
}

}  // namespace

uint64_t total_bytes(const Listing &listing) {
  uint64_t total = 0;
  for (const ListedArray &array : listing.arrays)
    total += array.entry.nbytes();
  return total;
}

bool is_supported(const Entry &entry) {
  return entry.dtype() != tensorfile::Dtype::unsupported;
}

std::vector<std::string> columns_of(const ListedArray &array, const ListRequest &request) {
  const Entry &entry = array.entry;
  std::vector<std::string> columns = {escaped(entry.type()), shape_text(entry.shape()), bytes_text(entry.nbytes())};
  if (request.crc32) columns.push_back(array.checksum.empty() ? "-" : array.checksum);
  if (!request.locations) return columns;
  const Entry::Location location = entry.location();
  columns.push_back(std::to_string(location.offset));
  columns.push_back(std::to_string(alignment_of(location.offset)));
  columns.push_back(std::to_string(location.stored_bytes));
  columns.push_back(location.deflated && entry.nbytes() > 0 ? stored_share(location.stored_bytes, entry.nbytes())
                                                            : "-");
  return columns;
}

void print_json(const Listing &listing, const ListRequest &request) {
  JsonWriter json;
  json.open('{').key("path").string(shown_argument(listing.path));
  json.key("format").string(tensorfile::name(listing.file.format()));
  json.key("arrays").open('[');
  for (const ListedArray &array : listing.arrays)
    write_array(json, array, request);
  json.close(']');
  write_texts(json, "others", listing.file.other_names());
  write_texts(json, "notes", notes_of(listing.path, listing.file));
  json.key("metadata");
  write_metadata(json, listing.file.metadata());
  json.close('}');
  print(json.text() + "\n");
}

void print_listing(const Listing &listing, const ListRequest &request) {
  const tensorfile::File &file = listing.file;
  const size_t others = file.other_names().size();
  const std::string part =
      listing.arrays.size() < file.size() ? std::to_string(listing.arrays.size()) + " of " : std::string();
  print(coloured(argument_text(listing.path) + ":", Colour::bold, Stream::out) + " " + tensorfile::name(file.format()) +
        ", " + part + count_text(file.size(), "array") + ", " +
        (others > 0 ? count_text(others, "other member") + ", " : "") + bytes_text(total_bytes(listing)) + "\n");
  if (request.tree) {
    print_tree(listing, request);
  } else if (!listing.arrays.empty()) {
    std::vector<std::vector<std::string>> rows;
    if (request.locations) {
      rows.push_back({"name", "type", "shape", "size", "offset", "alignment", "stored", "compressed to"});
      if (request.crc32) rows.back().insert(rows.back().begin() + 4, "crc32");
    }
    for (const ListedArray &array : listing.arrays) {
      rows.push_back({escaped(array.name)});
      const std::vector<std::string> columns = columns_of(array, request);
      rows.back().insert(rows.back().end(), columns.begin(), columns.end());
    }
    print_table(rows);
  }
  const tensorfile::Dict metadata = file.metadata();
  for (const MetadataEntry &entry : metadata) {
    JsonWriter value;
    write_value(value, entry, kListedItems);
    print("  " + escaped(entry.key()) + " = " + cut(value.text(), kListedColumns) + "\n");
  }
  print_notes(listing.path, file);
}

void print_csv_head(const ListRequest &request) {
  std::vector<std::string> head = {"path", "name", "type", "shape", "nbytes"};
  if (request.crc32) head.emplace_back("crc32");
  if (request.locations) head.insert(head.end(), {"offset", "alignment", "stored_bytes", "compressed"});
  print_csv_line(head);
}

void print_csv(const Listing &listing, const ListRequest &request) {
  for (const ListedArray &array : listing.arrays) {
    const Entry &entry = array.entry;
    std::vector<std::string> fields = {argument_text(listing.path), escaped(array.name), escaped(entry.type()),
                                       shape_text(entry.shape()), std::to_string(entry.nbytes())};
    if (request.crc32) fields.push_back(array.checksum);
    if (request.locations) {
      const Entry::Location location = entry.location();
      fields.push_back(std::to_string(location.offset));
      fields.push_back(std::to_string(alignment_of(location.offset)));
      fields.push_back(std::to_string(location.stored_bytes));
      fields.emplace_back(location.deflated ? "true" : "false");
    }
    print_csv_line(fields);
  }
  print_notes(listing.path, listing.file);
}

}  // namespace cli
