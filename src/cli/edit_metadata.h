// Options that change metadata.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"
#include "tensorfile.hpp"

namespace cli {

struct MetadataEdits {
  std::vector<std::string> set;       // KEY=VALUE or KEY=TYPE:VALUE
  std::vector<std::string> set_file;  // KEY=PATH
  std::vector<std::string> remove;    // keys

  void declare(CommandLine &line);

  // True if an option sets or removes a key, so that its values in the inputs do not matter.
  bool replaces(std::string_view key) const;

  // Changes metadata: removes keys, then sets those from files, then the others. `original` has the types of keys that
  // metadata no longer has. Throws UsageError.
  void apply(tensorfile::Dict &metadata, const tensorfile::Dict &original) const;
};

}  // namespace cli
