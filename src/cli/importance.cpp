#include "cli/importance.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "cli/input_file.h"
#include "cli/remote.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Array;
using tensorfile::Dict;
using tensorfile::Dtype;
using tensorfile::Error;
using tensorfile::File;
using tensorfile::Kind;
using tensorfile::Status;

namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";

File open_importance(const std::string &path) {
  try {
    return open_file(path, tensorfile::Options());
  } catch (const Error &error) {
    if (error.status() != Status::format) throw;
    throw Error(Status::format, std::string(error.what()) +
                                    "; an importance matrix must be a .gguf: llama-imatrix --in-file OLD -o NEW.gguf "
                                    "converts the older form");
  }
}

// Returns the entry of a key if it has a value of that kind, or nothing.
std::optional<Dict::Entry> find(const Dict &metadata, std::string_view key, Kind kind) {
  if (!metadata.contains(key)) return std::nullopt;
  const Dict::Entry entry = metadata.at(key);
  if (entry.kind() != kind) return std::nullopt;
  return entry;
}

std::vector<float> read_floats(const File::Entry &entry) {
  if (entry.dtype() != Dtype::float32) {
    throw Error(Status::type,
                "array " + in_quotes(entry.name()) + ": expected float32, found " + tensorfile::name(entry.dtype()));
  }
  const Array array = entry.read();
  std::vector<float> values(static_cast<size_t>(array.size()));
  array.copy_to(values.data(), values.size());
  const auto bad = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  if (bad != values.end()) {
    throw Error(Status::corrupt, "array " + in_quotes(entry.name()) + ": element " +
                                     std::to_string(bad - values.begin()) + " is not finite");
  }
  return values;
}

}  // namespace

bool is_embedding(std::string_view name) {
  return name == "token_embd.weight" || name == "per_layer_token_embd.weight";
}

void ImportanceMatrix::read(const std::string &path) {
  path_ = path;
  const File file = open_importance(path);
  const Dict metadata = file.metadata();
  const auto type = find(metadata, "general.type", Kind::string);
  if (!type || type->string() != "imatrix") {
    throw Error(Status::format, "not an importance matrix: its general.type is not imatrix");
  }
  if (const auto datasets = find(metadata, "imatrix.datasets", Kind::string_list); datasets) {
    const std::vector<std::string> names = datasets->strings();
    if (!names.empty()) dataset_ = names.front();
  }
  if (find(metadata, "imatrix.chunk_count", Kind::array)) {
    chunks_ = metadata.scalar("imatrix.chunk_count").as<int64_t>();
  }
  for (const File::Entry &entry : file) {
    const std::string_view name = entry.name();
    if (name.ends_with(kSums)) add(file, entry, std::string(name.substr(0, name.size() - kSums.size())));
  }
  if (arrays_.empty()) throw Error(Status::format, "the importance matrix has no arrays");
}

// Divides the sums of each expert by its count. An expert that was never used has equal weights.
void ImportanceMatrix::add(const File &file, const File::Entry &sums, const std::string &name) {
  const std::string counts_name = name + std::string(kCounts);
  if (!file.contains(counts_name)) {
    throw Error(Status::corrupt, "array " + in_quotes(sums.name()) + " has no " + in_quotes(counts_name));
  }
  std::vector<float> weights = read_floats(sums);
  const std::vector<float> counts = read_floats(file.at(counts_name));
  if (counts.empty() || weights.size() % counts.size() != 0) {
    throw Error(Status::corrupt, "array " + in_quotes(sums.name()) + " has " + std::to_string(weights.size()) +
                                     " elements, which are not a multiple of its " + std::to_string(counts.size()) +
                                     " counts");
  }
  const size_t columns = weights.size() / counts.size();
  for (size_t i = 0; i < weights.size(); ++i) {
    const float count = std::round(counts[i / columns]);
    weights[i] = count > 0 ? weights[i] / count : 1;
  }
  arrays_.emplace(name, std::move(weights));
}

Array ImportanceMatrix::weights_of(const std::string &name, std::span<const int64_t> shape) const {
  const auto found = arrays_.find(name);
  if (found == arrays_.end() || shape.size() < 2 || shape.size() > 3) return {};
  std::vector<int64_t> sizes(shape.begin(), shape.end());
  sizes[sizes.size() - 2] = 1;
  int64_t needed = 1;
  for (const int64_t size : sizes)
    needed *= size;
  if (static_cast<int64_t>(found->second.size()) == needed) return Array::copy(sizes, found->second);
  if (is_embedding(name)) return {};
  throw Error(Status::unsupported, "the importance matrix has " + std::to_string(found->second.size()) +
                                       " weights for array " + in_quotes(name) + ", which needs " +
                                       std::to_string(needed));
}

void ImportanceMatrix::describe(Dict &metadata) const {
  metadata.set("quantize.imatrix.file", shown_argument(path_));
  if (!dataset_.empty()) metadata.set("quantize.imatrix.dataset", dataset_);
  metadata.set("quantize.imatrix.entries_count", static_cast<uint32_t>(arrays_.size()));
  if (chunks_ > 0) metadata.set("quantize.imatrix.chunks_count", static_cast<uint32_t>(chunks_));
}

}  // namespace cli
