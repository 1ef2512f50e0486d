// tensorfile show: the values of an array, or of a slice of it.
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/elements.h"
#include "cli/error.h"
#include "cli/metadata.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/slice.h"
#include "cli/text.h"

namespace cli {

namespace {

Array sliced(const tf_array *array, const Slice &slice) {
  Array out;
  expect(tf_array_slice(Out(out), array, slice.start.data(), slice.stop.data(), slice.step.data(), slice.start.size()));
  return out;
}

Array decoded(const tf_array *array) {
  Array out;
  expect(tf_array_cast(Out(out), array, TF_DTYPE_FLOAT32, nullptr));
  return out;
}

Array read_slice(const tf_file *file, size_t index, const Slice &slice) {
  Array out;
  expect(tf_file_read_slice(Out(out), file, index, slice.start.data(), slice.stop.data(), slice.step.data(),
                            slice.start.size()));
  return out;
}

// Rows of blocks are read whole and sliced when they are decoded; packed elements are read whole likewise.
Array read_units(const tf_file *file, size_t index, const Slice &slice) {
  Slice inside = slice;
  Array read;
  if (tf_dtype_bits(tf_file_dtype(file, index)) == 0 && !slice.start.empty()) {
    Slice rows = slice;
    rows.start.back() = rows.stop.back() = rows.step.back() = TENSORFILE_SLICE_OMITTED;
    read = read_slice(file, index, rows);
    for (size_t i = 0; i + 1 < inside.start.size(); ++i) {
      inside.start[i] = inside.stop[i] = inside.step[i] = TENSORFILE_SLICE_OMITTED;
    }
  } else {
    expect(tf_file_read(Out(read), file, index));
  }
  return sliced(decoded(read.get()).get(), inside);
}

std::vector<int64_t> kept_shape(const tf_array *array, const Slice &slice) {
  std::vector<int64_t> shape;
  for (size_t i = 0; i < slice.dropped.size(); ++i) {
    if (!slice.dropped[i]) shape.push_back(tf_array_shape(array)[i]);
  }
  return shape;
}

// Brackets as NumPy nests them, one innermost row a line.
class Printer {
 public:
  Printer(Elements elements, tf_dtype dtype, std::vector<int64_t> shape)
      : elements_(std::move(elements)), dtype_(dtype), shape_(std::move(shape)) {}

  void print_all() {
    print_from(0);
    print("\n");
  }

 private:
  // Not deeper than the rank, which is at most 64.
  void print_from(size_t axis) {
    if (axis == shape_.size()) {
      print(elements_.text(next_++, dtype_));
      return;
    }
    const std::string between = axis + 1 == shape_.size() ? ", " : ",\n" + std::string(axis + 1, ' ');
    print("[");
    for (int64_t i = 0; i < shape_[axis]; ++i) {
      if (i > 0) print(between);
      print_from(axis + 1);
    }
    print("]");
  }

  Elements elements_;
  tf_dtype dtype_;
  std::vector<int64_t> shape_;
  size_t next_ = 0;
};

int show_array(const tf_file *file, const std::string &path, const std::string &name, const std::string &text) {
  const size_t index = find_array(file, path, name);
  expect_known(file, index);
  const Slice slice = parse_slice(text, array_shape(file, index));
  const tf_dtype dtype = tf_file_dtype(file, index);
  const Array array = tf_dtype_block_size(dtype) > 1 ? read_units(file, index, slice) : read_slice(file, index, slice);
  Printer(Elements(array.get()), dtype, kept_shape(array.get(), slice)).print_all();
  return kExitOk;
}

// Text as it is, but for what a terminal would obey; all else as JSON.
int show_metadata(const tf_file *file, const std::string &path, const std::string &key) {
  const Dict metadata = metadata_of(file);
  size_t index = 0;
  if (tf_dict_find(&index, metadata.get(), key.data(), key.size()) != TF_STATUS_OK) {
    throw UsageError{escaped(path) + " has no metadata named " + in_quotes(key)};
  }
  if (tf_dict_kind_at(metadata.get(), index) == TF_KIND_STRING) {
    std::string_view text = string_of(metadata.get(), key);
    for (size_t end = text.find_first_of("\n\t"); end != std::string_view::npos; end = text.find_first_of("\n\t")) {
      print(escaped(text.substr(0, end)));
      print(text.substr(end, 1));
      text.remove_prefix(end + 1);
    }
    print(escaped(text) + "\n");
    return kExitOk;
  }
  JsonWriter json;
  write_value(json, metadata.get(), key, SIZE_MAX);
  print(json.text() + "\n");
  return kExitOk;
}

}  // namespace

int show(const Arguments &arguments) {
  CommandLine line("Print the values of an array, or of a slice of it: \"0:2,::3,-1\" as in Python.",
                   "tensorfile show");
  std::string path;
  std::string name;
  std::string slice;
  bool metadata = false;
  bool parts = false;
  line.argument("FILE", path, "file to read");
  line.argument("NAME", name, "name of the array (that of an .npy is \"\")");
  line.optional_argument("SLICE", slice, "start:stop:step or a place for each dimension, with commas between");
  line.flag("--metadata", metadata, "NAME is a key of the metadata");
  line.parts(parts);
  if (!line.parse(arguments)) return kExitOk;
  if (metadata && !slice.empty()) throw UsageError{"--metadata takes no SLICE"};
  return reporting(path, [&]() -> int {
    const File file = open_file(path, new_options(parts).get());
    return metadata ? show_metadata(file.get(), path, name) : show_array(file.get(), path, name, slice);
  });
}

}  // namespace cli
