// The files that `tensorfile convert` reads, and what it makes of their arrays and metadata.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <vector>

#include "cli/convert.h"
#include "cli/convert_request.h"
#include "cli/importance.h"
#include "cli/progress.h"

namespace cli {

struct ConvertInput {
  const std::string &path;  // of the request, so that errors can name it after the plan is gone
  tensorfile::File file;
};

// What to convert.
struct ConvertPlan {
  explicit ConvertPlan(const ConvertRequest &request)
      : progress(request.in.size() == 1 ? request.in.front() : request.out) {}

  Progress progress;  // declared before the files, which refer to it
  tensorfile::Options options;
  tensorfile::Options save_options;  // what OUT may contain
  std::deque<ConvertInput> inputs;
  std::vector<PlannedArray> arrays;
  ImportanceMatrix importance;
  tensorfile::Dict metadata;
  std::vector<std::string> unasked;    // metadata that OUT gets only with --metadata strings
  std::vector<std::string> decisions;  // for --quantize and --preset, a line for each array
};

// Opens the inputs and plans the arrays and the metadata of OUT. On failure, `subject` is the file of the error.
void make_plan(ConvertPlan &plan, const ConvertRequest &request, std::string_view &subject);

// Returns the number of bytes of an array whose rows are whole blocks.
uint64_t bytes_of(tensorfile::Dtype dtype, std::span<const int64_t> shape);

// Declares the metadata and the arrays of OUT.
void declare_output(tensorfile::Writer &writer, const ConvertPlan &plan);

// Prints a note on standard error for each part of the inputs that is not converted.
void print_left_out(const ConvertPlan &plan, const ConvertRequest &request);

}  // namespace cli
