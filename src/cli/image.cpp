#include "cli/image.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/error_output.h"
#include "cli/platform.h"
#include "cli/text.h"
#include "cli/text_output.h"

#if defined(TENSORFILE_HAS_PNG)
#include <png.h>
#endif

namespace cli {

using tensorfile::Dtype;

namespace {

// The values that become black and white.
using ValueRange = std::pair<double, double>;

struct Size {
  uint32_t height;
  uint32_t width;
  bool color;
};

Size size_of(std::span<const int64_t> shape) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();  // of PNG
  const bool color = shape.size() == 3 && shape[2] == 3;
  const bool sized =
      (shape.size() == 2 || color) && shape[0] > 0 && shape[1] > 0 && shape[0] <= kMost && shape[1] <= kMost;
  if (!sized) {
    throw UsageError{
        "--image: the shape " + shape_text(shape) +
        " is not that of an image, (height, width) or (height, width, 3); SLICE selects a part of an array"};
  }
  return {static_cast<uint32_t>(shape[0]), static_cast<uint32_t>(shape[1]), color};
}

ValueRange finite_range(const float *values, size_t count) {
  ValueRange range(std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity());
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i])) continue;
    range.first = std::min(range.first, double{values[i]});
    range.second = std::max(range.second, double{values[i]});
  }
  return range;
}

// Returns a value of a range as a sample. If the range is empty, all values below it are black and all others white.
uint8_t sample_of(double value, const ValueRange &range) {
  if (std::isnan(value) || value <= range.first) return 0;
  if (value >= range.second) return 255;
  return static_cast<uint8_t>(std::lround((value - range.first) / (range.second - range.first) * 255));
}

std::vector<uint8_t> samples_of(const tensorfile::Array &array, std::optional<ValueRange> range) {
  const tensorfile::Array dense = array.contiguous();
  const auto count = static_cast<size_t>(dense.size());
  const bool is_plain = dense.dtype() == Dtype::uint8 || dense.dtype() == Dtype::bool_;
  if (is_plain && !range) {
    const auto *const bytes = static_cast<const uint8_t *>(dense.data());
    std::vector<uint8_t> samples(bytes, bytes + count);
    if (dense.dtype() == Dtype::bool_)
      std::transform(samples.begin(), samples.end(), samples.begin(),
                     [](uint8_t bit) { return static_cast<uint8_t>(bit * 255); });
    return samples;
  }
  const tensorfile::Array floats = dense.cast(Dtype::float32);
  const auto *const values = static_cast<const float *>(floats.data());
  if (!range) range = finite_range(values, count);
  std::vector<uint8_t> samples(count);
  std::transform(values, values + count, samples.begin(), [&](float value) { return sample_of(value, *range); });
  return samples;
}

#if defined(TENSORFILE_HAS_PNG)

std::string png_of(const std::vector<uint8_t> &samples, const Size &size) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = size.width;
  image.height = size.height;
  image.format = size.color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t length = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string png(length, '\0');
  if (png_image_write_to_memory(&image, png.data(), &length, 0, samples.data(), 0, nullptr) == 0) {
    throw tensorfile::Error(tensorfile::Status::unsupported,
                            std::string("the image cannot be written: ") + image.message);
  }
  png.resize(length);
  return png;
}

#else

std::string png_of(const std::vector<uint8_t> &, const Size &) {
  throw UsageError{"--image: this program was built without libpng"};
}

#endif

std::optional<ValueRange> parse_range(const std::string &text) {
  if (text.empty()) return std::nullopt;
  ValueRange range;
  const char *const end = text.data() + text.size();
  const auto [colon, error] = std::from_chars(text.data(), end, range.first);
  if (error == std::errc() && colon != end && *colon == ':') {
    const auto [last, other_error] = std::from_chars(colon + 1, end, range.second);
    if (other_error == std::errc() && last == end && range.first < range.second) return range;
  }
  throw UsageError{"--range " + in_quotes(text) + ": expected MIN:MAX, such as 0:1"};
}

}  // namespace

void write_image(const tensorfile::Array &array, std::span<const int64_t> shape, const std::string &range,
                 const std::string &path) {
  const Size size = size_of(shape);
  if (path == "-" && stdout_is_terminal()) {
    throw UsageError{"--image: standard output is a terminal; --output FILE writes the image to a file"};
  }
  const std::string png = png_of(samples_of(array, parse_range(range)), size);
  TextOutput output(path);
  output.write(png);
  output.commit();
}

}  // namespace cli
