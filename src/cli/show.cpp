// tensorfile show: prints the values of an array, of a slice of it, or of a metadata key.
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/elements.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/slice_argument.h"
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

int show_array(const tensorfile::File &file, const std::string &path, const std::string &name,
               const std::string &text) {
  const Entry entry = find_array(file, path, name);
  require_known_dtype(entry);
  const SliceArgument slice = parse_slice(text, entry.shape());
  const bool has_units = tensorfile::block_size(entry.dtype()) > 1;
  const tensorfile::Array array = has_units ? read_decoded(entry, slice.axes) : entry.read_slice(slice.axes);
  Printer(Elements(array), entry.dtype(), remaining_shape(array, slice)).print_all();
  return kExitOk;
}

int show_metadata(const tensorfile::File &file, const std::string &path, const std::string &key) {
  const tensorfile::Dict metadata = file.metadata();
  if (!metadata.contains(key)) throw UsageError{escaped(path) + " has no metadata key " + in_quotes(key)};
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
  Show() : Command("show", "Print the values of an array, or of a slice of it.") {}

  void declare(CommandLine &line) override {
    line.argument("FILE", path_, "file to read");
    line.argument("NAME", name_, "name of the array (\"\" for the array of an .npy)");
    line.optional_argument("SLICE", slice_, "start:stop:step or an index for each dimension, such as 0:2,::3,-1");
    line.flag("--metadata", metadata_, "print the value of the metadata key NAME instead");
    line.input(input_);
  }

  int run() override {
    if (metadata_ && !slice_.empty()) throw UsageError{"--metadata cannot be combined with SLICE"};
    return report_errors(path_, [&]() -> int {
      Progress progress(path_);
      tensorfile::Options options = library_options(input_);
      progress.watch(options);
      const tensorfile::File file(path_, options);
      return metadata_ ? show_metadata(file, path_, name_) : show_array(file, path_, name_, slice_);
    });
  }

 private:
  std::string path_;
  std::string name_;
  std::string slice_;
  bool metadata_ = false;
  InputOptions input_;
};

}  // namespace

std::unique_ptr<Command> make_show() {
  return std::make_unique<Show>();
}

}  // namespace cli
