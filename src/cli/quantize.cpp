#include "cli/quantize.h"

#include <algorithm>

#include "cli/pattern.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Dtype;

namespace {

// Returns a type with blocks of 32 and about as many bits per element, for rows that cannot be divided into blocks of
// 256.
Dtype with_smaller_blocks(Dtype dtype) {
  switch (dtype) {
    case Dtype::q2_k:
    case Dtype::q3_k:
    case Dtype::tq1_0:
    case Dtype::tq2_0:
      return Dtype::q4_0;
    case Dtype::iq4_xs:
      return Dtype::iq4_nl;
    case Dtype::q4_k:
      return Dtype::q5_0;
    case Dtype::q5_k:
      return Dtype::q5_1;
    case Dtype::q6_k:
    case Dtype::q8_k:
      return Dtype::q8_0;
    default:
      return dtype;
  }
}

// Without float8_e8m0fnu, whose values are the scales of other arrays.
bool is_float(Dtype dtype) {
  const bool is_float8 = dtype >= Dtype::float8_e4m3fn && dtype <= Dtype::float8_e5m2fnuz;
  return is_float8 || (dtype >= Dtype::float16 && dtype <= Dtype::float64);
}

// Returns the reason why an array keeps its dtype, or "".
std::string exemption(const PlannedArray &array, const QuantizeOptions &options) {
  if (!options.include.empty() && !any_matches(options.include, array.name)) return "not included";
  if (any_matches(options.exclude, array.name)) return "excluded";
  if (!is_float(array.from)) return "not a float";
  if (array.shape.size() < 2) return "fewer than 2 dimensions";
  return "";
}

bool fits(const PlannedArray &array, Dtype dtype) {
  return array.shape.back() % tensorfile::block_size(dtype) == 0;
}

// Sets the target dtype of one array. Returns a description of the decision.
std::string plan_array(PlannedArray &array, const QuantizeOptions &options) {
  // --cast may have chosen another dtype for arrays that are not encoded.
  const std::string kept =
      std::string(tensorfile::name(array.from)) +
      (array.to == array.from ? ", kept: " : std::string(" -> ") + tensorfile::name(array.to) + ", not encoded: ");
  if (const std::string why = exemption(array, options); !why.empty()) return kept + why;
  const std::string rows = "rows of " + std::to_string(array.shape.back());
  const Dtype fallback = with_smaller_blocks(options.dtype);
  if (!fits(array, options.dtype) && !fits(array, fallback)) {
    return kept + rows + " cannot be divided into blocks of " + std::to_string(tensorfile::block_size(fallback));
  }
  array.to = fits(array, options.dtype) ? options.dtype : fallback;
  std::string text = std::string(tensorfile::name(array.from)) + " -> " + tensorfile::name(array.to);
  if (array.to != options.dtype) {
    text += " (" + rows + " cannot be divided into blocks of " + tensorfile::name(options.dtype) + ")";
  }
  return text;
}

}  // namespace

std::vector<std::string> plan_blocks(std::vector<PlannedArray> &arrays, const QuantizeOptions &options) {
  std::vector<std::string> lines;
  lines.reserve(arrays.size());
  for (PlannedArray &array : arrays) {
    std::string line = escaped(array.name);
    line.append(": ").append(plan_array(array, options));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace cli
