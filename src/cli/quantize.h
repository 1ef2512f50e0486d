// `tensorfile convert --quantize`: chooses the arrays to encode and their block types.
#pragma once

#include <string>
#include <vector>

#include "cli/convert.h"

namespace cli {

struct QuantizeOptions {
  std::string type;                  // the name of the type; "" if nothing is to be quantized
  std::vector<std::string> include;  // patterns of names; empty means all
  std::vector<std::string> exclude;
  tensorfile::Dtype dtype = tensorfile::Dtype::unsupported;  // the dtype that `type` names
};

// Sets the target dtype of each array. Returns a line for each array that describes the decision.
std::vector<std::string> plan_blocks(std::vector<PlannedArray> &arrays, const QuantizeOptions &options);

}  // namespace cli
