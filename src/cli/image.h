// Images of arrays.
#pragma once

#include <span>
#include <string>

#include "tensorfile.hpp"

namespace cli {

// Writes an array as PNG with 8 bits per sample: grey for the shape (height, width), red, green and blue for (height,
// width, 3). uint8 is written as it is and bool as black and white, unless there is a range; all other values are scaled
// from the range, "MIN:MAX" or "" for that of the finite values. Nan is black. `path` is "-" for standard output. Throws
// UsageError if the array is no image, the range is not valid, or standard output is a terminal.
void write_image(const tensorfile::Array &array, std::span<const int64_t> shape, const std::string &range,
                 const std::string &path);

}  // namespace cli
