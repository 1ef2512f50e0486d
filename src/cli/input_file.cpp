#include "cli/input_file.h"

#include "cli/error_output.h"
#include "cli/text.h"

namespace cli {

tensorfile::Options input_options(bool parts) {
  return tensorfile::Options().set(TF_OPTION_PARTS, parts ? 1 : 0);
}

uint64_t total_bytes(const tensorfile::File &file) {
  uint64_t total = 0;
  for (const Entry &entry : file)
    total += entry.nbytes();
  return total;
}

std::string type_text(const Entry &entry) {
  return std::string(tf_dtype_name(entry.dtype())) + " " + shape_text(entry.shape());
}

void require_known_dtype(const Entry &entry) {
  if (entry.dtype() == TF_DTYPE_UNSUPPORTED) entry.read();
}

Entry find_array(const tensorfile::File &file, const std::string &path, const std::string &name) {
  if (!file.contains(name)) throw UsageError{escaped(path) + " has no array named " + in_quotes(name)};
  return file.at(name);
}

}  // namespace cli
