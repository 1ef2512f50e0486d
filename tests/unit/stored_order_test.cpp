// tf_file_is_big_endian() and tf_file_is_fortran_order(), compared with what the headers of the reference writers say.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "support/arrays.h"
#include "support/handles.h"

namespace tfile::testing {
namespace {

const std::string kFolder = TENSORFILE_GOLDEN_DIR "/";

Handle<tf_file> open(const std::string &path) {
  return made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), nullptr); });
}

TEST(StoredOrder, IsThatOfEveryHeaderByNumPy) {
  int big = 0;
  int fortran = 0;
  for (const auto &entry : std::filesystem::directory_iterator(kFolder + "npy")) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("np_", 0) != 0) continue;
    const std::vector<uint8_t> bytes = read_bytes(entry.path().string());
    const std::string header(bytes.begin(), std::find(bytes.begin(), bytes.end(), '\n'));
    const bool is_big = header.find("'descr': '>") != std::string::npos;
    const bool is_fortran = header.find("'fortran_order': True") != std::string::npos;
    const auto file = open(entry.path().string());
    EXPECT_EQ(tf_file_is_big_endian(file.get(), 0), is_big ? 1 : 0) << name;
    EXPECT_EQ(tf_file_is_fortran_order(file.get(), 0), is_fortran ? 1 : 0) << name;
    big += is_big;
    fortran += is_fortran;
  }
  EXPECT_GT(big, 0);
  EXPECT_GT(fortran, 0);
}

TEST(StoredOrder, OfAGgufIsThatOfItsFile) {
  const auto big = open(kFolder + "gguf/py_bigendian.gguf");
  ASSERT_GT(tf_file_count(big.get()), 0u);
  for (size_t i = 0; i < tf_file_count(big.get()); ++i) {
    const bool bytes = tf_file_dtype(big.get(), i) == TF_DTYPE_INT8;
    EXPECT_EQ(tf_file_is_big_endian(big.get(), i), bytes ? 0 : 1) << i;
    EXPECT_EQ(tf_file_is_fortran_order(big.get(), i), 0) << i;
  }
  const auto little = open(kFolder + "gguf/mx_basic.gguf");
  for (size_t i = 0; i < tf_file_count(little.get()); ++i)
    EXPECT_EQ(tf_file_is_big_endian(little.get(), i), 0) << i;
}

TEST(StoredOrder, IsZeroWithoutAnArray) {
  const auto file = open(kFolder + "npy/np_fortran_be.npy");
  EXPECT_EQ(tf_file_is_big_endian(file.get(), 1), 0);
  EXPECT_EQ(tf_file_is_fortran_order(file.get(), 1), 0);
  EXPECT_EQ(tf_file_is_big_endian(nullptr, 0), 0);
  EXPECT_EQ(tf_file_is_fortran_order(nullptr, 0), 0);
}

}  // namespace
}  // namespace tfile::testing
