#include "core/dtype.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tfile {
namespace {

struct Row {
  tf_dtype id;
  const char *name;
  uint32_t bits;
  uint32_t block_size;
  uint32_t block_bytes;
};

// Names and sizes from NumPy, ml_dtypes and ggml.
const Row kRows[] = {
    {1, "bool", 8, 1, 1},
    {2, "int8", 8, 1, 1},
    {3, "int16", 16, 1, 2},
    {4, "int32", 32, 1, 4},
    {5, "int64", 64, 1, 8},
    {6, "uint8", 8, 1, 1},
    {7, "uint16", 16, 1, 2},
    {8, "uint32", 32, 1, 4},
    {9, "uint64", 64, 1, 8},
    {10, "float16", 16, 1, 2},
    {11, "bfloat16", 16, 1, 2},
    {12, "float32", 32, 1, 4},
    {13, "float64", 64, 1, 8},
    {14, "complex64", 64, 1, 8},
    {15, "complex128", 128, 1, 16},
    {16, "float8_e4m3fn", 8, 1, 1},
    {17, "float8_e5m2", 8, 1, 1},
    {18, "float8_e4m3fnuz", 8, 1, 1},
    {19, "float8_e5m2fnuz", 8, 1, 1},
    {20, "float8_e8m0fnu", 8, 1, 1},
    {21, "float6_e2m3fn", 6, 4, 3},
    {22, "float6_e3m2fn", 6, 4, 3},
    {23, "float4_e2m1fn", 4, 2, 1},
    {64 + 2, "q4_0", 0, 32, 18},
    {64 + 3, "q4_1", 0, 32, 20},
    {64 + 6, "q5_0", 0, 32, 22},
    {64 + 7, "q5_1", 0, 32, 24},
    {64 + 8, "q8_0", 0, 32, 34},
    {64 + 9, "q8_1", 0, 32, 36},
    {64 + 10, "q2_k", 0, 256, 84},
    {64 + 11, "q3_k", 0, 256, 110},
    {64 + 12, "q4_k", 0, 256, 144},
    {64 + 13, "q5_k", 0, 256, 176},
    {64 + 14, "q6_k", 0, 256, 210},
    {64 + 15, "q8_k", 0, 256, 292},
    {64 + 16, "iq2_xxs", 0, 256, 66},
    {64 + 17, "iq2_xs", 0, 256, 74},
    {64 + 18, "iq3_xxs", 0, 256, 98},
    {64 + 19, "iq1_s", 0, 256, 50},
    {64 + 20, "iq4_nl", 0, 32, 18},
    {64 + 21, "iq3_s", 0, 256, 110},
    {64 + 22, "iq2_s", 0, 256, 82},
    {64 + 23, "iq4_xs", 0, 256, 136},
    {64 + 29, "iq1_m", 0, 256, 56},
    {64 + 34, "tq1_0", 0, 256, 54},
    {64 + 35, "tq2_0", 0, 256, 66},
    {64 + 39, "mxfp4", 0, 32, 17},
    {64 + 40, "nvfp4", 0, 64, 36},
    {64 + 41, "q1_0", 0, 128, 18},
    {64 + 42, "q2_0", 0, 64, 18},
};

TEST(Dtype, HasEveryRowAndNoOther) {
  std::map<tf_dtype, const Row *> rows;
  for (const Row &row : kRows) {
    rows[row.id] = &row;
    EXPECT_STREQ(tf_dtype_name(row.id), row.name);
    EXPECT_EQ(tf_dtype_from_name(row.name), row.id);
    EXPECT_EQ(tf_dtype_bits(row.id), row.bits) << row.name;
    EXPECT_EQ(tf_dtype_block_size(row.id), row.block_size) << row.name;
    EXPECT_EQ(tf_dtype_block_bytes(row.id), row.block_bytes) << row.name;
  }
  for (tf_dtype id = -1; id < 200; ++id) {
    if (rows.count(id) != 0) continue;
    EXPECT_EQ(find_dtype(id), nullptr) << id;
    EXPECT_STREQ(tf_dtype_name(id), "unsupported");
    EXPECT_EQ(tf_dtype_bits(id) + tf_dtype_block_size(id) + tf_dtype_block_bytes(id), 0u);
  }
  EXPECT_EQ(all_dtypes().size(), rows.size());
}

TEST(Dtype, IgnoresCaseInNamesOfBlockTypesOnly) {
  EXPECT_EQ(tf_dtype_from_name("Q4_K"), TF_DTYPE_Q4_K);
  EXPECT_EQ(tf_dtype_from_name("q4_K"), TF_DTYPE_Q4_K);
  EXPECT_EQ(tf_dtype_from_name("IQ4_nl"), TF_DTYPE_IQ4_NL);
  EXPECT_EQ(tf_dtype_from_name("Float32"), TF_DTYPE_UNSUPPORTED);
  EXPECT_EQ(tf_dtype_from_name("q4_"), TF_DTYPE_UNSUPPORTED);
  EXPECT_EQ(tf_dtype_from_name(""), TF_DTYPE_UNSUPPORTED);
  EXPECT_EQ(tf_dtype_from_name(nullptr), TF_DTYPE_UNSUPPORTED);
  EXPECT_STREQ(tf_error_message(), "name is NULL");
}

Checked count(std::vector<int64_t> shape) {
  return element_count({shape.data(), shape.size()});
}

Checked bytes(tf_dtype dtype, std::vector<int64_t> shape) {
  return byte_count(*find_dtype(dtype), {shape.data(), shape.size()});
}

TEST(ElementCount, StaysBelow63Bits) {
  EXPECT_EQ(count({}).value(), 1u);
  EXPECT_EQ(count({2, 3, 5}).value(), 30u);
  EXPECT_EQ(count({0, INT64_MAX}).value(), 0u);
  EXPECT_EQ(count({INT64_MAX}).value(), static_cast<uint64_t>(INT64_MAX));
  EXPECT_FALSE(count({int64_t{1} << 31, int64_t{1} << 32}).valid());
  EXPECT_FALSE(count({int64_t{1} << 31, 0, int64_t{1} << 32}).valid());
  EXPECT_FALSE(count({0, int64_t{1} << 62, 2}).valid());
  EXPECT_FALSE(count({2, -1}).valid());
  EXPECT_FALSE(count({0, -1}).valid());
}

TEST(ByteCount, CutsNoUnit) {
  EXPECT_EQ(bytes(TF_DTYPE_COMPLEX128, {2, 3}).value(), 96u);
  EXPECT_FALSE(bytes(TF_DTYPE_INT16, {int64_t{1} << 62}).valid());
  // A packed type as a whole must fill its bytes.
  EXPECT_EQ(bytes(TF_DTYPE_FLOAT4_E2M1FN, {2, 3}).value(), 3u);
  EXPECT_FALSE(bytes(TF_DTYPE_FLOAT4_E2M1FN, {3, 3}).valid());
  EXPECT_FALSE(bytes(TF_DTYPE_FLOAT4_E2M1FN, {}).valid());
  EXPECT_EQ(bytes(TF_DTYPE_FLOAT6_E2M3FN, {2, 6}).value(), 9u);
  EXPECT_FALSE(bytes(TF_DTYPE_FLOAT6_E3M2FN, {6}).valid());
  EXPECT_EQ(bytes(TF_DTYPE_FLOAT6_E3M2FN, {0, 3}).value(), 0u);
  // In a block type each row must consist of whole blocks.
  EXPECT_EQ(bytes(TF_DTYPE_Q4_0, {3, 64}).value(), 108u);
  EXPECT_FALSE(bytes(TF_DTYPE_Q4_0, {32, 3}).valid());
  EXPECT_FALSE(bytes(TF_DTYPE_Q4_0, {0, 3}).valid());
  EXPECT_FALSE(bytes(TF_DTYPE_Q4_0, {}).valid());
  EXPECT_EQ(bytes(TF_DTYPE_Q4_0, {5, 0}).value(), 0u);
}

}  // namespace
}  // namespace tfile
