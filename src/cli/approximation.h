// How far an array is from the one that it was made from, for example by quantizing it.
#pragma once

#include <cstdint>

#include "cli/input_file.h"
#include "cli/progress.h"

namespace cli {

// The errors are those of pairs of finite values. They are nan if there is no such pair.
struct Approximation {
  uint64_t compared = 0;  // pairs of finite values
  uint64_t excluded = 0;  // other pairs, unless both values are nan or the same infinity
  double rms = 0;         // the root of the mean squared error
  double largest = 0;     // the largest absolute error
  double relative = 0;    // rms divided by the root of the mean square of the original
};

// Reads two arrays of the same shape, whose values are real numbers, in pieces.
Approximation approximation_of(const Entry &entry, const Entry &original, Progress &progress);

}  // namespace cli
