// tensorfile convert: the arrays and metadata of one file as another.
#include "cli/convert.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/metadata.h"
#include "cli/open.h"
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
  std::string name;
  bool named = false;
  std::vector<std::string> settings;
  bool compress = false;
  bool map = false;
  bool parts = false;
  Quantize quantize;
  int64_t part_bytes = 0;  // 0: one file

  tf_format format = TF_FORMAT_AUTO;      // of OUT
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;  // to cast to; UNSUPPORTED: none
};

bool parse_request(Request &request, const Arguments &arguments) {
  CommandLine line("Write the arrays and the metadata of IN as OUT, in the format that OUT's extension names.",
                   "tensorfile convert");
  line.flag("--compress", request.compress, "deflate the members of an .npz");
  line.option("--cast", request.cast, "cast every array", "DTYPE");
  line.option("--metadata", request.metadata, "what to do with IN's metadata", "keep|drop");
  line.option("--quantize", request.quantize.type,
              "encode the float arrays of 2 and more dimensions in a block type, and say what became of each", "TYPE");
  line.options("--include", request.quantize.include, "with --quantize: only arrays of such names (* and ?)",
               "PATTERN");
  line.options("--exclude", request.quantize.exclude, "with --quantize: no arrays of such names", "PATTERN");
  line.number("--part-bytes", request.part_bytes, "cut a .safetensors or .gguf into files of at most so many bytes",
              "BYTES");
  line.option("--name", request.name, "name for the array of an .npy (default arr_0); else the one array to take",
              "NAME");
  line.options("--set", request.settings,
               "metadata to add; KEY=TYPE:VALUE with TYPE one of str, bool, i8 ... u64, f32, f64", "KEY=VALUE");
  line.flag("--map", request.map, "map IN instead of reading it");
  line.parts(request.parts);
  line.argument("IN", request.in, "file to read");
  line.argument("OUT", request.out, "file to write");
  if (!line.parse(arguments)) return false;
  request.named = line.has("--name");
  return true;
}

void complete_quantize(Request &request) {
  Quantize &quantize = request.quantize;
  if (quantize.type.empty()) {
    if (quantize.include.empty() && quantize.exclude.empty()) return;
    throw UsageError{"--include and --exclude need --quantize"};
  }
  if (!request.cast.empty()) throw UsageError{"--quantize and --cast exclude each other"};
  quantize.dtype = tf_dtype_from_name(quantize.type.c_str());
  if (quantize.dtype == TF_DTYPE_UNSUPPORTED || tf_dtype_bits(quantize.dtype) != 0) {
    throw UsageError{"--quantize " + escaped(quantize.type) + ": no such block type"};
  }
}

void complete(Request &request) {
  request.format = tf_format_from_path(request.out.c_str());
  if (request.format == TF_FORMAT_AUTO) {
    throw UsageError{escaped(request.out) + ": the extension must be .npy, .npz, .safetensors or .gguf"};
  }
  if (!request.cast.empty()) {
    request.dtype = tf_dtype_from_name(request.cast.c_str());
    if (request.dtype == TF_DTYPE_UNSUPPORTED) throw UsageError{"--cast " + escaped(request.cast) + ": no such dtype"};
  }
  complete_quantize(request);
  const bool has_parts = request.format == TF_FORMAT_SAFETENSORS || request.format == TF_FORMAT_GGUF;
  if (request.part_bytes > 0 && !has_parts) throw UsageError{"--part-bytes needs an OUT that is .safetensors or .gguf"};
  if (request.metadata != "keep" && request.metadata != "drop") {
    throw UsageError{"--metadata " + escaped(request.metadata) + ": keep or drop is needed"};
  }
  if (!is_utf8(request.name)) throw UsageError{"--name " + escaped(request.name) + ": not UTF-8"};
  if (request.compress && request.format != TF_FORMAT_NPZ) throw UsageError{"--compress needs an OUT that is an .npz"};
}

// The arrays to take, under the names that they get.
std::vector<Planned> plan(const Request &request, const tf_file *file) {
  const bool from_npy = tf_file_format(file) == TF_FORMAT_NPY;
  const bool one = request.named && !from_npy;
  size_t first = 0;
  size_t last = tf_file_size(file);
  if (one) {
    first = find_array(file, request.in, request.name);
    last = first + 1;
  }
  std::vector<Planned> planned;
  for (size_t i = first; i < last; ++i) {
    expect_known(file, i);
    const tf_dtype from = tf_file_dtype(file, i);
    const auto shape = array_shape(file, i);
    std::string name = !from_npy ? std::string(array_name(file, i)) : request.named ? request.name : "arr_0";
    planned.push_back({i,
                       std::move(name),
                       from,
                       request.dtype == TF_DTYPE_UNSUPPORTED ? from : request.dtype,
                       {shape.begin(), shape.end()}});
  }
  return planned;
}

std::string joined(const std::vector<std::string> &parts) {
  std::string out;
  for (const std::string &part : parts)
    out += (out.empty() ? "" : ", ") + part;
  return out;
}

// One line of all that OUT cannot hold.
FileError cannot_hold(const Request &request, const std::vector<std::string> &refused) {
  return {TF_STATUS_UNSUPPORTED, std::string(tf_format_name(request.format)) + " cannot hold " + joined(refused)};
}

// Throws the FileError that names all that OUT cannot hold.
void refuse(const Request &request, const std::vector<Planned> &planned, const tf_dict *metadata) {
  if (request.format == TF_FORMAT_NPY && planned.size() != 1) {
    std::vector<std::string> names;
    names.reserve(planned.size());
    for (const Planned &array : planned)
      names.push_back(in_quotes(array.name));
    throw FileError{TF_STATUS_UNSUPPORTED, "npy holds one array, and there are " + std::to_string(planned.size()) +
                                               (names.empty() ? "" : ", to choose from by --name: ") + joined(names)};
  }
  const std::vector<std::string> refused = refusals(request.format, planned, metadata);
  if (!refused.empty()) throw cannot_hold(request, refused);
}

struct Input {
  explicit Input(const std::string &path) : progress(path) {}

  Progress progress;  // outlives the file, which tells it
  Options options;
  File file;
  Dict metadata;
  std::vector<Planned> planned;
  std::vector<std::string> said;  // of what becomes of each array
};

void open(Input &input, const Request &request) {
  input.options = new_options(request.parts);
  input.progress.watch(input.options.get());
  expect(tf_options_set(input.options.get(), TF_OPTION_EXACT_PATH, 1));
  if (request.map) expect(tf_options_set(input.options.get(), TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP));
  input.file = open_file(request.in, input.options.get());
  expect(tf_dict_new(Out(input.metadata)));
  if (request.metadata == "keep") copy_metadata(input.metadata.get(), metadata_of(input.file.get()).get());
  for (const std::string &setting : request.settings)
    set_metadata(input.metadata.get(), setting);
  if (request.part_bytes > 0) expect(tf_options_set(input.options.get(), TF_OPTION_PART_BYTES, request.part_bytes));
  if (request.compress) expect(tf_options_set(input.options.get(), TF_OPTION_COMPRESS, 1));
  input.planned = plan(request, input.file.get());
  if (request.quantize.dtype != TF_DTYPE_UNSUPPORTED) input.said = plan_blocks(input.planned, request.quantize);
}

// Casts an array, or notes why it cannot be: which values there is no cast for, such as nan in a block type, shows only
// when they are read.
void cast_or_refuse(Array &array, const Planned &planned, std::vector<std::string> &refused) {
  const std::string why = cast(array, planned.to);
  if (why.empty()) return;
  std::string entry = "array " + in_quotes(planned.name) + " (" + why + ")";
  if (refused.empty() || refused.back() != entry) refused.push_back(std::move(entry));
}

const tf_dict *given_metadata(const Input &input) {
  return tf_dict_size(input.metadata.get()) > 0 ? input.metadata.get() : nullptr;
}

// Whether an array may be read, cast and written in pieces.
bool writes_in_pieces(const Request &request, const tf_file *file, const Planned &planned) {
  // A mapped array takes no memory; packed elements share bytes, which pieces could cut.
  const bool packed = tf_dtype_block_size(planned.to) > 1 && tf_dtype_bits(planned.to) != 0;
  return !request.map && !packed && reads_in_pieces(file, planned.index);
}

// Writes arrays as they are read, piece by piece. After the first that cannot be cast the others are only looked at.
void stream(const Request &request, Input &input, std::string_view &subject) {
  std::vector<std::string> refused;
  Writer writer;
  subject = request.out;
  expect(tf_writer_open(Out(writer), request.out.c_str(), request.format, input.options.get()));
  expect(tf_writer_set_metadata(writer.get(), given_metadata(input)));
  for (const Planned &planned : input.planned) {
    expect(tf_writer_declare(writer.get(), planned.name.data(), planned.name.size(), planned.to, planned.shape.data(),
                             planned.shape.size()));
  }
  for (const Planned &planned : input.planned) {
    subject = request.in;
    Pieces pieces(input.file.get(), planned.index, !writes_in_pieces(request, input.file.get(), planned));
    for (Array piece = pieces.next(); piece != nullptr; piece = pieces.next()) {
      const uint64_t nbytes = tf_array_nbytes(piece.get());
      cast_or_refuse(piece, planned, refused);
      if (refused.empty()) {
        Array dense;
        expect(tf_array_contiguous(Out(dense), piece.get()));
        subject = request.out;
        const auto dense_bytes = static_cast<size_t>(tf_array_nbytes(dense.get()));
        expect(tf_writer_write(writer.get(), tf_array_data(dense.get()), dense_bytes));
        subject = request.in;
      }
      input.progress.advance(nbytes);
    }
  }
  subject = request.out;
  if (!refused.empty()) throw cannot_hold(request, refused);
  expect(tf_writer_finish(writer.get()));
}

bool lacks_architecture(const Request &request, const tf_dict *metadata) {
  size_t index = 0;
  return request.format == TF_FORMAT_GGUF &&
         tf_dict_find(&index, metadata, "general.architecture", SIZE_MAX) == TF_STATUS_NOT_FOUND;
}

int convert_file(const Request &request) {
  std::string_view subject = request.in;  // of a failure
  try {
    Input input(request.in);
    open(input, request);
    subject = request.out;
    refuse(request, input.planned, input.metadata.get());
    uint64_t bytes = 0;
    for (const Planned &planned : input.planned)
      bytes += tf_file_nbytes(input.file.get(), planned.index);
    input.progress.expect_bytes(bytes);
    stream(request, input, subject);
    input.progress.finish();
    for (const std::string &line : input.said)
      print(line + "\n");
    if (lacks_architecture(request, input.metadata.get())) {
      note(request.out,
           "no general.architecture in its metadata, without which most readers refuse a .gguf; "
           "--set general.architecture=NAME adds it");
    }
    return kExitOk;
  } catch (const FileError &error) {
    return report(subject, error);
  }
}

}  // namespace

int convert(const Arguments &arguments) {
  Request request;
  if (!parse_request(request, arguments)) return kExitOk;
  complete(request);
  return convert_file(request);
}

}  // namespace cli
