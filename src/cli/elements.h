// Access to the elements of an array of any dtype.
#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <variant>

#include "tensorfile.hpp"

namespace cli {

using Element = std::variant<bool, int64_t, uint64_t, float, double, std::complex<float>, std::complex<double>>;

// Returns the shortest text that parses to the same value: "0.1", "-3", "True", "nan", "(1+2j)".
std::string element_text(const Element &element);

// The elements of an array in C order. Small floats and block types are decoded to float32.
class Elements {
 public:
  explicit Elements(const tensorfile::Array &array);

  size_t size() const { return size_; }
  Element operator[](size_t index) const;
  // Like element_text(), but with only as many digits as the dtype before decoding needs.
  std::string text(size_t index, tensorfile::Dtype origin) const;

 private:
  tensorfile::Array array_;  // C-contiguous, of a dtype that Element can hold
  tensorfile::Dtype dtype_;
  size_t size_;
  const unsigned char *data_;
};

}  // namespace cli
