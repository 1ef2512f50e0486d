// What `tensorfile ls` prints about a file, and the functions that print it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "cli/selection.h"

namespace cli {

struct ListRequest {
  InputOptions input;
  SelectionOptions selection;
  std::string sort;  // "size", "name", "offset", or "" for the order of the file
  bool json = false;
  bool csv = false;
  bool tree = false;
  bool crc32 = false;
  bool locations = false;  // --long
};

// An array, and what the options add to it.
struct ListedArray {
  Entry entry;
  std::string name;
  std::string checksum;  // CRC-32; "" if it was not computed
};

struct Listing {
  explicit Listing(const std::string &file_path) : path(file_path), progress(file_path) {}

  std::string path;
  Progress progress;  // declared before the file, which refers to it
  tensorfile::File file;
  std::vector<ListedArray> arrays;           // in the order in which they are printed
  std::optional<tensorfile::Error> failure;  // the first failure
};

bool is_supported(const Entry &entry);

// Returns the number of bytes of the arrays.
uint64_t total_bytes(const Listing &listing);

// Returns the columns of an array in a table or a tree: its type, shape and size, and what the options add.
std::vector<std::string> columns_of(const ListedArray &array, const ListRequest &request);

void print_json(const Listing &listing, const ListRequest &request);
void print_listing(const Listing &listing, const ListRequest &request);
// Prints the arrays as a tree of the parts of their names, with the number and the size of the arrays of each module.
void print_tree(const Listing &listing, const ListRequest &request);
// Prints the names of the columns of print_csv().
void print_csv_head(const ListRequest &request);
// Prints the arrays as RFC 4180 describes.
void print_csv(const Listing &listing, const ListRequest &request);

}  // namespace cli
