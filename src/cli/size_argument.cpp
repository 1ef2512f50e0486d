#include "cli/size_argument.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace cli {

namespace {

struct Unit {
  std::string_view name;
  int64_t bytes;
};
constexpr int64_t kKilo = 1000;
constexpr int64_t kKibi = 1024;
constexpr std::array<Unit, 11> kUnits = {{{"", 1},
                                          {"B", 1},
                                          {"kB", kKilo},
                                          {"MB", kKilo *kKilo},
                                          {"GB", kKilo *kKilo *kKilo},
                                          {"TB", kKilo *kKilo *kKilo *kKilo},
                                          {"KB", kKilo},
                                          {"KiB", kKibi},
                                          {"MiB", kKibi *kKibi},
                                          {"GiB", kKibi *kKibi *kKibi},
                                          {"TiB", kKibi *kKibi *kKibi *kKibi}}};

// Parses all of a text as digits.
std::optional<int64_t> parse_digits(std::string_view text) {
  int64_t value = 0;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return value;
}

// Returns the bytes of a decimal fraction of a unit, if they are a whole number.
std::optional<int64_t> parse_fraction(std::string_view digits, int64_t unit) {
  const std::optional<int64_t> value = parse_digits(digits);
  constexpr size_t kMaxDigits = 6;  // so that the product fits
  if (!value || digits.size() > kMaxDigits) return std::nullopt;
  int64_t denominator = 1;
  for (size_t i = 0; i < digits.size(); ++i)
    denominator *= 10;

  return *value * unit % denominator == 0 ? std::optional(*value * unit / denominator) : std::nullopt;
}

}  // namespace

std::optional<int64_t> parse_size(std::string_view text) {
  const std::string_view number = text.substr(0, text.find_first_not_of("0123456789."));
  const std::string_view name = text.substr(number.size());
  const auto *const unit =
      std::find_if(kUnits.begin(), kUnits.end(), [name](const Unit &known) { return known.name == name; });
  if (unit == kUnits.end()) return std::nullopt;
  const size_t point = number.find('.');
  const std::optional<int64_t> whole = parse_digits(number.substr(0, point));
  const std::optional<int64_t> fraction = point == std::string_view::npos
                                              ? std::optional<int64_t>(0)
                                              : parse_fraction(number.substr(point + 1), unit->bytes);
  if (!whole || !fraction || *whole > (INT64_MAX - *fraction) / unit->bytes) return std::nullopt;
  return *whole * unit->bytes + *fraction;
}

}  // namespace cli
