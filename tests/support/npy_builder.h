// Builds .npy files byte by byte.
#pragma once

#include <string>

namespace tfile::testing {

inline std::string little(uint64_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i)
    bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

// Adds no padding to the text, which begins at byte 10 in version 1 and at byte 12 in the others.
inline std::string npy(const std::string &text, const std::string &data, int major = 1, int minor = 0) {
  return std::string("\x93NUMPY") + static_cast<char>(major) + static_cast<char>(minor) +
         little(text.size(), major == 1 ? 2 : 4) + text + data;
}

inline std::string npy_text(const std::string &descr, const std::string &shape, const std::string &order = "False") {
  return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

// Returns the file that np.save writes for an int32 array of one dimension.
inline std::string npy_int32(const std::string &count, const std::string &data) {
  std::string text = npy_text("<i4", "(" + count + ",)");
  text.insert(text.size() - 1, 118 - text.size(), ' ');
  return npy(text, data);
}

}  // namespace tfile::testing
