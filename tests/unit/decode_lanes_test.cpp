#include "quant/decode_lanes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "core/dtype.h"
#include "quant/small_floats.h"

namespace tfile {
namespace {

constexpr size_t kBlocks = 600;

// Makes random blocks. In every third block all bytes are equal, so that some scales are zero, NaN or extreme.
std::string blocks_of(const Dtype &dtype) {
  std::mt19937 random(static_cast<uint32_t>(dtype.id));
  std::string bytes(kBlocks * dtype.block_bytes, '\0');
  for (char &byte : bytes)
    byte = static_cast<char>(random());
  for (size_t i = 0; i < kBlocks; i += 3)
    std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(i * dtype.block_bytes), dtype.block_bytes, static_cast<char>(i));
  // In others, special float16 values (infinity, NaN, subnormal, largest) are at the offsets that a scale may have.
  const uint16_t extremes[] = {0x7C00, 0xFC00, 0x7E01, 0xFD55, 0x0001, 0x83FF, 0x7BFF, 0x8000};
  for (size_t i = 1; i < kBlocks; i += 3) {
    const size_t offset = random() % (dtype.block_bytes - 1u) / 2 * 2;
    memcpy(&bytes[i * dtype.block_bytes + offset], &extremes[i % 8], 2);
    memcpy(&bytes[i * dtype.block_bytes], &extremes[i / 3 % 8], i % 2 == 0 ? 2 : 0);
    memcpy(&bytes[(i + 1) * dtype.block_bytes - 2], &extremes[i / 3 % 8], i % 4 == 1 ? 2 : 0);
  }
  return bytes;
}

// True if the bits are the same, or if both are NaN, because the sum of two NaNs may be either of them.
bool same(float a, float b) {
  return float_bits(a) == float_bits(b) || (std::isnan(a) && std::isnan(b));
}

TEST(DecodeLanes, GiveTheBitsOfTheScalarKernels) {
  size_t types = 0;
  for (const Dtype &dtype : all_dtypes()) {
    if (!dtype.is_block() || !cpu_has_lanes()) continue;
    const CastKernel fast = find_lane_decoder(dtype.id);
    ASSERT_NE(fast, nullptr) << dtype.name;
    // The blocks are at an odd address, to detect code that needs alignment, and in an allocation of exactly their
    // size, so that sanitizers detect reads outside it.
    const std::string bytes = "!" + blocks_of(dtype);
    const size_t count = kBlocks * dtype.block_size;
    std::vector<float> expected(count);
    std::vector<float> found(count);
    find_scalar_kernel(dtype.id, TF_DTYPE_FLOAT32)(expected.data(), bytes.data() + 1, count);
    fast(found.data(), bytes.data() + 1, count);
    for (size_t i = 0; i < count; ++i)
      ASSERT_TRUE(same(expected[i], found[i])) << dtype.name << " at " << i << ": " << expected[i] << ", " << found[i];
    ++types;
  }
  EXPECT_EQ(types, cpu_has_lanes() ? 27u : 0u);
}

// Tests all values in two orders, so that NaNs have different neighbours, and with counts that leave different
// remainders.
TEST(DecodeLanes, GiveTheBitsOfEvery16BitFloat) {
  for (tf_dtype dtype : {TF_DTYPE_FLOAT16, TF_DTYPE_BFLOAT16}) {
    const CastKernel used = find_cast_kernel(dtype, TF_DTYPE_FLOAT32);
    EXPECT_EQ(used == find_scalar_kernel(dtype, TF_DTYPE_FLOAT32), !cpu_has_lanes());
    for (uint32_t step : {1u, 40503u}) {
      for (size_t count : {65536u, 65529u, 13u, 7u, 0u}) {
        std::string from(1 + 2 * count, '\0');
        for (uint32_t i = 0; i < count; ++i) {
          const auto code = static_cast<uint16_t>(i * step);
          memcpy(&from[1 + 2 * i], &code, sizeof(code));
        }
        std::string expected(1 + 4 * count, '!');
        std::string found = expected;
        find_scalar_kernel(dtype, TF_DTYPE_FLOAT32)(expected.data() + 1, from.data() + 1, count);
        used(found.data() + 1, from.data() + 1, count);
        EXPECT_EQ(expected, found) << count << " of dtype " << dtype;
      }
    }
  }
}

TEST(DecodeLanes, AreUsedByCasts) {
  for (const Dtype &dtype : all_dtypes()) {
    if (!dtype.is_block()) continue;
    const CastKernel used = find_cast_kernel(dtype.id, TF_DTYPE_FLOAT32);
    EXPECT_EQ(used, cpu_has_lanes() ? find_lane_decoder(dtype.id) : find_scalar_kernel(dtype.id, TF_DTYPE_FLOAT32))
        << dtype.name;
  }
}

// The results are subnormal. A product of floats would be zero in a thread that flushes subnormals.
TEST(DecodeLanes, Mxfp4WithSubnormalResults) {
  std::string block(17, '\x02');
  block[0] = '\0';
  float values[32];
  find_cast_kernel(TF_DTYPE_MXFP4, TF_DTYPE_FLOAT32)(values, block.data(), 32);
  EXPECT_EQ(float_bits(values[0]), 0x00400000u);
  block[0] = '\1';
  find_cast_kernel(TF_DTYPE_MXFP4, TF_DTYPE_FLOAT32)(values, block.data(), 32);
  EXPECT_EQ(float_bits(values[0]), 0x00800000u);
}

}  // namespace
}  // namespace tfile
