// Creates arrays, dicts and options for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "support/owner.h"

namespace tfile::testing {

// Returns the handle that make(T **) makes. The test fails if it returns an error.
template <typename T, typename Make>
Handle<T> made(Make make) {
  T *raw = nullptr;
  EXPECT_EQ(make(&raw), TF_STATUS_OK) << tf_error_message();
  return Handle<T>(raw);
}

inline Handle<tf_options> options_with(std::initializer_list<std::pair<tf_option, int64_t>> values) {
  auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
  for (const auto &[option, value] : values) {
    EXPECT_EQ(tf_options_set(options.get(), option, value), TF_STATUS_OK) << tf_error_message();
  }
  return options;
}

inline Handle<tf_dict> new_dict() {
  return made<tf_dict>([](tf_dict **out) { return tf_dict_new(out); });
}

inline Handle<tf_dict> dict_of(std::initializer_list<std::pair<const char *, const tf_array *>> arrays) {
  auto dict = new_dict();
  for (const auto &[name, array] : arrays) {
    EXPECT_EQ(tf_dict_set_array(dict.get(), name, SIZE_MAX, const_cast<tf_array *>(array)), TF_STATUS_OK)
        << tf_error_message();
  }
  return dict;
}

// Returns an array of a dict. The test fails if the dict does not have it.
inline Handle<tf_array> array_of(const tf_dict *dict, const std::string &name) {
  return made<tf_array>([&](tf_array **out) { return tf_dict_get_array(out, dict, name.data(), name.size()); });
}

// Makes a C-contiguous array of random bytes, which are 0 and 1 if the dtype is bool.
inline Handle<tf_array> random_array(tf_dtype dtype, const std::vector<int64_t> &shape, unsigned seed = 1) {
  auto array = made<tf_array>([&](tf_array **out) { return tf_array_new(out, dtype, shape.data(), shape.size()); });
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_OK);
  std::mt19937 random(seed);
  auto *bytes = static_cast<uint8_t *>(data);
  const size_t nbytes = tf_array_nbytes(array.get());
  for (size_t i = 0; i < nbytes; i += sizeof(uint32_t)) {
    const uint32_t bits = dtype == TF_DTYPE_BOOL ? random() & 0x01010101u : static_cast<uint32_t>(random());
    memcpy(bytes + i, &bits, nbytes - i < sizeof(bits) ? nbytes - i : sizeof(bits));
  }
  return array;
}

inline bool same(const tf_array *a, const tf_array *b) {
  int32_t equal = 0;
  EXPECT_EQ(tf_array_equal(&equal, a, b), TF_STATUS_OK) << tf_error_message();
  return equal == 1;
}

inline std::string contents(const tf_buffer *buffer) {
  return std::string(static_cast<const char *>(tf_buffer_data(buffer)), tf_buffer_size(buffer));
}

}  // namespace tfile::testing
