// Converts elements to little-endian bytes, as files store them.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tensorfile.h"

namespace tfile::testing {

// Returns the size of the numbers of a dtype that have a byte order: 1 for block types and floats of less than a byte.
inline size_t unit_of(tf_dtype dtype) {
  if (tf_dtype_block_size(dtype) != 1) return 1;
  const bool is_complex = dtype == TF_DTYPE_COMPLEX64 || dtype == TF_DTYPE_COMPLEX128;
  return tf_dtype_bits(dtype) / (is_complex ? 16 : 8);
}

// Converts numbers of `unit` bytes between the machine's byte order and little-endian.
inline std::string little_endian(const void *data, size_t nbytes, size_t unit) {
  std::string bytes(static_cast<const char *>(data), data == nullptr ? 0 : nbytes);
  if constexpr (std::endian::native == std::endian::big) {
    for (size_t i = 0; i + unit <= bytes.size(); i += unit)
      std::reverse(bytes.data() + i, bytes.data() + i + unit);
  }
  return bytes;
}

template <typename T>
std::string little_endian(const std::vector<T> &values) {
  return little_endian(values.data(), values.size() * sizeof(T), sizeof(T));
}

// The array must be C-contiguous.
inline std::string little_endian(const tf_array *array) {
  return little_endian(tf_array_data(array), static_cast<size_t>(tf_array_nbytes(array)),
                       unit_of(tf_array_dtype(array)));
}

inline uint32_t checksum(const std::string &bytes) {
  return static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()));
}

}  // namespace tfile::testing
