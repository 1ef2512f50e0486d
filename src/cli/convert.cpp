// tensorfile convert: writes the arrays and metadata of one file as another.
#include "cli/convert.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/error_output.h"
#include "cli/file_type.h"
#include "cli/input_file.h"
#include "cli/input_set.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/progress.h"
#include "cli/quantize.h"
#include "cli/text.h"

namespace cli {

namespace {

struct Request {
  std::string in;
  std::string out;
  std::string cast;
  std::string metadata = "keep";
  std::optional<std::string> name;
  std::vector<std::string> settings;
  bool compress = false;
  bool map = false;
  bool skip_unsupported = false;
  InputOptions input;
  QuantizeOptions quantize;
  int64_t part_bytes = 0;  // 0 means one file

  tensorfile::Format format = tensorfile::Format::auto_;     // the format of OUT
  tensorfile::Dtype dtype = tensorfile::Dtype::unsupported;  // the dtype to cast to; unsupported means no cast
};

void declare_request(CommandLine &line, Request &request) {
  line.flag("--compress", request.compress, "compress the members of an .npz");
  line.option("--cast", request.cast, "cast every array to DTYPE", "DTYPE");
  line.option("--metadata", request.metadata,
              "keep the metadata of IN, drop it, or keep only strings and lists of strings (default: keep)",
              "keep|drop|strings");
  line.option("--quantize", request.quantize.type,
              "encode the float arrays of 2 or more dimensions in a block type, and print what becomes of each array",
              "TYPE");
  line.options("--include", request.quantize.include,
               "with --quantize: encode only arrays whose names match (* and ?); may be repeated", "PATTERN");
  line.options("--exclude", request.quantize.exclude,
               "with --quantize: do not encode arrays whose names match; may be repeated", "PATTERN");
  line.number("--part-bytes", request.part_bytes,
              "split a .safetensors or .gguf into files of at most BYTES of array data", "BYTES");
  line.option("--name", request.name,
              "the name in OUT of the array of an .npy (default: arr_0); for other formats, the only array to convert",
              "NAME");
  line.options(
      "--set", request.settings,
      "set a metadata value; KEY=TYPE:VALUE chooses its type: str, bool, i8 ... u64, f32, f64; may be repeated",
      "KEY=VALUE");
  line.flag("--map", request.map, "map IN instead of reading it");
  line.flag("--skip-unsupported", request.skip_unsupported, "leave out arrays whose types are unknown");
  line.input(request.input);
  line.argument("IN", request.in, "file to read");
  line.argument("OUT", request.out, "file to write");
}

void complete_quantize(Request &request) {
  QuantizeOptions &quantize = request.quantize;
  if (quantize.type.empty()) {
    if (quantize.include.empty() && quantize.exclude.empty()) return;
    throw UsageError{"--include and --exclude require --quantize"};
  }
  if (!request.cast.empty()) throw UsageError{"--quantize and --cast cannot be combined"};
  quantize.dtype = tensorfile::dtype_from_name(quantize.type);
  if (quantize.dtype == tensorfile::Dtype::unsupported || tensorfile::bits(quantize.dtype) != 0) {
    throw UsageError{"--quantize: unknown block type " + in_quotes(quantize.type)};
  }
}

// Checks the options and looks up the formats and dtypes that they name. Throws UsageError.
void complete(Request &request) {
  request.format = tensorfile::format_from_path(request.out);
  if (request.format == tensorfile::Format::auto_) {
    throw UsageError{escaped(request.out) + ": the extension must be .npy, .npz, .safetensors or .gguf"};
  }
  if (!request.cast.empty()) {
    request.dtype = tensorfile::dtype_from_name(request.cast);
    if (request.dtype == tensorfile::Dtype::unsupported)
      throw UsageError{"--cast: unknown dtype " + in_quotes(request.cast)};
  }
  complete_quantize(request);
  const bool has_parts =
      request.format == tensorfile::Format::safetensors || request.format == tensorfile::Format::gguf;
  if (request.part_bytes > 0 && !has_parts) throw UsageError{"--part-bytes requires OUT to be .safetensors or .gguf"};
  if (request.metadata != "keep" && request.metadata != "drop" && request.metadata != "strings") {
    throw UsageError{"--metadata: expected keep, drop or strings, not " + in_quotes(request.metadata)};
  }
  if (request.name && !is_utf8(*request.name)) throw UsageError{"--name " + escaped(*request.name) + ": not UTF-8"};
  if (request.compress && request.format != tensorfile::Format::npz)
    throw UsageError{"--compress requires OUT to be .npz"};
}

// Throws the library's error for an array of an unknown dtype, and names the option that leaves such arrays out.
void require_convertible(const Entry &entry) {
  try {
    require_known_dtype(entry);
  } catch (const tensorfile::Error &error) {
    throw tensorfile::Error(error.status(), std::string(error.what()) + "; --skip-unsupported leaves it out");
  }
}

PlannedArray plan_array(const Request &request, const Entry &entry, std::string name) {
  require_convertible(entry);
  const auto shape = entry.shape();
  const tensorfile::Dtype to = request.dtype == tensorfile::Dtype::unsupported ? entry.dtype() : request.dtype;
  return {entry.index(), std::move(name), entry.dtype(), to, {shape.begin(), shape.end()}};
}

bool is_left_out(const Request &request, const Entry &entry) {
  return request.skip_unsupported && entry.dtype() == tensorfile::Dtype::unsupported;
}

// Returns the arrays to convert, with their names in OUT.
std::vector<PlannedArray> plan(const Request &request, const tensorfile::File &file) {
  std::vector<PlannedArray> planned;
  if (holds_one_array(file.format())) {
    planned.push_back(plan_array(request, file.at(0), request.name.value_or("arr_0")));
  } else if (request.name) {
    planned.push_back(plan_array(request, find_array(file, request.in, *request.name), *request.name));
  } else {
    for (const Entry &entry : file) {
      if (is_left_out(request, entry)) continue;
      planned.push_back(plan_array(request, entry, std::string(entry.name())));
    }
  }
  return planned;
}

// Prints a note on standard error for each part of IN that is not converted.
void print_left_out(const Request &request, const tensorfile::File &file) {
  for (const Entry &entry : file) {
    if (is_left_out(request, entry))
      note(request.in, "left out array " + in_quotes(entry.name()) + " " + type_text(entry));
  }
  for (const std::string_view name : file.other_names())
    note(request.in, "left out " + in_quotes(name) + ", which is not an array");
  print_notes(request.in, file);
}

std::string joined(const std::vector<std::string> &parts) {
  std::string out;
  for (const std::string &part : parts)
    out += (out.empty() ? "" : ", ") + part;
  return out;
}

// Makes the one-line error that lists everything that OUT cannot hold.
tensorfile::Error cannot_hold(const Request &request, const std::vector<std::string> &refused) {
  return {tensorfile::Status::unsupported,
          std::string(tensorfile::name(request.format)) + " cannot hold " + joined(refused)};
}

// Throws cannot_hold() if OUT cannot hold the arrays or the metadata. `unasked` describes metadata that OUT could hold, but
// only if the user asks for it.
void require_holdable(const Request &request, const std::vector<PlannedArray> &planned,
                      const tensorfile::Dict &metadata, const std::vector<std::string> &unasked,
                      const tensorfile::Options &options) {
  if (holds_one_array(request.format) && planned.size() != 1) {
    std::vector<std::string> names;
    names.reserve(planned.size());
    for (const PlannedArray &array : planned)
      names.push_back(in_quotes(array.name));
    throw tensorfile::Error(tensorfile::Status::unsupported,
                            std::string(tensorfile::name(request.format)) + " holds exactly one array, but there are " +
                                std::to_string(planned.size()) + (names.empty() ? "" : "; choose one with --name: ") +
                                joined(names));
  }
  std::vector<std::string> refused = refusals(request.format, planned, metadata, options);
  refused.insert(refused.end(), unasked.begin(), unasked.end());
  if (!refused.empty()) throw cannot_hold(request, refused);
}

struct Input {
  explicit Input(const std::string &path) : progress(path) {}

  Progress progress;  // declared before the file, which refers to it
  tensorfile::Options options;
  tensorfile::Options save_options;  // what OUT may contain
  tensorfile::File file;
  tensorfile::Dict metadata;
  std::vector<std::string> unasked;  // metadata that OUT gets only with --metadata strings
  std::vector<PlannedArray> planned;
  std::vector<std::string> decisions;  // for --quantize, a line for each array
};

bool is_text(const tensorfile::Dict::Entry &entry) {
  return entry.kind() == tensorfile::Kind::string || entry.kind() == tensorfile::Kind::string_list;
}

// Selects the metadata of IN that OUT gets. MLX cannot read an .npz with text members, so from other formats they are only
// written when the user asks for them.
void select_metadata(Input &input, const Request &request) {
  if (request.metadata == "drop") return;
  const bool asks = request.format == tensorfile::Format::npz && input.file.format() != tensorfile::Format::npz &&
                    request.metadata == "keep";
  const tensorfile::Dict metadata = input.file.metadata();
  for (const tensorfile::Dict::Entry &entry : metadata) {
    if (request.metadata == "strings" && !is_text(entry)) continue;
    if (asks && is_text(entry)) {
      input.unasked.push_back("metadata " + in_quotes(entry.key()) + " (only with --metadata strings)");
    } else {
      input.metadata.set(entry);
    }
  }
}

void open(Input &input, const Request &request) {
  input.options = library_options(request.input);
  input.progress.watch(input.options);
  input.options.set(tensorfile::Option::exact_path, 1);
  if (request.map) input.options.set(tensorfile::Option::load_mode, tensorfile::LoadMode::map);
  input.file = tensorfile::File(request.in, input.options);
  select_metadata(input, request);
  if (request.part_bytes > 0) input.options.set(tensorfile::Option::part_bytes, request.part_bytes);
  if (request.compress) input.options.set(tensorfile::Option::compress, 1);
  // Ranks and names that few readers accept stay as they are.
  if (request.format == tensorfile::Format::gguf && input.file.format() == tensorfile::Format::gguf) {
    input.options.set(tensorfile::Option::gguf_extended, 1);
    input.save_options.set(tensorfile::Option::gguf_extended, 1);
  }
  input.planned = plan(request, input.file);
  const bool quantizes = request.quantize.dtype != tensorfile::Dtype::unsupported;
  if (quantizes) input.decisions = plan_blocks(input.planned, request.quantize);
  if (request.format == tensorfile::Format::gguf && (quantizes || request.dtype != tensorfile::Dtype::unsupported)) {
    update_file_type(input.metadata, input.planned, quantizes);
  }
  for (const std::string &setting : request.settings)
    set_metadata(input.metadata, setting);
}

// Casts an array, or adds the reason to refused if that is impossible. Values that cannot be cast, such as nan in a
// block type, are only found when they are read.
void cast_or_refuse(tensorfile::Array &array, const PlannedArray &planned, std::vector<std::string> &refused) {
  const std::string why = cast(array, planned.to);
  if (why.empty()) return;
  std::string entry = "array " + in_quotes(planned.name) + " (" + why + ")";
  if (refused.empty() || refused.back() != entry) refused.push_back(std::move(entry));
}

// True if an array can be read, cast and written in pieces. A mapped array needs no memory, and pieces could divide a
// byte that packed elements share.
bool writes_in_pieces(const Request &request, const Entry &entry, tensorfile::Dtype to) {
  const bool packed = tensorfile::block_size(to) > 1 && tensorfile::bits(to) != 0;
  return !request.map && !packed && reads_in_pieces(entry);
}

tensorfile::Writer open_output(const Request &request, const Input &input) {
  tensorfile::Writer writer(request.out, request.format, input.options);
  if (!input.metadata.empty()) writer.metadata(input.metadata);
  for (const PlannedArray &planned : input.planned)
    writer.declare(planned.name, planned.to, planned.shape);
  return writer;
}

// Reads, casts and writes the arrays piece by piece. Once a value cannot be cast, nothing more is written, but the
// remaining values are still checked, so that the error lists every array concerned. Sets subject to the file that is
// being read or written, which an error is about.
void convert_arrays(const Request &request, Input &input, std::string_view &subject) {
  std::vector<std::string> refused;
  subject = request.out;
  tensorfile::Writer writer = open_output(request, input);
  for (const PlannedArray &planned : input.planned) {
    subject = request.in;
    const Entry entry = input.file.at(planned.index);
    Pieces pieces(entry, !writes_in_pieces(request, entry, planned.to));
    while (tensorfile::Array piece = pieces.next()) {
      const uint64_t nbytes = piece.nbytes();
      cast_or_refuse(piece, planned, refused);
      if (refused.empty()) {
        const tensorfile::Array dense = piece.contiguous();
        subject = request.out;
        writer.write(dense);
        subject = request.in;
      }
      input.progress.advance(nbytes);
    }
  }
  subject = request.out;
  if (!refused.empty()) throw cannot_hold(request, refused);
  writer.finish();
}

void convert_file(const Request &request, std::string_view &subject) {
  subject = request.in;
  Input input(request.in);
  open(input, request);
  subject = request.out;
  require_outside_of_set(request.in, request.out, input.file);
  require_holdable(request, input.planned, input.metadata, input.unasked, input.save_options);
  uint64_t bytes = 0;
  for (const PlannedArray &planned : input.planned)
    bytes += input.file.at(planned.index).nbytes();
  input.progress.expect_bytes(bytes);
  convert_arrays(request, input, subject);
  input.progress.finish();
  print_left_out(request, input.file);
  for (const std::string &line : input.decisions)
    print(line + "\n");
  if (request.format == tensorfile::Format::gguf && !input.metadata.contains("general.architecture")) {
    note(request.out,
         "the metadata has no general.architecture, without which most readers refuse a .gguf; "
         "--set general.architecture=NAME adds it");
  }
}

class Convert : public Command {
 public:
  Convert() : Command("convert", "Convert the arrays and metadata of IN to the format of OUT's extension.") {}

  void declare(CommandLine &line) override { declare_request(line, request_); }

  int run() override {
    complete(request_);
    std::string_view subject;
    try {
      convert_file(request_, subject);
      return kExitOk;
    } catch (const tensorfile::Error &error) {
      return report(subject, error);
    }
  }

 private:
  Request request_;
};

}  // namespace

std::unique_ptr<Command> make_convert() {
  return std::make_unique<Convert>();
}

}  // namespace cli
