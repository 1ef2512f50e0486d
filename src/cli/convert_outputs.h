// The files that `tensorfile convert` writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/convert_inputs.h"

namespace cli {

struct OutputFile {
  std::string path;
  size_t arrays;   // how many it will have
  uint64_t bytes;  // of array data
};

// Returns the files that will be written: OUT, or with --part-bytes the parts of a set, of which the index is the last.
std::vector<OutputFile> output_files(const ConvertRequest &request, const ConvertPlan &plan);

// Throws INVALID_ARGUMENT if a file that is read would be overwritten or removed, or if OUT is another part of the set
// that IN is a part of. A set that is saved also replaces an older set of that name.
void require_not_read(const ConvertInput &input, const ConvertRequest &request, const std::vector<OutputFile> &outputs);

// Throws IO if one of the files exists.
void require_new(const std::vector<OutputFile> &outputs);

// Prints what would be written.
void print_plan(const ConvertRequest &request, const ConvertPlan &plan, const std::vector<OutputFile> &outputs);

}  // namespace cli
