// Compares the elements of two arrays of the same shape.
#pragma once

#include <cstdint>
#include <string>

#include "tensorfile.hpp"

namespace cli {

// How much two numbers may differ: |a - b| <= absolute + relative * |b|, as in numpy.allclose.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

// The result of a comparison.
struct Difference {
  uint64_t elements = 0;          // compared so far
  uint64_t different = 0;         // how many of the compared elements differ
  uint64_t without_distance = 0;  // how many of the different ones are nan or infinite
  double largest = 0;             // the largest absolute difference of the other ones
  uint64_t first = 0;             // index in C order of the first element that differs
  std::string first_a;
  std::string first_b;
};

// A piece of an array, and the dtype of the array before the piece was cast.
struct Compared {
  const tensorfile::Array &piece;
  tensorfile::Dtype origin;
};

// Returns the dtype in which arrays of two dtypes are compared; Dtype::as_stored if they are the same.
tensorfile::Dtype common_dtype(tensorfile::Dtype a, tensorfile::Dtype b);

// Compares the next pieces of two arrays, on several threads, and adds the result. Elements of the same dtype are compared
// by their bits, so that a nan equals the same nan, and others by their values; with a tolerance, all by their values.
// Two nans and two equal infinities are then equal. Returns false if the bytes are equal.
bool compare_pieces(Difference &difference, const Compared &a, const Compared &b, const Tolerance *tolerance);

bool is_complex(tensorfile::Dtype dtype);

}  // namespace cli
