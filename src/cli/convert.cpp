// tensorfile convert: writes the arrays and metadata of files as another file.
#include "cli/convert.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/convert_inputs.h"
#include "cli/convert_outputs.h"
#include "cli/convert_request.h"
#include "cli/error_output.h"
#include "cli/header_slack.h"
#include "cli/input_file.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/text.h"

namespace cli {

namespace {

std::string joined(const std::vector<std::string> &parts) {
  std::string out;
  for (const std::string &part : parts)
    out += (out.empty() ? "" : ", ") + part;
  return out;
}

// Makes the one-line error that lists everything that OUT cannot hold. Metadata need not be held.
tensorfile::Error cannot_hold(const ConvertRequest &request, const std::vector<std::string> &refused) {
  const bool metadata = std::any_of(refused.begin(), refused.end(),
                                    [](const std::string &what) { return what.starts_with("metadata "); });
  return {
      tensorfile::Status::unsupported,
      std::string(tensorfile::name(request.format)) + " cannot hold " + joined(refused) +
          (metadata ? "; --metadata drop leaves it out, --metadata strings writes it as text, --delete removes one key"
                    : "")};
}

// Throws cannot_hold() if OUT cannot hold the arrays or the metadata. `unasked` describes metadata that OUT could hold, but
// only if the user asks for it.
void require_holdable(const ConvertRequest &request, const std::vector<PlannedArray> &planned,
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

// Casts an array, or adds the reason to refused if that is impossible. Values that cannot be cast, such as nan in a
// block type, are only found when they are read.
void cast_or_refuse(tensorfile::Array &array, const PlannedArray &planned, const tensorfile::Array &weights,
                    std::vector<std::string> &refused) {
  const std::string why = cast(array, planned.to, weights);
  if (why.empty()) return;
  std::string entry = "array " + in_quotes(planned.name) + " (" + why + ")";
  if (refused.empty() || refused.back() != entry) refused.push_back(std::move(entry));
}

// True if an array can be read, cast and written in pieces. A mapped array needs no memory, and pieces could divide a
// byte that packed elements share.
bool writes_in_pieces(const ConvertRequest &request, const Entry &entry, tensorfile::Dtype to) {
  const bool packed = tensorfile::block_size(to) > 1 && tensorfile::bits(to) != 0;
  return !request.map && !packed && reads_in_pieces(entry);
}

// Returns the weights of a piece, which begins at an element of the whole array.
tensorfile::Array weights_of_piece(const PlannedArray &planned, const tensorfile::Array &piece, int64_t first) {
  if (!planned.weights || planned.shape.size() < 3) return planned.weights.share();
  const int64_t expert = first / (planned.shape[1] * planned.shape[2]);
  return planned.weights.slice({{expert, expert + piece.shape()[0]}});
}

// Returns a function that reads the next piece of an array, and an empty handle after the last one.
std::function<tensorfile::Array()> reader_of(const ConvertRequest &request, const Entry &entry,
                                             const PlannedArray &planned) {
  if (planned.mlx) {
    return [pieces = MlxPieces(entry, *planned.mlx)]() mutable { return pieces.next(); };
  }
  const bool whole = !writes_in_pieces(request, entry, planned.to);
  // The weights of some types depend on the whole row.
  return [pieces = Pieces(entry, whole, bool{planned.weights})]() mutable { return pieces.next(); };
}

void print_bytes(const void *bytes, size_t count) {
  print({static_cast<const char *>(bytes), count});
}

tensorfile::Writer open_output(const ConvertRequest &request, const ConvertPlan &plan) {
  tensorfile::Writer writer =
      request.to_standard_output()
          ? tensorfile::Writer(tensorfile::Sink::to_function(print_bytes), request.format, plan.options)
          : tensorfile::Writer(request.out, request.format, plan.options);
  declare_output(writer, plan);
  return writer;
}

// Reads, casts and writes the arrays piece by piece. Once a value cannot be cast, nothing more is written, but the
// remaining values are still checked, so that the error lists every array concerned. Sets subject to the file that is
// being read or written, which an error is about.
void convert_arrays(const ConvertRequest &request, ConvertPlan &plan, std::string_view &subject) {
  std::vector<std::string> refused;
  subject = request.out;
  tensorfile::Writer writer = open_output(request, plan);
  for (const PlannedArray &planned : plan.arrays) {
    const ConvertInput &input = plan.inputs[planned.input];
    subject = input.path;
    const Entry entry = input.file.at(planned.index);
    const std::function<tensorfile::Array()> next = reader_of(request, entry, planned);
    int64_t first = 0;
    while (tensorfile::Array piece = next()) {
      const uint64_t nbytes = piece.nbytes();
      const tensorfile::Array weights = weights_of_piece(planned, piece, first);
      first += piece.size();
      cast_or_refuse(piece, planned, weights, refused);
      if (refused.empty()) {
        const tensorfile::Array dense = piece.contiguous();
        subject = request.out;
        writer.write(dense);
        subject = input.path;
      }
      plan.progress.advance(nbytes);
    }
  }
  subject = request.out;
  if (!refused.empty()) throw cannot_hold(request, refused);
  writer.finish();
}

// Returns the number of bytes that are read, after decoding.
uint64_t total_bytes(const ConvertPlan &plan) {
  uint64_t bytes = 0;
  for (const PlannedArray &planned : plan.arrays)
    bytes += bytes_of(planned.from, planned.shape);
  return bytes;
}

// Standard output may be the file.
void print_decisions(const ConvertPlan &plan, const ConvertRequest &request) {
  if (request.input.quiet) return;
  for (const std::string &line : plan.decisions)
    request.to_standard_output() ? note(request.out, line) : print(line + "\n");
}

void convert_files(const ConvertRequest &request, std::string_view &subject) {
  ConvertPlan plan(request);
  make_plan(plan, request, subject);
  subject = request.out;
  require_holdable(request, plan.arrays, plan.metadata, plan.unasked, plan.save_options);
  const std::vector<OutputFile> outputs = output_files(request, plan);
  for (const ConvertInput &input : plan.inputs)
    require_not_read(input, request, outputs);
  if (request.no_clobber) require_new(outputs);
  if (request.dry_run) return print_plan(request, plan, outputs);
  if (request.header_slack > 0) leave_slack(plan, request);
  plan.progress.expect_bytes(total_bytes(plan));
  convert_arrays(request, plan, subject);
  plan.progress.finish();
  print_left_out(plan, request);
  print_decisions(plan, request);
  const bool needs_keys = tensorfile::ability(request.format, tensorfile::Ability::model_keys) != 0;
  if (needs_keys && !plan.metadata.contains("general.architecture")) {
    note(request.out, std::string("the metadata has no general.architecture, without which most readers refuse a ") +
                          tensorfile::extension(request.format) + "; --set general.architecture=NAME adds it");
  }
}

class Convert : public Command {
 public:
  Convert() : Command("convert", "Convert the arrays and metadata of files to the format of OUT's extension.") {}

  void declare(CommandLine &line) override { request_.declare(line); }

  int run() override {
    request_.complete();
    std::string_view subject;
    try {
      convert_files(request_, subject);
      return kExitOk;
    } catch (const tensorfile::Error &error) {
      return report(subject, error);
    }
  }

 private:
  ConvertRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_convert() {
  return std::make_unique<Convert>();
}

}  // namespace cli
