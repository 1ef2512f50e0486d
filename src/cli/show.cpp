// tensorfile show: prints the values of an array, of a slice of it, or of a metadata key, or writes them as an image.
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/elements.h"
#include "cli/error_output.h"
#include "cli/image.h"
#include "cli/input_file.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/remote.h"
#include "cli/slice_argument.h"
#include "cli/suggestion.h"
#include "cli/text.h"

namespace cli {

namespace {

using Axes = std::vector<tensorfile::Slice>;

// Reads and decodes a slice of an array of a block or packed type. A slice may divide blocks, so whole rows of blocks
// are read, decoded and then sliced. Packed elements share bytes, so an array of such a type is read whole.
tensorfile::Array read_decoded(const Entry &entry, const Axes &axes) {
  const bool blocks = tensorfile::bits(entry.dtype()) == 0;
  if (!blocks || axes.empty()) return entry.read().cast(tensorfile::Dtype::float32).slice(axes);
  Axes rows = axes;
  rows.back() = tensorfile::Slice();
  Axes columns(axes.size());
  columns.back() = axes.back();
  return entry.read_slice(rows).cast(tensorfile::Dtype::float32).slice(columns);
}

// Returns the shape of a sliced array without the dimensions that the slice drops.
std::vector<int64_t> remaining_shape(const tensorfile::Array &array, const SliceArgument &slice) {
  std::vector<int64_t> shape;
  for (size_t i = 0; i < slice.dropped.size(); ++i) {
    if (!slice.dropped[i]) shape.push_back(array.shape()[i]);
  }
  return shape;
}

// Prints nested brackets as NumPy does, with each innermost row on a line of its own.
class Printer {
 public:
  Printer(Elements elements, tensorfile::Dtype dtype, std::vector<int64_t> shape)
      : elements_(std::move(elements)), dtype_(dtype), shape_(std::move(shape)) {}

  void print_all() {
    print_from(0);
    print("\n");
  }

 private:
  // Recurses once for each dimension, of which there are at most 64.
  void print_from(size_t axis) {
    if (axis == shape_.size()) {
      print(elements_.text(next_++, dtype_));
      return;
    }
    const std::string separator = axis + 1 == shape_.size() ? ", " : ",\n" + std::string(axis + 1, ' ');
    print("[");
    for (int64_t i = 0; i < shape_[axis]; ++i) {
      if (i > 0) print(separator);
      print_from(axis + 1);
    }
    print("]");
  }

  Elements elements_;
  tensorfile::Dtype dtype_;
  std::vector<int64_t> shape_;
  size_t next_ = 0;
};

struct ShowRequest {
  std::string path;
  std::string name;
  std::string slice;
  bool metadata = false;
  bool image = false;
  std::string output = "-";
  std::string range;
  InputOptions input;
};

// Finds the array to show. A file with one array needs no NAME. The array of an .npy has no name, so the first argument
// after FILE is the slice, unless an empty NAME precedes it.
Entry find_shown(const tensorfile::File &file, ShowRequest &request) {
  if (tensorfile::ability(file.format(), tensorfile::Ability::single_array) != 0 && request.slice.empty()) {
    std::swap(request.slice, request.name);
  }
  if (!request.name.empty() || file.contains("")) return find_array(file, request.path, request.name);
  if (file.size() == 1) return file.at(0);
  throw UsageError{argument_text(request.path) + " has " + count_text(file.size(), "array") + ": expected NAME"};
}

int show_array(const tensorfile::File &file, ShowRequest &request) {
  const Entry entry = find_shown(file, request);
  require_known_dtype(entry);
  const SliceArgument slice = parse_slice(request.slice, entry.shape());
  const bool has_units = tensorfile::block_size(entry.dtype()) > 1;
  const tensorfile::Array array = has_units ? read_decoded(entry, slice.axes) : entry.read_slice(slice.axes);
  const std::vector<int64_t> shape = remaining_shape(array, slice);
  if (request.image) {
    write_image(array, shape, request.range, request.output);
  } else {
    Printer(Elements(array), entry.dtype(), shape).print_all();
  }
  return kExitOk;
}

int show_metadata(const tensorfile::File &file, const std::string &path, const std::string &key) {
  const tensorfile::Dict metadata = file.metadata();
  if (!metadata.contains(key)) {
    throw UsageError{argument_text(path) + " has no metadata key " + in_quotes(key) +
                     did_you_mean(key, keys_of(metadata))};
  }
  const MetadataEntry entry = metadata.at(key);
  if (entry.kind() == tensorfile::Kind::string) {
    print(escaped_lines(entry.string()) + "\n");
    return kExitOk;
  }
  JsonWriter json;
  write_value(json, entry, SIZE_MAX);
  print(json.text() + "\n");
  return kExitOk;
}

class Show : public Command {
 public:
  Show() : Command("show", "Print the values of an array, or of a slice of it, or write them as PNG.") {}

  void declare(CommandLine &line) override {
    line.argument("FILE", request_.path, "file to read");
    line.optional_argument("NAME", request_.name, "name of the array; the only array of a file needs none");
    line.optional_argument(
        "SLICE", request_.slice,
        "start:stop:step or an index for each dimension, such as 0:2,::3,-1; follows FILE if that is "
        "an .npy");
    line.flag("--metadata", request_.metadata, "print the value of the metadata key NAME instead");
    line.flag("--image", request_.image, "write an image, in grey or, if the last of three dimensions is 3, in color");
    line.option("-o,--output", request_.output, "write the image to OUT (default: -, standard output)", "OUT");
    line.option("--range", request_.range, "draw MIN black and MAX white (default: the least and the greatest value)",
                "MIN:MAX");
    line.input(request_.input);
  }

  int run() override {
    check_options();
    return report_errors(request_.path, [&]() -> int {
      Progress progress(request_.path);
      tensorfile::Options options = library_options(request_.input);
      progress.watch(options);
      const tensorfile::File file = open_file(request_.path, options);
      return request_.metadata ? show_metadata(file, request_.path, request_.name) : show_array(file, request_);
    });
  }

 private:
  void check_options() const {
    if (request_.metadata && !request_.slice.empty()) throw UsageError{"--metadata cannot be combined with SLICE"};
    if (request_.metadata && request_.image) throw UsageError{"--metadata cannot be combined with --image"};
    if (request_.metadata && request_.name.empty()) throw UsageError{"--metadata: expected NAME, the key"};
    if (!request_.image && (request_.output != "-" || !request_.range.empty())) {
      throw UsageError{"--output and --range require --image"};
    }
  }

  ShowRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_show() {
  return std::make_unique<Show>();
}

}  // namespace cli
