#include "cli/format_list.h"

#include <vector>

namespace cli {

namespace {

using tensorfile::Format;

// Lists what text() returns for each of the formats.
template <typename TextOf>
std::string list(const std::vector<Format> &formats, TextOf &&text, std::string_view last) {
  std::string out;
  for (size_t i = 0; i < formats.size(); ++i) {
    out += i == 0 ? "" : i + 1 < formats.size() ? ", " : last;
    out += text(formats[i]);
  }
  return out;
}

}  // namespace

std::string list_formats(std::string_view last) {
  return list(
      tensorfile::formats(), [](Format format) { return tensorfile::name(format); }, last);
}

std::string list_extensions(std::string_view last) {
  return list(tensorfile::formats(), tensorfile::extension, last);
}

std::string list_extensions(tensorfile::Ability ability, std::string_view last) {
  std::vector<Format> able;
  for (const Format format : tensorfile::formats()) {
    if (tensorfile::ability(format, ability) != 0) able.push_back(format);
  }
  return list(able, tensorfile::extension, last);
}

}  // namespace cli
