#include "cli/slice_argument.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "cli/error_output.h"
#include "cli/text.h"

namespace cli {

namespace {

constexpr int64_t kOmitted = TENSORFILE_SLICE_OMITTED;

[[noreturn]] void refuse_slice(std::string_view text, const std::string &why) {
  throw UsageError{"slice " + in_quotes(text) + ": " + why};
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Splits text at separators. Adjacent separators give empty parts.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Parses an integer of any length. One that int64 cannot hold becomes the nearest that it can, which is also beyond every
// dimension.
int64_t parse_number(std::string_view digits, std::string_view whole) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool is_huge = error == std::errc::result_out_of_range;
  if ((error != std::errc() && !is_huge) || end != digits.data() + digits.size()) {
    refuse_slice(whole, in_quotes(digits) + " is not a number");
  }
  if (is_huge) value = digits.front() == '-' ? INT64_MIN : INT64_MAX;
  // The value INT64_MIN is reserved: it means an omitted number.
  return std::max(value, kOmitted + 1);
}

void append_range(SliceArgument &slice, const std::vector<std::string_view> &parts, std::string_view whole) {
  if (parts.size() > 3) refuse_slice(whole, "expected start:stop:step");
  int64_t numbers[3] = {kOmitted, kOmitted, kOmitted};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) numbers[i] = parse_number(parts[i], whole);
  }
  if (numbers[2] == 0) refuse_slice(whole, "the step must not be 0");
  slice.axes.push_back({numbers[0], numbers[1], numbers[2]});
  slice.dropped.push_back(false);
}

void append_index(SliceArgument &slice, std::string_view digits, int64_t size, std::string_view whole) {
  const int64_t index = parse_number(digits, whole);
  if (index < -size || index >= size) {
    refuse_slice(whole, "index " + escaped(digits) + " is out of range for dimension " +
                            std::to_string(slice.axes.size()) + " of size " + std::to_string(size));
  }
  const int64_t first = index < 0 ? index + size : index;
  slice.axes.push_back({first, first + 1, 1});
  slice.dropped.push_back(true);
}

void append_whole(SliceArgument &slice, size_t count) {
  slice.axes.resize(slice.axes.size() + count);
  slice.dropped.resize(slice.dropped.size() + count, false);
}

}  // namespace

SliceArgument parse_slice(std::string_view text, std::span<const int64_t> shape) {
  const size_t ndim = shape.size();
  SliceArgument slice;
  std::vector<std::string_view> parts;
  if (!trimmed(text).empty()) parts = split(text, ',');
  bool has_ellipsis = false;
  for (const std::string_view part : parts) {
    if (part == "...") {
      if (has_ellipsis) refuse_slice(text, "... occurs twice");
      has_ellipsis = true;
      if (parts.size() - 1 < ndim) append_whole(slice, ndim - (parts.size() - 1));
      continue;
    }
    if (slice.axes.size() == ndim) {
      refuse_slice(text, "more dimensions than the array, which has " + std::to_string(ndim));
    }
    const std::vector<std::string_view> numbers = split(part, ':');
    if (numbers.size() > 1) {
      append_range(slice, numbers, text);
    } else {
      append_index(slice, part, shape[slice.axes.size()], text);
    }
  }
  append_whole(slice, ndim - slice.axes.size());
  return slice;
}

}  // namespace cli
