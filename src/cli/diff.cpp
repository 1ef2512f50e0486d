// tensorfile diff: reports which arrays and metadata differ between two files, and by how much.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/colour.h"
#include "cli/command.h"
#include "cli/compare.h"
#include "cli/elements.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/json_output.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/progress.h"
#include "cli/selection.h"
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
  std::vector<SelectedArray> arrays = {};
  std::unordered_map<std::string_view, size_t> index_of = {};  // of an array by its name

  const SelectedArray *find(std::string_view name) const {
    const auto found = index_of.find(name);
    return found == index_of.end() ? nullptr : &arrays[found->second];
  }
};

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

struct DiffRequest {
  InputOptions input;
  SelectionOptions selection;
  std::string rtol;
  std::string atol;
  bool ignore_metadata = false;
  std::optional<Tolerance> tolerance;  // if --rtol or --atol is given
};

class Comparison {
 public:
  Comparison(const Side &a, const Side &b, Progress &progress, const DiffRequest &request)
      : a_(a),
        b_(b),
        progress_(progress),
        quiet_(request.input.quiet),
        ignore_metadata_(request.ignore_metadata),
        tolerance_(request.tolerance ? &*request.tolerance : nullptr) {}

  void arrays();
  void metadata();
  const std::vector<std::string> &lines() const { return lines_; }
  // Describes the result in one line, such as "1 of 3 arrays differs; 1 only in A".
  std::string summary() const;

 private:
  // How many arrays or metadata values differ or are in one file only.
  struct Count {
    uint64_t both = 0;
    uint64_t different = 0;
    uint64_t only_a = 0;
    uint64_t only_b = 0;

    std::string text(std::string_view noun) const;
  };

  // True if no more differences are needed: with --quiet, after the first one.
  bool enough() const { return quiet_ && !lines_.empty(); }
  void add(std::string line) { lines_.push_back(std::move(line)); }
  void array(std::string_view name, const Entry &a, const Entry &b);
  void raw(const std::string &what, const Entry &a, const Entry &b);
  void values(const std::string &what, const Entry &a, const Entry &b);
  tensorfile::Array next(const Side &side, CastPieces &pieces);

  const Side &a_;
  const Side &b_;
  Progress &progress_;
  bool quiet_;
  bool ignore_metadata_;
  const Tolerance *tolerance_;
  Count arrays_;
  Count metadata_;
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
  for (const SelectedArray &a : a_.arrays) {
    if (enough()) return;
    const size_t before = lines_.size();
    if (const SelectedArray *const b = b_.find(a.name)) {
      array(a.name, a.entry, b->entry);
      ++arrays_.both;
      arrays_.different += lines_.size() > before ? 1 : 0;
    } else {
      add("only in A: array " + in_quotes(a.name) + " " + type_text(a.entry));
      ++arrays_.only_a;
    }
  }
  for (const SelectedArray &b : b_.arrays) {
    if (enough()) return;
    if (a_.find(b.name) != nullptr) continue;
    add("only in B: array " + in_quotes(b.name) + " " + type_text(b.entry));
    ++arrays_.only_b;
  }
}

void Comparison::array(std::string_view name, const Entry &a, const Entry &b) {
  const std::string what = "array " + in_quotes(name) + ": ";
  const bool known = a.dtype() != tensorfile::Dtype::unsupported && b.dtype() != tensorfile::Dtype::unsupported;
  if (a.type() != b.type()) {
    const bool comparable = known && !is_complex(a.dtype()) && !is_complex(b.dtype());
    // With a tolerance, a file may be compared with its quantized form.
    if (tolerance_ == nullptr || !comparable) {
      add(what + "dtype " + escaped(a.type()) + " != " + escaped(b.type()));
    }
    if (!comparable) return;
  }
  const auto shape_a = a.shape();
  const auto shape_b = b.shape();
  if (!std::equal(shape_a.begin(), shape_a.end(), shape_b.begin(), shape_b.end())) {
    add(what + "shape " + shape_text(shape_a) + " != " + shape_text(shape_b));
  } else if (!enough()) {
    known ? values(what, a, b) : raw(what, a, b);
  }
}

// Compares the stored bytes of arrays of an unknown type.
void Comparison::raw(const std::string &what, const Entry &a, const Entry &b) {
  const tensorfile::Array bytes_a = on_side(a_.path, [&] { return a.read_raw(); });
  const tensorfile::Array bytes_b = on_side(b_.path, [&] { return b.read_raw(); });
  progress_.advance(bytes_a.nbytes() + bytes_b.nbytes());
  if (bytes_a.nbytes() != bytes_b.nbytes()) {
    add(what + std::to_string(bytes_a.nbytes()) + " bytes != " + count_text(bytes_b.nbytes(), "byte"));
    return;
  }
  Difference difference;
  compare_pieces(difference, {bytes_a, bytes_a.dtype()}, {bytes_b, bytes_b.dtype()}, nullptr);
  if (difference.different == 0) return;
  add(what + std::to_string(difference.different) + " of " + count_text(difference.elements, "stored byte") +
      " differ" + (difference.different == 1 ? "s" : "") + ", first at byte " + std::to_string(difference.first));
}

tensorfile::Array Comparison::next(const Side &side, CastPieces &pieces) {
  return on_side(side.path, [&] {
    tensorfile::Array piece = pieces.next();
    if (piece) progress_.advance(pieces.stored_bytes(piece));
    return piece;
  });
}

// Reads both arrays in the same pieces, or both whole.
void Comparison::values(const std::string &what, const Entry &a, const Entry &b) {
  const bool whole = !reads_in_pieces(a) || !reads_in_pieces(b);
  const tensorfile::Dtype common = common_dtype(a.dtype(), b.dtype());
  CastPieces pieces_a(a, whole, common);
  CastPieces pieces_b(b, whole, common);
  Difference difference;
  bool differs = false;
  while (const tensorfile::Array piece = next(a_, pieces_a)) {
    const tensorfile::Array other = next(b_, pieces_b);
    const auto compare = [&] { return compare_pieces(difference, {piece, a.dtype()}, {other, b.dtype()}, tolerance_); };
    differs = on_side(a_.path, compare) || differs;
  }
  const bool by_bits = a.dtype() == b.dtype() && tolerance_ == nullptr;
  if (by_bits ? differs : difference.different > 0) add(what + difference_text(difference, a.shape()));
}

std::string shown_value(const MetadataEntry &entry) {
  JsonWriter json;
  write_value(json, entry, kShownItems);
  return cut(json.text(), kShownColumns) + " (" + kind_text(entry) + ")";
}

void Comparison::metadata() {
  if (ignore_metadata_) return;
  for (const MetadataEntry &a : a_.metadata) {
    if (enough()) return;
    const std::string what = "metadata " + in_quotes(a.key());
    if (!b_.metadata.contains(a.key())) {
      add("only in A: " + what + " = " + shown_value(a));
      ++metadata_.only_a;
      continue;
    }
    const MetadataEntry b = b_.metadata.at(a.key());
    ++metadata_.both;
    if (same_value(a, b)) continue;
    add(what + ": " + shown_value(a) + " != " + shown_value(b));
    ++metadata_.different;
  }
  for (const MetadataEntry &b : b_.metadata) {
    if (enough()) return;
    if (a_.metadata.contains(b.key())) continue;
    add("only in B: metadata " + in_quotes(b.key()) + " = " + shown_value(b));
    ++metadata_.only_b;
  }
}

std::string Comparison::Count::text(std::string_view noun) const {
  std::string out = std::to_string(different) + " of " + count_text(both, noun) +
                    (different == 1 || both == 1 ? " differs" : " differ");
  if (only_a > 0) out += ", " + std::to_string(only_a) + " only in A";
  if (only_b > 0) out += ", " + std::to_string(only_b) + " only in B";
  return out;
}

std::string Comparison::summary() const {
  return arrays_.text("array") + (ignore_metadata_ ? "" : "; " + metadata_.text("metadata value"));
}

Side open_side(const std::string &path, const tensorfile::Options &options) {
  return on_side(path, [&] {
    tensorfile::File file = open_file(path, options);
    tensorfile::Dict metadata = file.metadata();
    return Side{path, std::move(file), std::move(metadata)};
  });
}

void choose_arrays(Side &side, Selection &selection, const tensorfile::Options &options) {
  on_side(side.path, [&] {
    side.arrays = select_arrays(side.path, side.file, selection, options);
    return 0;
  });
  for (size_t i = 0; i < side.arrays.size(); ++i)
    side.index_of.emplace(side.arrays[i].name, i);
}

std::string with_colour(const std::string &line) {
  if (line.starts_with("only in A: ")) return coloured(line, Colour::red, Stream::out);
  if (line.starts_with("only in B: ")) return coloured(line, Colour::green, Stream::out);
  return line;
}

int compare(const std::string &path_a, const std::string &path_b, const DiffRequest &request) {
  Progress progress(path_a);
  tensorfile::Options options = library_options(request.input);
  progress.watch(options);
  Selection selection(request.selection);
  Side a = open_side(path_a, options);
  Side b = open_side(path_b, options);
  choose_arrays(a, selection, options);
  choose_arrays(b, selection, options);
  selection.require_effect();
  progress.expect_bytes(total_bytes(a.arrays) + total_bytes(b.arrays));
  Comparison comparison(a, b, progress, request);
  comparison.arrays();
  comparison.metadata();
  progress.finish();
  const bool equal = comparison.lines().empty();
  if (!request.input.quiet && !equal) {
    for (const std::string &line : comparison.lines())
      print(with_colour(line) + "\n");
    print(comparison.summary() + "\n");
  }
  return equal ? kExitOk : kExitBadFile;
}

// Parses the value of --rtol or --atol. Throws UsageError.
double parse_tolerance(const char *option, const std::string &text) {
  double value = 0;
  if (text.empty()) return value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || !std::isfinite(value)) {
    throw UsageError{std::string(option) + ": expected a number of at least 0, not " + in_quotes(text)};
  }
  return value;
}

class Diff : public Command {
 public:
  Diff() : Command("diff", "Report the differences between the arrays and metadata of two files.") {}

  void declare(CommandLine &line) override {
    line.argument("A", a_, "first file");
    line.argument("B", b_, "second file");
    line.option("--rtol", request_.rtol,
                "accept differences of up to NUMBER times the value in B, whatever the dtypes are", "NUMBER");
    line.option("--atol", request_.atol, "accept differences of up to NUMBER, whatever the dtypes are", "NUMBER");
    line.flag("--ignore-metadata", request_.ignore_metadata, "compare the arrays only");
    request_.selection.declare(line);
    line.input(request_.input);
  }

  int run() override {
    if (!request_.rtol.empty() || !request_.atol.empty()) {
      request_.tolerance =
          Tolerance{parse_tolerance("--rtol", request_.rtol), parse_tolerance("--atol", request_.atol)};
    }
    try {
      return compare(a_, b_, request_);
    } catch (const SideError &failure) {
      return report(failure.path, failure.error);
    }
  }

 private:
  std::string a_;
  std::string b_;
  DiffRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_diff() {
  return std::make_unique<Diff>();
}

}  // namespace cli
