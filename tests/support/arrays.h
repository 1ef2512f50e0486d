// Arrays and files for tests of casts and block types.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/endian.h"
#include "base/options.h"
#include "core/array.h"
#include "support/memory.h"

namespace tfile::testing {

inline std::vector<uint8_t> read_bytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

template <typename T>
Ref<Array> array_of(Memory &memory, tf_dtype dtype, std::vector<int64_t> shape, const std::vector<T> &data) {
  Ref<Array> array;
  EXPECT_TRUE(make_array(array, memory, *find_dtype(dtype), {shape.data(), shape.size()}).ok());
  EXPECT_EQ(array->nbytes, data.size() * sizeof(T));
  if (!data.empty()) memcpy(array->data, data.data(), data.size() * sizeof(T));
  return array;
}

template <typename T>
Ref<Array> array_of(Memory &memory, tf_dtype dtype, const std::vector<T> &data) {
  const Dtype *known = find_dtype(dtype);
  const size_t count = data.size() * sizeof(T) / known->block_bytes * known->block_size;
  return array_of(memory, dtype, {static_cast<int64_t>(count)}, data);
}

inline Settings settings_with(TestMemory &memory, int64_t threads) {
  Settings settings;
  settings.set_memory(Ref<Memory>::share(&*memory));
  settings.set(TF_OPTION_THREADS, threads);
  return settings;
}

template <typename T>
std::vector<T> elements(const Array &array) {
  std::vector<T> found(static_cast<size_t>(array.nbytes / sizeof(T)));
  if (!found.empty()) memcpy(found.data(), array.data, static_cast<size_t>(array.nbytes));
  return found;
}

// Reads a file of tests/data from start to end.
class Vectors {
 public:
  Vectors(const std::string &file, const std::string &magic) : bytes_(read_bytes(TENSORFILE_TEST_DATA_DIR "/" + file)) {
    EXPECT_EQ(std::string(take(magic.size()), magic.size()), magic);
  }
  const char *take(size_t size) {
    EXPECT_LE(size, bytes_.size() - at_);
    at_ += size;
    return reinterpret_cast<const char *>(bytes_.data()) + at_ - size;
  }
  uint32_t number() { return load_le<uint32_t>(take(4)); }
  const Dtype &dtype() {
    const char *name = take(16);
    const Dtype *found = find_dtype(Text(name, strnlen(name, 16)));
    EXPECT_NE(found, nullptr) << name;
    return *found;
  }
  bool done() const { return at_ == bytes_.size(); }

 private:
  std::vector<uint8_t> bytes_;
  size_t at_ = 0;
};

}  // namespace tfile::testing
