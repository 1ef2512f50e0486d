// The parts of `tensorfile convert`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/mlx_weights.h"
#include "tensorfile.hpp"

namespace cli {

// An array to convert.
struct PlannedArray {
  size_t input;            // index of the file that has the array
  size_t index;            // index of the array in that file
  std::string name;        // name of the array in OUT
  tensorfile::Dtype from;  // dtype of the array as it is read
  tensorfile::Dtype to;    // dtype of the array in OUT
  std::vector<int64_t> shape;
  std::optional<MlxWeight> mlx = {};  // if the array has the codes of a weight that --decode decodes
  tensorfile::Array weights = {};     // of an importance matrix; an empty handle if there are none
};

// Replaces an array by its cast, with the weights of an importance matrix if the handle is not empty. Returns the reason
// if that is impossible, else "".
std::string cast(tensorfile::Array &array, tensorfile::Dtype dtype, const tensorfile::Array &weights = {});

// True if a file of the format holds exactly one array, without a name.
bool holds_one_array(tensorfile::Format format);

// Describes every array that the format cannot hold or that cannot be cast, and every metadata value that the format
// cannot hold, each with the reason. Nothing large is read or written to find out.
std::vector<std::string> refusals(tensorfile::Format format, const std::vector<PlannedArray> &arrays,
                                  const tensorfile::Dict &metadata, const tensorfile::Options &options);

}  // namespace cli
