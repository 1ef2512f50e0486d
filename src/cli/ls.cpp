// tensorfile ls: lists the arrays and metadata of files.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/checksum.h"
#include "cli/command.h"
#include "cli/error_output.h"
#include "cli/listing.h"
#include "cli/text.h"

namespace cli {

namespace {

// Sorts as --sort asks. Equal arrays stay in the order of the file.
void sort_arrays(std::vector<ListedArray> &arrays, const std::string &by) {
  const auto sort = [&](auto &&before) { std::stable_sort(arrays.begin(), arrays.end(), before); };
  if (by == "size") {
    sort([](const ListedArray &a, const ListedArray &b) { return a.entry.nbytes() > b.entry.nbytes(); });
  } else if (by == "name") {
    sort([](const ListedArray &a, const ListedArray &b) { return a.name < b.name; });
  } else if (by == "offset") {
    sort([](const ListedArray &a, const ListedArray &b) {
      const Entry::Location of_a = a.entry.location();
      const Entry::Location of_b = b.entry.location();
      return std::pair(of_a.path, of_a.offset) < std::pair(of_b.path, of_b.offset);
    });
  }
}

// Computes the checksums of the arrays of known types. An array that cannot be read does not prevent the others from being
// listed.
void add_checksums(Listing &listing) {
  listing.progress.expect_bytes(total_bytes(listing));
  for (ListedArray &array : listing.arrays) {
    try {
      if (is_supported(array.entry)) array.checksum = array_crc32(array.entry, listing.progress);
    } catch (const tensorfile::Error &error) {
      if (!listing.failure) listing.failure = error;
    }
  }
  listing.progress.finish();
}

void list(Listing &listing, const ListRequest &request, Selection &selection) {
  tensorfile::Options options = library_options(request.input);
  listing.progress.watch(options);
  listing.file = open_file(listing.path, options);
  for (SelectedArray &array : select_arrays(listing.path, listing.file, selection, options))
    listing.arrays.push_back({array.entry, std::move(array.name), ""});
  if (request.crc32) add_checksums(listing);
  sort_arrays(listing.arrays, request.sort);
}

class Ls : public Command {
 public:
  Ls() : Command("ls", "List the arrays and the metadata of files.") {}

  void declare(CommandLine &line) override {
    line.paths(paths_);
    line.flag("--json", request_.json, "print one JSON object per file, each on a line");
    line.flag("--csv", request_.csv, "print one line of comma-separated values for each array");
    line.flag("--tree", request_.tree,
              "print a tree of the names, with the number and size of the arrays of each module");
    line.option("--sort", request_.sort,
                "sort the arrays: by size, the largest first, by name, or by offset in the file", "size|name|offset");
    line.flag("--long", request_.locations,
              "add the offset of each array, the alignment of that, its stored bytes, and their share if it is "
              "compressed");
    line.flag("--crc32", request_.crc32, "add the CRC-32 of each array's C-contiguous little-endian bytes");
    request_.selection.declare(line);
    line.input(request_.input);
  }

  int run() override {
    check_options();
    require_effect(request_.selection, paths_, request_.input);
    Selection selection(request_.selection);
    if (request_.csv) print_csv_head(request_);
    int exit = kExitOk;
    for (const std::string &path : paths_) {
      const int status = report_errors(path, [&]() -> int {
        Listing listing(path);
        list(listing, request_, selection);
        (request_.json ? print_json : request_.csv ? print_csv : print_listing)(listing, request_);
        return listing.failure ? report(path, *listing.failure) : kExitOk;
      });
      exit = std::max(exit, status);
    }
    return exit;
  }

 private:
  void check_options() const {
    const std::string &sort = request_.sort;
    if (!sort.empty() && sort != "size" && sort != "name" && sort != "offset") {
      throw UsageError{"--sort: expected size, name or offset, not " + in_quotes(sort)};
    }
    if (int{request_.json} + int{request_.csv} + int{request_.tree} > 1) {
      throw UsageError{"only one of --json, --csv and --tree can be given"};
    }
  }

  std::vector<std::string> paths_;
  ListRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_ls() {
  return std::make_unique<Ls>();
}

}  // namespace cli
