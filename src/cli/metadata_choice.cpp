#include "cli/metadata_choice.h"

#include "cli/error_output.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Kind;
using tensorfile::MetadataAbility;

namespace {

// Returns the least ability that a format needs to hold a value.
MetadataAbility needed_for(const MetadataEntry &entry) {
  switch (entry.kind()) {
    case Kind::string:
      return MetadataAbility::strings;
    case Kind::string_list:
      return MetadataAbility::string_lists;
    default:
      return MetadataAbility::typed;
  }
}

}  // namespace

void MetadataChoice::declare(CommandLine &line) {
  line.option("--metadata", text,
              "keep metadata, drop it, or keep it and write as text what the format cannot hold otherwise (default: "
              "keep)",
              "keep|drop|strings");
}

void MetadataChoice::check() const {
  if (text == "keep" || text == "drop" || text == "strings") return;
  throw UsageError{"--metadata: expected keep, drop or strings, not " + in_quotes(text)};
}

void MetadataChoice::add(tensorfile::Dict &metadata, const MetadataEntry &entry, tensorfile::Format format) const {
  if (drops()) return;
  if (!as_strings() || needed_for(entry) <= tensorfile::metadata_ability(format)) {
    metadata.set(entry);
  } else {
    metadata.set(entry.key(), std::string_view(value_text(entry)));
  }
}

}  // namespace cli
