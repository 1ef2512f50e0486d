// The option --metadata: which metadata of a file are kept.
#pragma once

#include <string>

#include "cli/command_line.h"
#include "cli/metadata.h"

namespace cli {

struct MetadataChoice {
  std::string text = "keep";  // or "drop" or "strings"

  void declare(CommandLine &line);
  // Throws UsageError if the option has another value.
  void check() const;

  bool drops() const { return text == "drop"; }
  // True if the user asks for values that the format can only hold as text.
  bool as_strings() const { return text == "strings"; }
  // Adds a value to metadata for a file of a format. With "strings", a value that the format cannot hold is added as text.
  void add(tensorfile::Dict &metadata, const MetadataEntry &entry, tensorfile::Format format) const;
};

}  // namespace cli
