#include "cli/header_slack.h"

#include <algorithm>

#include "cli/error_output.h"

namespace cli {

namespace {

// Rounds up to a multiple.
uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// Returns the size of the header of OUT. It is written to nowhere, with the first byte of data after it.
uint64_t header_size(const ConvertPlan &plan, const ConvertRequest &request) {
  uint64_t written = 0;
  tensorfile::Writer writer(tensorfile::Sink::to_function([&](const void *, size_t nbytes) { written += nbytes; }),
                            request.format, plan.save_options);
  declare_output(writer, plan);
  const bool has_data = std::any_of(plan.arrays.begin(), plan.arrays.end(),
                                    [](const PlannedArray &array) { return bytes_of(array.to, array.shape) > 0; });
  if (!has_data) {
    writer.finish();
    return written;
  }
  const char first = 0;
  writer.write(&first, 1);
  return written - 1;
}

}  // namespace

// The library fills the header with spaces up to the alignment of the data, so a larger alignment leaves more of them.
void leave_slack(ConvertPlan &plan, const ConvertRequest &request) {
  constexpr int64_t kMostAlignment = int64_t{1} << 20U;
  // Offsets can have other numbers of digits in the file than in the header that was measured, because the file can have
  // the arrays in another order.
  constexpr uint64_t kDigits = 40;
  const uint64_t size = header_size(plan, request);
  const uint64_t wanted = static_cast<uint64_t>(request.header_slack) + kDigits * plan.arrays.size();
  for (int64_t alignment = 64; alignment <= kMostAlignment; alignment *= 2) {
    if (align_up(size, static_cast<uint64_t>(alignment)) - size < wanted) continue;
    plan.options.set(tensorfile::Option::alignment, alignment);
    return;
  }
  const uint64_t most = align_up(size, kMostAlignment) - size;
  const uint64_t reserved = kDigits * plan.arrays.size();
  throw UsageError{"--header-slack: at most " + std::to_string(most > reserved ? most - reserved : 0) +
                   " bytes can be left in this header"};
}

}  // namespace cli
