#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/dtype.h"

namespace tfile {
namespace {

std::vector<uint8_t> counting(size_t size) {
  std::vector<uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  return bytes;
}

TEST(SwapBytes, ReversesScalars) {
  const std::pair<tf_dtype, size_t> cases[] = {
      {TF_DTYPE_BOOL, 1},       {TF_DTYPE_INT8, 1},        {TF_DTYPE_UINT16, 2},        {TF_DTYPE_FLOAT16, 2},
      {TF_DTYPE_BFLOAT16, 2},   {TF_DTYPE_FLOAT32, 4},     {TF_DTYPE_UINT64, 8},        {TF_DTYPE_COMPLEX64, 4},
      {TF_DTYPE_COMPLEX128, 8}, {TF_DTYPE_FLOAT8_E5M2, 1}, {TF_DTYPE_FLOAT6_E2M3FN, 1}, {TF_DTYPE_FLOAT4_E2M1FN, 1},
  };
  for (const auto &[id, width] : cases) {
    // Repeats the test at an odd address.
    for (size_t shift : {size_t{0}, size_t{1}}) {
      std::vector<uint8_t> bytes = counting(96 + shift);
      std::vector<uint8_t> expected = bytes;
      for (size_t i = shift; i < bytes.size(); i += width)
        std::reverse(expected.begin() + static_cast<ptrdiff_t>(i),
                     expected.begin() + static_cast<ptrdiff_t>(i + width));
      EXPECT_TRUE(can_swap(*find_dtype(id)));
      EXPECT_TRUE(swap_bytes(*find_dtype(id), bytes.data() + shift, 96));
      EXPECT_EQ(bytes, expected) << tf_dtype_name(id);
    }
  }
}

// Offset and width of each number in the structs of ggml-common.h.
using Numbers = std::vector<std::pair<size_t, size_t>>;

Numbers run(size_t offset, size_t width, size_t count) {
  Numbers numbers;
  for (size_t i = 0; i < count; ++i)
    numbers.emplace_back(offset + i * width, width);
  return numbers;
}

Numbers join(Numbers a, const Numbers &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(SwapBytes, ReversesTheNumbersOfBlocks) {
  const std::pair<tf_dtype, Numbers> cases[] = {
      {TF_DTYPE_Q4_0, {{0, 2}}},
      {TF_DTYPE_Q4_1, {{0, 2}, {2, 2}}},
      {TF_DTYPE_Q5_0, {{0, 2}, {2, 4}}},
      {TF_DTYPE_Q5_1, {{0, 2}, {2, 2}, {4, 4}}},
      {TF_DTYPE_Q8_0, {{0, 2}}},
      {TF_DTYPE_Q8_1, {{0, 2}, {2, 2}}},
      {TF_DTYPE_Q2_K, {{80, 2}, {82, 2}}},
      {TF_DTYPE_Q3_K, {{108, 2}}},
      {TF_DTYPE_Q4_K, {{0, 2}, {2, 2}}},
      {TF_DTYPE_Q5_K, {{0, 2}, {2, 2}}},
      {TF_DTYPE_Q6_K, {{208, 2}}},
      {TF_DTYPE_Q8_K, join({{0, 4}}, run(260, 2, 16))},
      {TF_DTYPE_IQ2_XS, join({{0, 2}}, run(2, 2, 32))},
      {TF_DTYPE_IQ2_S, {{0, 2}}},
      {TF_DTYPE_IQ3_S, {{0, 2}}},
      {TF_DTYPE_IQ1_S, join({{0, 2}}, run(34, 2, 8))},
      {TF_DTYPE_IQ4_NL, {{0, 2}}},
      {TF_DTYPE_IQ4_XS, {{0, 2}, {2, 2}}},
      {TF_DTYPE_TQ1_0, {{52, 2}}},
      {TF_DTYPE_TQ2_0, {{64, 2}}},
      {TF_DTYPE_MXFP4, {}},
      {TF_DTYPE_NVFP4, {}},
      {TF_DTYPE_Q1_0, {{0, 2}}},
      {TF_DTYPE_Q2_0, {{0, 2}}},
  };
  size_t swappable = 0;
  for (const Dtype &dtype : all_dtypes())
    swappable += dtype.is_block() && can_swap(dtype) ? 1 : 0;
  EXPECT_EQ(swappable, std::size(cases));
  for (const auto &[id, numbers] : cases) {
    const Dtype &dtype = *find_dtype(id);
    std::vector<uint8_t> bytes = counting(size_t{3} * dtype.block_bytes);
    std::vector<uint8_t> expected = bytes;
    for (size_t block = 0; block < 3; ++block) {
      for (const auto &[offset, width] : numbers) {
        const auto start = expected.begin() + static_cast<ptrdiff_t>(block * dtype.block_bytes + offset);
        std::reverse(start, start + static_cast<ptrdiff_t>(width));
      }
    }
    EXPECT_TRUE(swap_bytes(dtype, bytes.data(), bytes.size()));
    EXPECT_EQ(bytes, expected) << dtype.name;
  }
}

TEST(SwapBytes, RefusesPackedWords) {
  for (const tf_dtype id : {TF_DTYPE_IQ2_XXS, TF_DTYPE_IQ3_XXS, TF_DTYPE_IQ1_M}) {
    const Dtype &dtype = *find_dtype(id);
    std::vector<uint8_t> bytes = counting(dtype.block_bytes);
    EXPECT_FALSE(can_swap(dtype));
    EXPECT_FALSE(swap_bytes(dtype, bytes.data(), bytes.size()));
    EXPECT_EQ(bytes, counting(dtype.block_bytes));
  }
}

}  // namespace
}  // namespace tfile
