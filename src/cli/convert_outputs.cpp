#include "cli/convert_outputs.h"

#include <filesystem>
#include <system_error>

#include "cli/file_path.h"
#include "cli/input_file.h"
#include "cli/input_set.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/text_table.h"

namespace cli {

std::vector<OutputFile> output_files(const ConvertRequest &request, const ConvertPlan &plan) {
  if (request.part_bytes == 0) {
    uint64_t bytes = 0;
    for (const PlannedArray &array : plan.arrays)
      bytes += bytes_of(array.to, array.shape);
    return {{request.out, plan.arrays.size(), bytes}};
  }
  tensorfile::PartPlan parts(request.out, request.format, plan.options);
  for (const PlannedArray &array : plan.arrays)
    parts.declare(array.name, array.to, array.shape);
  if (!plan.metadata.empty()) parts.set_metadata(plan.metadata);
  parts.finish();
  std::vector<OutputFile> files;
  for (size_t i = 0; i < parts.size(); ++i)
    files.push_back({parts.path(i), parts.part(i).count, parts.part(i).nbytes});
  if (parts.has_index()) files.push_back({parts.index_path(), 0, 0});
  return files;
}

void require_not_read(const ConvertInput &input, const ConvertRequest &request,
                      const std::vector<OutputFile> &outputs) {
  if (request.to_standard_output()) return;
  for (const OutputFile &output : outputs) {
    require_no_input(input.path, output.path, input.file);
    require_no_part(input.path, output.path);
  }
  if (request.part_bytes > 0) require_other_set(input.path, request.out, input.file);
}

void require_new(const std::vector<OutputFile> &outputs) {
  for (const OutputFile &output : outputs) {
    if (output.path == "-") continue;
    std::error_code error;
    const std::filesystem::path path = file_path(output.path);
    const auto type = std::filesystem::symlink_status(path, error).type();
    if (type == std::filesystem::file_type::not_found) continue;
    throw tensorfile::Error(tensorfile::Status::io,
                            escaped(output.path) + ": exists, and --no-clobber forbids to replace it");
  }
}

void print_plan(const ConvertRequest &request, const ConvertPlan &plan, const std::vector<OutputFile> &outputs) {
  std::vector<std::vector<std::string>> rows;
  uint64_t total = 0;
  for (const PlannedArray &array : plan.arrays) {
    const uint64_t bytes = bytes_of(array.to, array.shape);
    rows.push_back({escaped(array.name), tensorfile::name(array.to), shape_text(array.shape), bytes_text(bytes)});
    total += bytes;
  }
  print("would write " + escaped(request.out) + ": " + tensorfile::name(request.format) + ", " +
        count_text(rows.size(), "array") + ", " + bytes_text(total) + "\n");
  if (!rows.empty()) print_table(rows);
  for (const OutputFile &output : outputs) {
    const std::string content = count_text(output.arrays, "array") + ", " + bytes_text(output.bytes) + " of array data";
    const bool is_index = output.arrays == 0 && outputs.size() > 1;
    print("file " + escaped(output.path) + ": " + (is_index ? "the index" : content) + "\n");
  }
}

}  // namespace cli
