#include "cli/compare.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstring>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include "cli/elements.h"
#include "cli/settings.h"

namespace cli {

using tensorfile::Array;
using tensorfile::Dtype;

namespace {

// The smallest number of elements that is worth a thread.
constexpr size_t kElementsPerThread = size_t{1} << 16U;

// A range of elements, and the result of comparing them. The first difference is counted from the start of the arrays.
struct Range {
  size_t start;
  size_t end;
  uint64_t different = 0;
  uint64_t without_distance = 0;
  double largest = 0;
  size_t first = 0;
};

template <typename T>
struct IsComplex : std::false_type {};
template <typename T>
struct IsComplex<std::complex<T>> : std::true_type {};

// Returns |a - b|, exact for integers below 2^53.
template <typename T>
double distance(const T &a, const T &b) {
  if constexpr (IsComplex<T>::value) {
    return std::abs(std::complex<double>(a) - std::complex<double>(b));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<double>(static_cast<uint64_t>(std::max(a, b)) - static_cast<uint64_t>(std::min(a, b)));
  } else {
    return std::fabs(static_cast<double>(a) - static_cast<double>(b));
  }
}

template <typename T>
double magnitude(const T &value) {
  if constexpr (IsComplex<T>::value) {
    return std::abs(std::complex<double>(value));
  } else {
    return std::fabs(static_cast<double>(value));
  }
}

template <typename T>
bool is_nan(const T &value) {
  return value != value;  // NOLINT(misc-redundant-expression): true for nan only
}

// The rules by which two elements are equal.
struct SameBits {
  template <typename T>
  bool operator()(const T &a, const T &b, double) const {
    using Bytes = std::array<std::byte, sizeof(T)>;
    return std::bit_cast<Bytes>(a) == std::bit_cast<Bytes>(b);
  }
};
struct SameValue {
  template <typename T>
  bool operator()(const T &a, const T &b, double) const {
    return a == b || (is_nan(a) && is_nan(b));
  }
};
struct Close {
  Tolerance tolerance;

  template <typename T>
  bool operator()(const T &a, const T &b, double distance) const {
    return distance <= tolerance.absolute + tolerance.relative * magnitude(b) || SameValue()(a, b, distance);
  }
};

template <typename T, typename Equal>
void compare_range(Range &range, const T *a, const T *b, const Equal &equal) {
  for (size_t i = range.start; i < range.end; ++i) {
    const double apart = distance(a[i], b[i]);
    if (equal(a[i], b[i], apart)) continue;
    if (range.different++ == 0) range.first = i;
    if (std::isfinite(apart)) {
      range.largest = std::max(range.largest, apart);
    } else {
      ++range.without_distance;
    }
  }
}

std::vector<Range> divide(size_t count) {
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const size_t most = settings().threads == 0 ? cores : settings().threads;
  const size_t threads = std::clamp<size_t>(count / kElementsPerThread, 1, most);
  std::vector<Range> ranges;
  for (size_t i = 0; i < threads; ++i)
    ranges.push_back({count / threads * i, i + 1 == threads ? count : count / threads * (i + 1)});
  return ranges;
}

// Runs work on each range: the first on this thread, the others on threads of their own if the system has any left.
template <typename Work>
void run_all(std::vector<Range> &ranges, Work work) {
  std::vector<std::thread> threads;
  size_t started = 1;
  try {
    for (; started < ranges.size(); ++started)
      threads.emplace_back([&work, &range = ranges[started]] { work(range); });
  } catch (const std::system_error &) {
    for (size_t i = started; i < ranges.size(); ++i)
      work(ranges[i]);
  }
  work(ranges.front());
  for (std::thread &thread : threads)
    thread.join();
}

void add(Difference &difference, const std::vector<Range> &ranges) {
  for (const Range &range : ranges) {
    if (range.different > 0 && difference.different == 0) difference.first = difference.elements + range.first;
    difference.different += range.different;
    difference.without_distance += range.without_distance;
    difference.largest = std::max(difference.largest, range.largest);
  }
}

// True if both arrays have the same dtype and bytes.
bool same_bytes(const Array &a, const Array &b) {
  if (a.dtype() != b.dtype()) return false;
  const auto *const left = static_cast<const char *>(a.data());
  const auto *const right = static_cast<const char *>(b.data());
  std::vector<Range> ranges = divide(static_cast<size_t>(a.nbytes()));
  run_all(ranges, [&](Range &range) {
    range.different = std::memcmp(left + range.start, right + range.start, range.end - range.start) == 0 ? 0 : 1;
  });
  return std::all_of(ranges.begin(), ranges.end(), [](const Range &range) { return range.different == 0; });
}

template <typename T, typename Equal>
void compare_as(Difference &difference, const Array &a, const Array &b, const Equal &equal) {
  const auto *const left = static_cast<const T *>(a.data());
  const auto *const right = static_cast<const T *>(b.data());
  std::vector<Range> ranges = divide(static_cast<size_t>(a.size()));
  run_all(ranges, [&](Range &range) { compare_range(range, left, right, equal); });
  add(difference, ranges);
}

// Compares two C-contiguous arrays of the same dtype, which must have a type in C++.
template <typename Equal>
void compare_typed(Difference &difference, const Array &a, const Array &b, const Equal &equal) {
  switch (a.dtype()) {
    case Dtype::bool_:
    case Dtype::uint8:
      return compare_as<uint8_t>(difference, a, b, equal);
    case Dtype::int8:
      return compare_as<int8_t>(difference, a, b, equal);
    case Dtype::int16:
      return compare_as<int16_t>(difference, a, b, equal);
    case Dtype::int32:
      return compare_as<int32_t>(difference, a, b, equal);
    case Dtype::int64:
      return compare_as<int64_t>(difference, a, b, equal);
    case Dtype::uint16:
      return compare_as<uint16_t>(difference, a, b, equal);
    case Dtype::uint32:
      return compare_as<uint32_t>(difference, a, b, equal);
    case Dtype::uint64:
      return compare_as<uint64_t>(difference, a, b, equal);
    case Dtype::float64:
      return compare_as<double>(difference, a, b, equal);
    case Dtype::complex64:
      return compare_as<std::complex<float>>(difference, a, b, equal);
    case Dtype::complex128:
      return compare_as<std::complex<double>>(difference, a, b, equal);
    default:
      return compare_as<float>(difference, a, b, equal);
  }
}

bool has_own_type(Dtype dtype) {
  return (dtype >= Dtype::bool_ && dtype <= Dtype::uint64) || dtype == Dtype::float32 || dtype == Dtype::float64 ||
         is_complex(dtype);
}

// True if float32 holds every value of the dtype.
bool fits_float32(Dtype dtype) {
  switch (dtype) {
    case Dtype::int32:
    case Dtype::int64:
    case Dtype::uint32:
    case Dtype::uint64:
    case Dtype::float64:
      return false;
    default:
      return true;
  }
}

Dtype widest(Dtype a, Dtype b) {
  return fits_float32(a) && fits_float32(b) ? Dtype::float32 : Dtype::float64;
}

void compare_values(Difference &difference, const Array &a, const Array &b, bool same, const Tolerance *tolerance) {
  const bool typed = a.dtype() == b.dtype() && has_own_type(a.dtype());
  const Dtype common = typed ? a.dtype() : widest(a.dtype(), b.dtype());
  const Array left = a.cast(common);
  const Array right = b.cast(common);
  if (tolerance != nullptr) {
    compare_typed(difference, left, right, Close{*tolerance});
  } else if (same) {
    compare_typed(difference, left, right, SameBits());
  } else {
    compare_typed(difference, left, right, SameValue());
  }
}

}  // namespace

bool is_complex(Dtype dtype) {
  return dtype == Dtype::complex64 || dtype == Dtype::complex128;
}

Dtype common_dtype(Dtype a, Dtype b) {
  return a == b || is_complex(a) || is_complex(b) ? Dtype::as_stored : widest(a, b);
}

bool compare_pieces(Difference &difference, const Compared &a, const Compared &b, const Tolerance *tolerance) {
  const auto size = static_cast<uint64_t>(a.piece.size());
  if (same_bytes(a.piece, b.piece)) {
    difference.elements += size;
    return false;
  }
  const bool first = difference.different == 0;
  compare_values(difference, a.piece, b.piece, a.origin == b.origin, tolerance);
  if (first && difference.different > 0) {
    const auto at = static_cast<size_t>(difference.first - difference.elements);
    difference.first_a = Elements(a.piece).text(at, a.origin);
    difference.first_b = Elements(b.piece).text(at, b.origin);
  }
  difference.elements += size;
  return true;
}

}  // namespace cli
