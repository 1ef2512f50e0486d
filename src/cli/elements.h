// The elements of an array, one by one, whatever its dtype.
#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <variant>

#include "cli/handles.h"

namespace cli {

using Element = std::variant<bool, int64_t, uint64_t, float, double, std::complex<float>, std::complex<double>>;

// The shortest text that reads back as the same value: "0.1", "-3", "True", "nan", "(1+2j)".
std::string element_text(const Element &element);

// |a - b| of two elements of one kind, exact for integers below 2^53; nan where there is none.
double distance(const Element &a, const Element &b);

// The elements of an array in C order. Small floats and block types are decoded to float32.
class Elements {
 public:
  explicit Elements(const tf_array *array);

  size_t size() const { return size_; }
  Element operator[](size_t index) const;
  // As element_text, but the shortest text for the precision of the dtype that the elements come from.
  std::string text(size_t index, tf_dtype origin) const;

 private:
  Array array_;  // contiguous, of a dtype that Element has
  tf_dtype dtype_;
  size_t size_;
  const unsigned char *data_;
};

}  // namespace cli
