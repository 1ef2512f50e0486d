#include "cli/elements.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace cli {

using tensorfile::Dtype;

namespace {

// The precision of a float dtype.
struct Precision {
  int fraction_bits;
  int min_exponent;  // exponent of the smallest normal number
};

Precision precision_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::float16:
      return {10, -14};
    case Dtype::bfloat16:
      return {7, -126};
    case Dtype::float8_e4m3fn:
      return {3, -6};
    case Dtype::float8_e5m2:
      return {2, -14};
    case Dtype::float8_e4m3fnuz:
      return {3, -7};
    case Dtype::float8_e5m2fnuz:
      return {2, -15};
    case Dtype::float8_e8m0fnu:
      return {0, -127};
    case Dtype::float6_e2m3fn:
      return {3, 0};
    case Dtype::float6_e3m2fn:
      return {2, -2};
    case Dtype::float4_e2m1fn:
      return {1, 0};
    default:
      return {23, -126};
  }
}

bool is_element_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::bool_:
    case Dtype::int8:
    case Dtype::int16:
    case Dtype::int32:
    case Dtype::int64:
    case Dtype::uint8:
    case Dtype::uint16:
    case Dtype::uint32:
    case Dtype::uint64:
    case Dtype::float32:
    case Dtype::float64:
    case Dtype::complex64:
    case Dtype::complex128:
      return true;
    default:
      return false;
  }
}

// Appends ".0" to whole numbers, so that they are recognised as floats.
std::string float_text(std::string_view digits) {
  std::string out(digits);
  if (out.find_first_not_of("-0123456789") == std::string::npos) out += ".0";
  return out;
}

template <typename T>
std::string shortest(T value) {
  if (std::isnan(value)) return "nan";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  return float_text(std::string_view(buffer, static_cast<size_t>(end - buffer)));
}

// Returns the shortest digits that parse to this value of a dtype with less precision than float32.
std::string shortest_in(float value, Dtype dtype) {
  const auto [fraction_bits, min_exponent] = precision_of(dtype);
  if (fraction_bits == 23 || value == 0 || !std::isfinite(value)) return shortest(value);
  int exponent = 0;
  const bool power_of_two = std::fabs(std::frexp(value, &exponent)) == 0.5F;
  const int top = std::max(exponent - 1, min_exponent);
  const double above = std::ldexp(0.5, top - fraction_bits);
  const double below = power_of_two && exponent - 1 > min_exponent ? above / 2 : above;
  for (int digits = 1; digits <= 9; ++digits) {
    char buffer[64];
    const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::general, digits).ptr;
    double read = 0;
    std::from_chars(buffer, end, read);
    const double outward = std::fabs(read) - std::fabs(static_cast<double>(value));
    if (outward < above && -outward < below) {
      return float_text(std::string_view(buffer, static_cast<size_t>(end - buffer)));
    }
  }
  return shortest(value);
}

template <typename T>
std::string complex_text(const std::complex<T> &value) {
  const std::string imaginary = shortest(value.imag());
  std::string text = "(";
  text.append(shortest(value.real())).append(imaginary[0] == '-' ? "" : "+").append(imaginary).append("j)");
  return text;
}

template <typename T>
T load(const unsigned char *data, size_t index) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

std::string element_text(const Element &element) {
  struct Text {
    std::string operator()(bool value) const { return value ? "True" : "False"; }
    std::string operator()(int64_t value) const { return std::to_string(value); }
    std::string operator()(uint64_t value) const { return std::to_string(value); }
    std::string operator()(float value) const { return shortest(value); }
    std::string operator()(double value) const { return shortest(value); }
    std::string operator()(const std::complex<float> &value) const { return complex_text(value); }
    std::string operator()(const std::complex<double> &value) const { return complex_text(value); }
  };
  return std::visit(Text(), element);
}

Elements::Elements(const tensorfile::Array &array)
    : array_(is_element_type(array.dtype()) ? array.contiguous() : array.cast(Dtype::float32)),
      dtype_(array_.dtype()),
      size_(static_cast<size_t>(array_.size())),
      data_(static_cast<const unsigned char *>(array_.data())) {}

Element Elements::operator[](size_t index) const {
  switch (dtype_) {
    case Dtype::bool_:
      return data_[index] != 0;
    case Dtype::int8:
      return int64_t{load<int8_t>(data_, index)};
    case Dtype::int16:
      return int64_t{load<int16_t>(data_, index)};
    case Dtype::int32:
      return int64_t{load<int32_t>(data_, index)};
    case Dtype::int64:
      return load<int64_t>(data_, index);
    case Dtype::uint8:
      return uint64_t{load<uint8_t>(data_, index)};
    case Dtype::uint16:
      return uint64_t{load<uint16_t>(data_, index)};
    case Dtype::uint32:
      return uint64_t{load<uint32_t>(data_, index)};
    case Dtype::uint64:
      return load<uint64_t>(data_, index);
    case Dtype::float64:
      return load<double>(data_, index);
    case Dtype::complex64:
      return load<std::complex<float>>(data_, index);
    case Dtype::complex128:
      return load<std::complex<double>>(data_, index);
    default:
      return load<float>(data_, index);
  }
}

std::string Elements::text(size_t index, Dtype origin) const {
  const Element element = (*this)[index];
  if (const float *value = std::get_if<float>(&element)) return shortest_in(*value, origin);
  return element_text(element);
}

}  // namespace cli
