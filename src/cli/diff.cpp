// tensorfile diff: reports which arrays and metadata differ between two files, and by how much.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/elements.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/json_output.h"
#include "cli/metadata.h"
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
  tensorfile::File file;
  tensorfile::Dict metadata;
};

// The result of comparing the elements of two arrays of the same shape.
struct Difference {
  uint64_t elements = 0;          // compared so far
  uint64_t different = 0;         // how many of the compared elements differ
  uint64_t without_distance = 0;  // how many of the different ones are nan or infinite
  double largest = 0;             // the largest absolute difference of the other ones
  uint64_t first = 0;             // index in C order of the first element that differs
  std::string first_a;
  std::string first_b;
};

bool is_complex(tensorfile::Dtype dtype) {
  return dtype == tensorfile::Dtype::complex64 || dtype == tensorfile::Dtype::complex128;
}

// True if all bits are equal: a nan equals the same nan, and 0.0 does not equal -0.0.
bool same_bits(const Element &a, const Element &b) {
  return std::visit(
      [&](const auto &value) {
        using T = std::decay_t<decltype(value)>;
        using Bytes = std::array<std::byte, sizeof(T)>;
        return std::bit_cast<Bytes>(value) == std::bit_cast<Bytes>(std::get<T>(b));
      },
      a);
}

// Elements of the same dtype are compared by their bits, others by their values.
void compare_elements(Difference &difference, const Elements &a, const Elements &b, bool same_dtype) {
  for (size_t i = 0; i < a.size(); ++i) {
    const Element left = a[i];
    const Element right = b[i];
    const double absolute = distance(left, right);
    if (same_dtype ? same_bits(left, right) : absolute == 0) continue;
    if (!same_dtype && element_text(left) == element_text(right)) continue;  // both nan, or the same infinity
    if (difference.different++ == 0) difference.first = difference.elements + i;
    if (std::isfinite(absolute)) {
      difference.largest = std::max(difference.largest, absolute);
    } else {
      ++difference.without_distance;
    }
  }
}

// Compares the next pieces of two arrays. Returns false if their bytes are equal.
bool compare_pieces(Difference &difference, const tensorfile::Array &a, const tensorfile::Array &b) {
  const bool same_dtype = a.dtype() == b.dtype();
  const auto size = static_cast<uint64_t>(a.size());
  if (same_dtype && std::memcmp(a.data(), b.data(), static_cast<size_t>(a.nbytes())) == 0) {
    difference.elements += size;
    return false;
  }
  const bool first = difference.different == 0;
  if (same_dtype) {
    compare_elements(difference, Elements(a), Elements(b), true);
  } else {
    compare_elements(difference, Elements(a.cast(tensorfile::Dtype::float64)),
                     Elements(b.cast(tensorfile::Dtype::float64)), false);
  }
  if (first && difference.different > 0) {
    const auto at = static_cast<size_t>(difference.first - difference.elements);
    difference.first_a = Elements(a).text(at, a.dtype());
    difference.first_b = Elements(b).text(at, b.dtype());
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
  if (difference.different == 0) return "the bytes differ, but the values are equal";
  std::string out = std::to_string(difference.different) + " of " + count_text(difference.elements, "element") +
                    " differ" + (difference.different == 1 ? "s" : "") + ", first at " +
                    index_text(difference.first, shape) + " (" + difference.first_a + " != " + difference.first_b +
                    "), largest difference " + element_text(difference.largest);
  if (difference.without_distance > 0) {
    out += " (not counting " + std::to_string(difference.without_distance) + " with nan or inf)";
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
  // True if no more differences are needed: with --quiet, after the first one.
  bool enough() const { return quiet_ && !lines_.empty(); }
  void add(std::string line) { lines_.push_back(std::move(line)); }
  void array(const Entry &a, const Entry &b);
  void values(const std::string &what, const Entry &a, const Entry &b);
  tensorfile::Array next(const Side &side, Pieces &pieces);

  const Side &a_;
  const Side &b_;
  Progress &progress_;
  bool quiet_;
  std::vector<std::string> lines_;
};

// An error, and the path of the file that it is about.
struct SideError {
  const std::string &path;
  tensorfile::Error error;
};

template <typename Work>
auto on_side(const std::string &path, Work &&work) {
  try {
    return work();
  } catch (const tensorfile::Error &error) {
    throw SideError{path, error};
  }
}

void Comparison::arrays() {
  for (const Entry &a : a_.file) {
    if (enough()) return;
    if (b_.file.contains(a.name())) {
      array(a, b_.file.at(a.name()));
    } else {
      add("only in A: array " + in_quotes(a.name()) + " " + type_text(a));
    }
  }
  for (const Entry &b : b_.file) {
    if (enough()) return;
    if (!a_.file.contains(b.name())) add("only in B: array " + in_quotes(b.name()) + " " + type_text(b));
  }
}

void Comparison::array(const Entry &a, const Entry &b) {
  on_side(a_.path, [&] { require_known_dtype(a); });
  on_side(b_.path, [&] { require_known_dtype(b); });
  const std::string what = "array " + in_quotes(a.name()) + ": ";
  if (a.dtype() != b.dtype()) {
    add(what + "dtype " + tensorfile::name(a.dtype()) + " != " + tensorfile::name(b.dtype()));
    if (is_complex(a.dtype()) || is_complex(b.dtype())) return;
  }
  const auto shape_a = a.shape();
  const auto shape_b = b.shape();
  if (!std::equal(shape_a.begin(), shape_a.end(), shape_b.begin(), shape_b.end())) {
    add(what + "shape " + shape_text(shape_a) + " != " + shape_text(shape_b));
  } else if (!enough()) {
    values(what, a, b);
  }
}

tensorfile::Array Comparison::next(const Side &side, Pieces &pieces) {
  return on_side(side.path, [&] {
    tensorfile::Array piece = pieces.next();
    if (piece) progress_.advance(piece.nbytes());
    return piece;
  });
}

// Reads both arrays in the same pieces, or both whole.
void Comparison::values(const std::string &what, const Entry &a, const Entry &b) {
  const bool whole = !reads_in_pieces(a) || !reads_in_pieces(b);
  Pieces pieces_a(a, whole);
  Pieces pieces_b(b, whole);
  Difference difference;
  bool differs = false;
  while (const tensorfile::Array piece = next(a_, pieces_a)) {
    const tensorfile::Array other = next(b_, pieces_b);
    differs = on_side(a_.path, [&] { return compare_pieces(difference, piece, other); }) || differs;
  }
  const bool same_dtype = a.dtype() == b.dtype();
  if (same_dtype ? differs : difference.different > 0) add(what + difference_text(difference, a.shape()));
}

std::string value_text(const MetadataEntry &entry) {
  JsonWriter json;
  write_value(json, entry, kShownItems);
  return cut(json.text(), kShownColumns) + " (" + kind_text(entry) + ")";
}

void Comparison::metadata() {
  for (const MetadataEntry &a : a_.metadata) {
    if (enough()) return;
    const std::string what = "metadata " + in_quotes(a.key());
    if (!b_.metadata.contains(a.key())) {
      add("only in A: " + what + " = " + value_text(a));
      continue;
    }
    const MetadataEntry b = b_.metadata.at(a.key());
    if (!same_value(a, b)) add(what + ": " + value_text(a) + " != " + value_text(b));
  }
  for (const MetadataEntry &b : b_.metadata) {
    if (enough()) return;
    if (!a_.metadata.contains(b.key())) add("only in B: metadata " + in_quotes(b.key()) + " = " + value_text(b));
  }
}

Side open_side(const std::string &path, const tensorfile::Options &options) {
  return on_side(path, [&] {
    tensorfile::File file(path, options);
    tensorfile::Dict metadata = file.metadata();
    return Side{path, std::move(file), std::move(metadata)};
  });
}

int compare(const std::string &path_a, const std::string &path_b, const InputOptions &input, bool quiet) {
  Progress progress(path_a);
  tensorfile::Options options = library_options(input);
  progress.watch(options);
  const Side a = open_side(path_a, options);
  const Side b = open_side(path_b, options);
  progress.expect_bytes(total_bytes(a.file) + total_bytes(b.file));
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

class Diff : public Command {
 public:
  Diff() : Command("diff", "Report the differences between the arrays and metadata of two files.") {}

  void declare(CommandLine &line) override {
    line.argument("A", a_, "first file");
    line.argument("B", b_, "second file");
    line.flag("-q,--quiet", quiet_, "print nothing; only the exit status reports the result");
    line.input(input_);
  }

  int run() override {
    try {
      return compare(a_, b_, input_, quiet_);
    } catch (const SideError &failure) {
      return report(failure.path, failure.error);
    }
  }

 private:
  std::string a_;
  std::string b_;
  InputOptions input_;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_diff() {
  return std::make_unique<Diff>();
}

}  // namespace cli
