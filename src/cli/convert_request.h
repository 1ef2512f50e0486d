// The options of `tensorfile convert`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/edit_metadata.h"
#include "cli/metadata_choice.h"
#include "cli/mlx_weights.h"
#include "cli/quantize.h"
#include "cli/selection.h"
#include "tensorfile.hpp"

namespace cli {

// An option --cast DTYPE or --cast DTYPE:PATTERN.
struct Cast {
  tensorfile::Dtype dtype;
  std::string pattern;  // "*" if the option has none
};

struct ConvertRequest {
  std::vector<std::string> in;
  std::string out;
  std::vector<std::string> cast_options;
  MetadataChoice metadata;
  std::optional<std::string> name;
  SelectionOptions selection;
  MetadataEdits edits;
  DecodeOption decode;
  bool compress = false;
  bool map = false;
  bool no_clobber = false;
  bool dry_run = false;
  InputOptions input;
  QuantizeOptions quantize;
  int64_t part_bytes = 0;  // 0 means one file
  int64_t header_slack = 0;

  std::string to;  // the name of the format of OUT; "" if its extension names it

  tensorfile::Format format = tensorfile::Format::auto_;  // the format of OUT
  std::vector<Cast> casts;

  void declare(CommandLine &line);
  // Checks the options and looks up the formats and dtypes that they name. Throws UsageError.
  void complete();

  bool to_standard_output() const { return out == "-"; }
  // Returns the dtype that --cast chooses for an array. The last option that matches counts.
  tensorfile::Dtype dtype_of(const std::string &name, tensorfile::Dtype stored) const;

 private:
  void complete_format();
  void complete_casts();
};

}  // namespace cli
