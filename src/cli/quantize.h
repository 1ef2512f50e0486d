// `tensorfile convert --quantize` and `--preset`: choose the arrays to encode and their types.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/convert.h"

namespace cli {

// An option --tensor-type PATTERN=TYPE.
struct TensorType {
  std::string option;
  std::string pattern;
  tensorfile::Dtype dtype;
};

struct QuantizeOptions {
  std::string type;                       // the name of the type; "" without --quantize
  std::string preset_name;                // "" without --preset
  std::vector<std::string> type_options;  // of --tensor-type
  std::string imatrix;                    // path of --imatrix; "" without it
  std::vector<std::string> include;       // patterns of names; empty means all
  std::vector<std::string> exclude;
  tensorfile::Dtype dtype = tensorfile::Dtype::unsupported;  // the dtype that `type` names
  tensorfile::Preset preset = tensorfile::Preset::none;      // the preset that `preset_name` names
  std::vector<TensorType> types;                             // the first whose pattern matches a name counts

  void declare(CommandLine &line);
  // Looks up the types and the preset that the options name. Throws UsageError.
  void complete();
  bool selects() const { return !include.empty() || !exclude.empty(); }
  bool any() const { return dtype != tensorfile::Dtype::unsupported || preset != tensorfile::Preset::none; }
  // Returns "" if --include and --exclude select an array, else the reason why not.
  std::string why_not_selected(const std::string &name) const;
};

// Sets the target dtype of each array for --quantize. Returns a line for each array that describes the decision.
std::vector<std::string> plan_blocks(std::vector<PlannedArray> &arrays, const QuantizeOptions &options);
// Does the same for --preset, by the metadata of the model; `weighted` says if there is an importance matrix. Throws UsageError if a pattern of --tensor-type matches no
// array.
std::vector<std::string> plan_preset(std::vector<PlannedArray> &arrays, const tensorfile::Dict &model,
                                     const QuantizeOptions &options, bool weighted);

// True if a preset encodes an array only with weights of an importance matrix.
bool needs_weights(tensorfile::Preset preset, const PlannedArray &array);

}  // namespace cli
