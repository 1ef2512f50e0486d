#include "cli/statistics.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "cli/pieces.h"

namespace cli {

using tensorfile::Array;
using tensorfile::Dtype;

namespace {

std::span<const double> values_of(const Array &piece) {
  return {static_cast<const double *>(piece.data()), static_cast<size_t>(piece.nbytes()) / sizeof(double)};
}

// Adds pieces to the statistics, all but the histogram.
class Accumulator {
 public:
  void add(std::span<const double> values) {
    stats_.count += values.size();
    uint64_t finite = 0;
    double sum = 0;
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const double value : values) {
      stats_.zeros += value == 0 ? 1 : 0;
      if (!std::isfinite(value)) {
        ++(std::isnan(value) ? stats_.nans : stats_.infinities);
        continue;
      }
      ++finite;
      sum += value;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    if (finite > 0) merge(finite, sum / static_cast<double>(finite), values, low, high);
  }

  Statistics finish() const {
    Statistics stats = stats_;
    if (total_ == 0) return stats;
    stats.mean = mean_;
    stats.deviation = std::sqrt(squares_ / static_cast<double>(total_));
    return stats;
  }

 private:
  // Combines the mean and the squared differences from it of two parts, which loses no precision when the mean is far
  // from zero.
  void merge(uint64_t finite, double mean, std::span<const double> values, double low, double high) {
    double squares = 0;
    for (const double value : values)
      squares += std::isfinite(value) ? (value - mean) * (value - mean) : 0;
    const auto before = static_cast<double>(total_);
    const auto added = static_cast<double>(finite);
    const double difference = mean - mean_;
    mean_ += difference * added / (before + added);
    squares_ += squares;
    // The square can overflow, and infinity times zero is nan.
    if (total_ > 0) squares_ += difference * difference * before * added / (before + added);
    stats_.minimum = total_ == 0 ? low : std::min(stats_.minimum, low);
    stats_.maximum = total_ == 0 ? high : std::max(stats_.maximum, high);
    total_ += finite;
  }

  Statistics stats_;
  uint64_t total_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

void add_to_histogram(Statistics &stats, std::span<const double> values) {
  // Halves, because the difference of two finite values can be infinite.
  const double half_width = stats.maximum / 2 - stats.minimum / 2;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    const double position = half_width > 0 ? (value / 2 - stats.minimum / 2) / half_width : 0;
    const auto bin = static_cast<size_t>(position * static_cast<double>(kHistogramBins));
    ++stats.histogram[std::min(bin, kHistogramBins - 1)];
  }
}

// Calls use() for each piece as float64, with the number of bytes that it has in the file.
template <typename Use>
void for_each_piece(const Entry &entry, Use &&use) {
  Pieces pieces(entry, !reads_in_pieces(entry));
  while (const Array piece = pieces.next())
    use(piece.cast(Dtype::float64), piece.nbytes());
}

}  // namespace

bool has_statistics(Dtype dtype) {
  return dtype != Dtype::unsupported && dtype != Dtype::complex64 && dtype != Dtype::complex128;
}

Statistics statistics_of(const Entry &entry, Progress &progress) {
  Accumulator accumulator;
  Array last;
  for_each_piece(entry, [&](Array piece, uint64_t stored_bytes) {
    accumulator.add(values_of(piece));
    progress.advance(stored_bytes);
    last = std::move(piece);
  });
  Statistics stats = accumulator.finish();
  if (stats.finite() == 0) return stats;
  if (last.nbytes() / sizeof(double) == stats.count) {
    add_to_histogram(stats, values_of(last));
  } else {
    for_each_piece(entry, [&](const Array &piece, uint64_t) { add_to_histogram(stats, values_of(piece)); });
  }
  return stats;
}

void write_statistics(JsonWriter &json, const Statistics &stats) {
  json.key("count").number(stats.count).key("zeros").number(stats.zeros);
  json.key("nan").number(stats.nans).key("inf").number(stats.infinities);
  json.key("min").number(stats.minimum).key("max").number(stats.maximum);
  json.key("mean").number(stats.mean).key("std").number(stats.deviation);
  json.key("histogram").open('[');
  for (const uint64_t count : stats.histogram)
    json.number(count);
  json.close(']');
}

}  // namespace cli
