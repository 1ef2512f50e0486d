// The distribution of the values of an array.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "cli/input_file.h"
#include "cli/json_output.h"
#include "cli/progress.h"

namespace cli {

inline constexpr size_t kHistogramBins = 16;

// Minimum, maximum, mean and standard deviation are those of the finite values; they are nan if there are none. The
// standard deviation is that of the whole population, as numpy.std computes it.
struct Statistics {
  uint64_t count = 0;
  uint64_t zeros = 0;
  uint64_t nans = 0;
  uint64_t infinities = 0;
  double minimum = std::numeric_limits<double>::quiet_NaN();
  double maximum = std::numeric_limits<double>::quiet_NaN();
  double mean = std::numeric_limits<double>::quiet_NaN();
  double deviation = std::numeric_limits<double>::quiet_NaN();
  // How many finite values are in each of the equal parts of the range from minimum to maximum.
  std::array<uint64_t, kHistogramBins> histogram{};

  uint64_t finite() const { return count - nans - infinities; }
};

// True if the values of a dtype are real numbers, which have statistics.
bool has_statistics(tensorfile::Dtype dtype);

// Reads an array in pieces, twice: the range of the histogram is only known at the end. An array of one piece is kept
// in between. Integers are rounded to double.
Statistics statistics_of(const Entry &entry, Progress &progress);

// Writes the members of a JSON object.
void write_statistics(JsonWriter &json, const Statistics &stats);

}  // namespace cli
