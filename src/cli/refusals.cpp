#include <algorithm>
#include <map>

#include "cli/convert.h"
#include "cli/input_file.h"
#include "cli/text.h"

namespace cli {

namespace {

// Returns the library's message if an action fails, else "". Throws if memory runs out.
template <typename Action>
std::string failure_of(Action &&action) {
  try {
    action();
    return "";
  } catch (const tensorfile::Error &error) {
    if (error.status() == tensorfile::Status::out_of_memory) throw;
    return error.what();
  }
}

// Removes the option that no flag of the program sets.
std::string without_option(const std::string &why) {
  return why.substr(0, why.find("; TF_OPTION_GGUF_EXTENDED"));
}

// Returns an array of zeros in which the last size is `unit` and all others are 1.
tensorfile::Array miniature(tensorfile::Dtype dtype, size_t ndim, uint32_t unit) {
  tensorfile::Shape shape(ndim, 1);
  if (ndim > 0) shape.back() = unit;
  return tensorfile::Array::zeros(dtype, shape);
}

// Returns the reason if the shape is impossible for the dtype, else "": rows of a block type must be whole blocks, and
// an array of a packed type must fill whole bytes.
std::string division_refusal(const PlannedArray &array) {
  const int64_t unit = tensorfile::block_size(array.to);
  const bool blocks = tensorfile::bits(array.to) == 0;
  const int64_t size = !blocks ? element_count(array.shape) : array.shape.empty() ? 1 : array.shape.back();
  if (size % unit == 0) return "";
  return (blocks ? "rows of " : "") + count_text(static_cast<uint64_t>(size), "element") + "; " +
         tensorfile::name(array.to) + " needs a multiple of " + std::to_string(unit);
}

std::string cast_refusal(const PlannedArray &array) {
  if (array.to == array.from) return "";
  std::string why = division_refusal(array);
  if (!why.empty()) return why;
  const uint32_t unit = std::max(tensorfile::block_size(array.from), tensorfile::block_size(array.to));
  tensorfile::Array small = miniature(array.from, array.shape.size(), unit);
  return cast(small, array.to);
}

}  // namespace

std::string cast(tensorfile::Array &array, tensorfile::Dtype dtype, const tensorfile::Array &weights) {
  return failure_of([&] { array = weights ? array.cast_weighted(dtype, weights) : array.cast(dtype); });
}

bool holds_one_array(tensorfile::Format format) {
  return tensorfile::ability(format, tensorfile::Ability::single_array) != 0;
}

std::vector<std::string> refusals(tensorfile::Format format, const std::vector<PlannedArray> &arrays,
                                  const tensorfile::Dict &metadata, const tensorfile::Options &options) {
  std::map<std::string, std::string> reasons;  // by name of the array
  tensorfile::Dict small;
  for (const PlannedArray &array : arrays) {
    const std::string why = cast_refusal(array);
    if (!why.empty()) {
      reasons[array.name] = why;
    } else {
      small.set(array.name, miniature(array.to, array.shape.size(), tensorfile::block_size(array.to)));
    }
  }
  std::vector<std::string> values;
  for (const tensorfile::Finding &finding : tensorfile::save_check(format, small, metadata, options)) {
    const std::string why = without_option(finding.reason);
    if (finding.subject == "array") reasons.emplace(finding.name, why);
    if (finding.subject == "metadata") values.push_back("metadata " + in_quotes(finding.name) + " (" + why + ")");
  }
  std::vector<std::string> out;
  for (const PlannedArray &array : arrays) {
    const auto found = reasons.find(array.name);
    if (found != reasons.end()) out.push_back("array " + in_quotes(array.name) + " (" + found->second + ")");
  }
  out.insert(out.end(), values.begin(), values.end());
  return out;
}

}  // namespace cli
