#include "cli/approximation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/pieces.h"

namespace cli {

namespace {

// The sums of all pairs so far.
struct Sums {
  double squared_errors = 0;
  double squares = 0;  // of the original values
};

void add_pairs(Approximation &result, Sums &sums, const tensorfile::Array &piece, const tensorfile::Array &original) {
  const tensorfile::Array left = piece.cast(tensorfile::Dtype::float64);
  const tensorfile::Array right = original.cast(tensorfile::Dtype::float64);
  const auto *const values = static_cast<const double *>(left.data());
  const auto *const exact = static_cast<const double *>(right.data());
  for (size_t i = 0; i < left.nbytes() / sizeof(double); ++i) {
    if (!std::isfinite(values[i]) || !std::isfinite(exact[i])) {
      const bool same = values[i] == exact[i] || (std::isnan(values[i]) && std::isnan(exact[i]));
      result.excluded += same ? 0 : 1;
      continue;
    }
    const double error = values[i] - exact[i];
    ++result.compared;
    result.largest = std::max(result.largest, std::fabs(error));
    sums.squared_errors += error * error;
    sums.squares += exact[i] * exact[i];
  }
}

}  // namespace

Approximation approximation_of(const Entry &entry, const Entry &original, Progress &progress) {
  const bool whole = !reads_in_pieces(entry) || !reads_in_pieces(original);
  Pieces pieces(entry, whole);
  Pieces originals(original, whole);
  Approximation result;
  Sums sums;
  while (const tensorfile::Array piece = pieces.next()) {
    add_pairs(result, sums, piece, originals.next());
    progress.advance(piece.nbytes());
  }
  if (result.compared == 0) {
    result.rms = result.largest = result.relative = std::numeric_limits<double>::quiet_NaN();
    return result;
  }
  const auto compared = static_cast<double>(result.compared);
  result.rms = std::sqrt(sums.squared_errors / compared);
  result.relative = sums.squared_errors == 0 ? 0 : result.rms / std::sqrt(sums.squares / compared);
  return result;
}

}  // namespace cli
