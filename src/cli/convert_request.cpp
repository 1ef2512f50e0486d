#include "cli/convert_request.h"

#include "cli/error_output.h"
#include "cli/format_list.h"
#include "cli/pattern.h"
#include "cli/platform.h"
#include "cli/remote.h"
#include "cli/suggestion.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Ability;
using tensorfile::Dtype;
using tensorfile::Format;

namespace {

// Throws UsageError if the option needs an ability that the format of OUT lacks.
void require_ability(Format format, Ability ability, const std::string &option) {
  if (tensorfile::ability(format, ability) != 0) return;
  throw UsageError{option + " requires OUT to be " + list_extensions(ability, " or ")};
}

}  // namespace

void ConvertRequest::declare(CommandLine &line) {
  selection.declare(line);
  line.flag("--compress", compress, "compress the members of an .npz");
  line.options("--cast", cast_options,
               "cast every array, or those whose names match PATTERN, to DTYPE; may be repeated, and the last one that "
               "matches counts",
               "DTYPE[:PATTERN]");
  line.option(
      "--decode", decode.text,
      "decode the weights that MLX has quantized; without GROUP_SIZE and BITS, config.json or the shapes say how",
      "mlx[:GROUP_SIZE:BITS]");
  metadata.declare(line);
  quantize.declare(line);
  line.size("--part-bytes", part_bytes, "split a .safetensors or .gguf into files of at most SIZE bytes of array data");
  line.size("--header-slack", header_slack,
            "end the header of a .safetensors in at least SIZE bytes of spaces, so that edit --in-place can use them");
  line.option("--to", to, "write the format " + list_formats(" or ") + ", whatever the extension of OUT", "FORMAT");
  line.option("--name", name,
              "the name in OUT of the array of an .npy (default: arr_0); for other formats, the only array to convert",
              "NAME");
  edits.declare(line);
  line.flag("--map", map, "map IN instead of reading it");
  line.flag("--no-clobber", no_clobber, "fail if a file that would be written exists");
  line.flag("--dry-run", dry_run, "write nothing; print the arrays and files that would be written");
  line.input(input);
  line.inputs_and_output(in, out);
}

void ConvertRequest::complete_casts() {
  for (const std::string &option : cast_options) {
    const size_t colon = option.find(':');
    const std::string type = option.substr(0, colon);
    const Dtype dtype = tensorfile::dtype_from_name(type);
    if (dtype == Dtype::unsupported) {
      throw UsageError{"--cast: unknown dtype " + in_quotes(type) + did_you_mean(type, dtype_names(false))};
    }
    casts.push_back({dtype, colon == std::string::npos ? "*" : option.substr(colon + 1)});
  }
}

void ConvertRequest::complete_format() {
  if (to.empty()) {
    format = tensorfile::format_from_path(out);
    if (format != Format::auto_) return;
    const char *const what = to_standard_output() ? "standard output has no extension" : "the extension is not one of ";
    throw UsageError{escaped(out) + ": " + what + (to_standard_output() ? "" : list_extensions(" or ")) +
                     "; --to FORMAT says what to write"};
  }
  std::vector<std::string> names;
  for (const Format known : tensorfile::formats()) {
    names.emplace_back(tensorfile::name(known));
    if (to == names.back()) format = known;
  }
  if (format == Format::auto_) throw UsageError{"--to: unknown format " + in_quotes(to) + did_you_mean(to, names)};
}

void ConvertRequest::complete() {
  if (is_url(out)) throw UsageError{argument_text(out) + ": OUT cannot be a URL; write to a file, and upload that"};
  complete_format();
  complete_casts();
  quantize.complete();
  if (quantize.selects() && !quantize.any() && casts.empty()) {
    throw UsageError{"--include and --exclude require --quantize, --preset or --cast"};
  }
  decode.complete();
  if (part_bytes > 0) require_ability(format, Ability::parts, "--part-bytes");
  if (part_bytes > 0 && to_standard_output()) throw UsageError{"--part-bytes: standard output is one file"};
  if (to_standard_output() && !dry_run && stdout_is_terminal()) {
    throw UsageError{"standard output is a terminal; redirect it"};
  }
  metadata.check();
  if (header_slack > 0) require_ability(format, Ability::header_slack, "--header-slack");
  if (header_slack > 0 && part_bytes > 0) throw UsageError{"--header-slack cannot be combined with --part-bytes"};
  if (name && !is_utf8(*name)) throw UsageError{"--name " + escaped(*name) + ": not UTF-8"};
  if (name && in.size() > 1) throw UsageError{"--name requires a single IN; --rename changes names"};
  if (compress) require_ability(format, Ability::compression, "--compress");
}

Dtype ConvertRequest::dtype_of(const std::string &array, Dtype stored) const {
  if (!quantize.why_not_selected(array).empty()) return stored;
  Dtype dtype = stored;
  for (const Cast &cast : casts) {
    if (matches(cast.pattern, array)) dtype = cast.dtype;
  }
  return dtype;
}

}  // namespace cli
