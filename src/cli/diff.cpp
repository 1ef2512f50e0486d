// tensorfile diff: which arrays and metadata of two files differ, in what, by how much.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/elements.h"
#include "cli/error.h"
#include "cli/json.h"
#include "cli/metadata.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace cli {

namespace {

constexpr size_t kShownItems = 6;
constexpr size_t kShownColumns = 60;

// One of the two files.
struct Side {
  const std::string &path;
  File file;
  Dict metadata;
};

// What comparing the elements of two arrays of one shape has found.
struct Difference {
  uint64_t elements = 0;
  uint64_t different = 0;
  uint64_t without_distance = 0;  // nan on one side, or infinities
  double largest = 0;
  uint64_t first = 0;  // element, in C order
  std::string first_a;
  std::string first_b;
};

// Elements as numbers of one kind, so that two dtypes can be compared.
Array as_double(const tf_array *array) {
  Array cast;
  expect(tf_array_cast(Out(cast), array, TF_DTYPE_FLOAT64, nullptr));
  return cast;
}

bool is_complex(tf_dtype dtype) {
  return dtype == TF_DTYPE_COMPLEX64 || dtype == TF_DTYPE_COMPLEX128;
}

// Equal bit for bit: nan equals nan, and 0.0 is not -0.0.
bool same_bits(const Element &a, const Element &b) {
  return std::visit(
      [&](const auto &value) {
        using T = std::decay_t<decltype(value)>;
        using Bytes = std::array<std::byte, sizeof(T)>;
        return std::bit_cast<Bytes>(value) == std::bit_cast<Bytes>(std::get<T>(b));
      },
      a);
}

void compare_elements(Difference &difference, const Elements &a, const Elements &b, bool one_dtype) {
  for (size_t i = 0; i < a.size(); ++i) {
    const Element left = a[i];
    const Element right = b[i];
    const double apart = distance(left, right);
    if (one_dtype ? same_bits(left, right) : apart == 0) continue;
    if (!one_dtype && element_text(left) == element_text(right)) continue;  // both nan, or one infinity
    if (difference.different++ == 0) difference.first = difference.elements + i;
    if (std::isfinite(apart)) {
      difference.largest = std::max(difference.largest, apart);
    } else {
      ++difference.without_distance;
    }
  }
}

// False when the bytes are the same.
bool compare_pieces(Difference &difference, const tf_array *a, const tf_array *b) {
  const bool one_dtype = tf_array_dtype(a) == tf_array_dtype(b);
  const auto size = static_cast<uint64_t>(tf_array_size(a));
  const auto nbytes = static_cast<size_t>(tf_array_nbytes(a));
  if (one_dtype && std::memcmp(tf_array_data(a), tf_array_data(b), nbytes) == 0) {
    difference.elements += size;
    return false;
  }
  const bool first = difference.different == 0;
  if (one_dtype) {
    compare_elements(difference, Elements(a), Elements(b), true);
  } else {
    compare_elements(difference, Elements(as_double(a).get()), Elements(as_double(b).get()), false);
  }
  if (first && difference.different > 0) {
    const auto at = static_cast<size_t>(difference.first - difference.elements);
    difference.first_a = Elements(a).text(at, tf_array_dtype(a));
    difference.first_b = Elements(b).text(at, tf_array_dtype(b));
  }
  difference.elements += size;
  return true;
}

std::string index_text(uint64_t flat, std::span<const int64_t> shape) {
  std::vector<uint64_t> index(shape.size());
  for (size_t i = shape.size(); i-- > 0;) {
    const auto size = static_cast<uint64_t>(shape[i]);
    index[i] = flat % size;
    flat /= size;
  }
  std::string out = "[";
  for (size_t i = 0; i < index.size(); ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(index[i]);
  }
  return out + "]";
}

std::string difference_text(const Difference &difference, std::span<const int64_t> shape) {
  if (difference.different == 0) return "the bytes differ, the values do not";
  std::string out = std::to_string(difference.different) + " of " + count_text(difference.elements, "element") +
                    " differ" + (difference.different == 1 ? "s" : "") + ", first at " +
                    index_text(difference.first, shape) + " (" + difference.first_a + " != " + difference.first_b +
                    "), largest difference " + element_text(difference.largest);
  if (difference.without_distance > 0) {
    out += ", " + std::to_string(difference.without_distance) + " without one (nan, inf)";
  }
  return out;
}

class Comparison {
 public:
  Comparison(const Side &a, const Side &b, Progress &progress, bool quiet)
      : a_(a), b_(b), progress_(progress), quiet_(quiet) {}

  void arrays();
  void metadata();
  const std::vector<std::string> &lines() const { return lines_; }

 private:
  // With --quiet the first difference is enough.
  bool enough() const { return quiet_ && !lines_.empty(); }
  void add(std::string line) { lines_.push_back(std::move(line)); }
  void array(size_t in_a, size_t in_b);
  void values(const std::string &what, size_t in_a, size_t in_b);
  Array next(const Side &side, Pieces &pieces);

  const Side &a_;
  const Side &b_;
  Progress &progress_;
  bool quiet_;
  std::vector<std::string> lines_;
};

// A failure tells which file it is of.
struct SideError {
  const std::string &path;
  FileError error;
};

template <typename Work>
auto on_side(const std::string &path, Work &&work) {
  try {
    return work();
  } catch (const FileError &error) {
    throw SideError{path, error};
  }
}

std::optional<size_t> find(const tf_file *file, std::string_view name) {
  size_t index = 0;
  const tf_status status = tf_file_find(&index, file, name.data(), name.size());
  if (status == TF_STATUS_NOT_FOUND) return std::nullopt;
  expect(status);
  return index;
}

void Comparison::arrays() {
  const tf_file *a = a_.file.get();
  const tf_file *b = b_.file.get();
  for (size_t i = 0; i < tf_file_size(a) && !enough(); ++i) {
    const std::string_view name = array_name(a, i);
    if (const std::optional<size_t> other = find(b, name)) {
      array(i, *other);
    } else {
      add("only in A: array " + in_quotes(name) + " " + type_text(a, i));
    }
  }
  for (size_t i = 0; i < tf_file_size(b) && !enough(); ++i) {
    const std::string_view name = array_name(b, i);
    if (!find(a, name)) add("only in B: array " + in_quotes(name) + " " + type_text(b, i));
  }
}

void Comparison::array(size_t in_a, size_t in_b) {
  const tf_file *a = a_.file.get();
  const tf_file *b = b_.file.get();
  on_side(a_.path, [&] { expect_known(a, in_a); });
  on_side(b_.path, [&] { expect_known(b, in_b); });
  const std::string what = "array " + in_quotes(array_name(a, in_a)) + ": ";
  const tf_dtype dtype_a = tf_file_dtype(a, in_a);
  const tf_dtype dtype_b = tf_file_dtype(b, in_b);
  const auto shape_a = array_shape(a, in_a);
  const auto shape_b = array_shape(b, in_b);
  const bool one_shape = std::equal(shape_a.begin(), shape_a.end(), shape_b.begin(), shape_b.end());
  if (dtype_a != dtype_b) {
    add(what + "dtype " + tf_dtype_name(dtype_a) + " != " + tf_dtype_name(dtype_b));
    if (is_complex(dtype_a) || is_complex(dtype_b)) return;
  }
  if (!one_shape) {
    add(what + "shape " + shape_text(shape_a) + " != " + shape_text(shape_b));
  } else if (!enough()) {
    values(what, in_a, in_b);
  }
}

Array Comparison::next(const Side &side, Pieces &pieces) {
  return on_side(side.path, [&] {
    Array piece = pieces.next();
    if (piece) progress_.advance(tf_array_nbytes(piece.get()));
    return piece;
  });
}

// Both are read in the same pieces, or both whole.
void Comparison::values(const std::string &what, size_t in_a, size_t in_b) {
  const tf_file *a = a_.file.get();
  const tf_file *b = b_.file.get();
  const bool whole = !reads_in_pieces(a, in_a) || !reads_in_pieces(b, in_b);
  Pieces pieces_a(a, in_a, whole);
  Pieces pieces_b(b, in_b, whole);
  Difference difference;
  bool differs = false;
  while (const Array piece = next(a_, pieces_a)) {
    const Array other = next(b_, pieces_b);
    differs = on_side(a_.path, [&] { return compare_pieces(difference, piece.get(), other.get()); }) || differs;
  }
  const bool one_dtype = tf_file_dtype(a, in_a) == tf_file_dtype(b, in_b);
  if (one_dtype ? differs : difference.different > 0) add(what + difference_text(difference, array_shape(a, in_a)));
}

std::string value_text(const tf_dict *metadata, std::string_view key) {
  JsonWriter json;
  write_value(json, metadata, key, kShownItems);
  return cut(json.text(), kShownColumns) + " (" + kind_text(metadata, key) + ")";
}

bool has(const tf_dict *dict, std::string_view key) {
  size_t index = 0;
  return tf_dict_find(&index, dict, key.data(), key.size()) == TF_STATUS_OK;
}

void Comparison::metadata() {
  const tf_dict *a = a_.metadata.get();
  const tf_dict *b = b_.metadata.get();
  for (size_t i = 0; i < tf_dict_size(a) && !enough(); ++i) {
    const std::string_view key = key_at(a, i);
    const std::string what = "metadata " + in_quotes(key);
    if (!has(b, key)) {
      add("only in A: " + what + " = " + value_text(a, key));
    } else if (!same_value(a, b, key)) {
      add(what + ": " + value_text(a, key) + " != " + value_text(b, key));
    }
  }
  for (size_t i = 0; i < tf_dict_size(b) && !enough(); ++i) {
    const std::string_view key = key_at(b, i);
    if (!has(a, key)) add("only in B: metadata " + in_quotes(key) + " = " + value_text(b, key));
  }
}

Side open_side(const std::string &path, const tf_options *options) {
  return on_side(path, [&] {
    File file = open_file(path, options);
    Dict metadata = metadata_of(file.get());
    return Side{path, std::move(file), std::move(metadata)};
  });
}

int compare(const std::string &path_a, const std::string &path_b, bool parts, bool quiet) {
  Progress progress(path_a);
  const Options options = new_options(parts);
  progress.watch(options.get());
  const Side a = open_side(path_a, options.get());
  const Side b = open_side(path_b, options.get());
  progress.expect_bytes(total_bytes(a.file.get()) + total_bytes(b.file.get()));
  Comparison comparison(a, b, progress, quiet);
  comparison.arrays();
  comparison.metadata();
  progress.finish();
  if (!quiet) {
    for (const std::string &line : comparison.lines())
      print(line + "\n");
  }
  return comparison.lines().empty() ? kExitOk : kExitBadFile;
}

}  // namespace

int diff(const Arguments &arguments) {
  CommandLine line("Tell which arrays and metadata of two files differ, in what, and by how much.", "tensorfile diff");
  std::string a;
  std::string b;
  bool parts = false;
  bool quiet = false;
  line.argument("A", a, "one file");
  line.argument("B", b, "the other");
  line.flag("-q,--quiet", quiet, "say nothing; the exit status tells");
  line.parts(parts);
  if (!line.parse(arguments)) return kExitOk;
  try {
    return compare(a, b, parts, quiet);
  } catch (const SideError &failure) {
    return report(failure.path, failure.error);
  }
}

}  // namespace cli
