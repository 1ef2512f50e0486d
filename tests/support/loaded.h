// Loads a file that is given as bytes through the ABI, and keeps its arrays or the error.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/little_endian.h"
#include "tensorfile.hpp"

namespace tfile::testing {

struct LoadedArray {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  std::string bytes;  // in C order, little-endian

  bool operator==(const LoadedArray &) const = default;
};

struct Loaded {
  tf_status status = TF_STATUS_OK;
  std::string message;
  uint64_t offset = UINT64_MAX;
  std::string name;
  std::vector<LoadedArray> arrays;
};

inline LoadedArray loaded_array(const std::string &name, const tf_array *array) {
  tf_array *dense = nullptr;
  EXPECT_EQ(tf_array_contiguous(&dense, array), TF_STATUS_OK) << tf_error_message();
  const int64_t *shape = tf_array_shape(dense);
  LoadedArray loaded{
      name, tf_dtype_name(tf_array_dtype(dense)), {shape, shape + tf_array_ndim(dense)}, little_endian(dense)};
  tf_array_release(dense);
  return loaded;
}

inline Loaded load_bytes(const std::string &bytes, tf_format format, const tf_options *options = nullptr) {
  // In an allocation of exactly their size, so that sanitizers detect reads past the end.
  const std::vector<char> exact(bytes.begin(), bytes.end());
  Loaded loaded;
  tf_dict *arrays = nullptr;
  loaded.status = tf_load_memory(nullptr, &arrays, nullptr, exact.data(), exact.size(), format, options);
  if (loaded.status != TF_STATUS_OK) {
    EXPECT_EQ(arrays, nullptr);
    loaded.message = tf_error_message();
    loaded.offset = tf_error_offset();
    loaded.name = tf_error_name();
    return loaded;
  }
  for (size_t i = 0; i < tf_dict_size(arrays); ++i) {
    const char *name = nullptr;
    size_t length = 0;
    tf_array *array = nullptr;
    EXPECT_EQ(tf_dict_key_at(&name, &length, arrays, i), TF_STATUS_OK);
    EXPECT_EQ(tf_dict_get_array(&array, arrays, name, length), TF_STATUS_OK);
    loaded.arrays.push_back(loaded_array(std::string(name, length), array));
    tf_array_release(array);
  }
  tf_dict_release(arrays);
  return loaded;
}

// Options that convert to the C handle.
class CallOptions {
 public:
  CallOptions &set(tf_option option, int64_t value) {
    options_.set(static_cast<tensorfile::Option>(option), value);
    return *this;
  }
  operator tf_options *() const { return options_.get(); }

 private:
  tensorfile::Options options_;
};

}  // namespace tfile::testing
