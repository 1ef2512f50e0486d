#include "quant/encode_wide.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "core/dtype.h"
#include "quant/encode_scalar.h"

namespace tfile {
namespace {

constexpr tf_dtype kWideTypes[] = {TF_DTYPE_Q2_K, TF_DTYPE_Q3_K,   TF_DTYPE_Q4_K,  TF_DTYPE_Q5_K,
                                   TF_DTYPE_Q6_K, TF_DTYPE_IQ4_NL, TF_DTYPE_IQ4_XS};

class Numbers {
 public:
  explicit Numbers(uint32_t seed) : random_(seed) {}

  // Returns 256 finite numbers of one of kKinds distributions.
  static constexpr uint32_t kKinds = 22;
  std::vector<float> make(uint32_t kind) {
    std::vector<float> values(256);
    const float scale = std::exp2(static_cast<float>(random_() % 9) - 4);
    for (uint32_t i = 0; i < 256; ++i) {
      values[i] = one(kind, i, scale);
      while (!std::isfinite(values[i]))
        values[i] = float_of(static_cast<uint32_t>(random_()));
    }
    return values;
  }

 private:
  float one(uint32_t kind, uint32_t i, float scale) {
    const float normal = normal_(random_);
    const float sign = random_() % 2 == 0 ? 1.0f : -1.0f;
    const auto position = static_cast<float>(i % 32);
    switch (kind) {
      case 0:
        return 0;
      case 1:
        return -0.0f;
      case 2:
        return scale;
      case 3:
        return -scale;
      case 4:
        return sign * scale;  // ties
      case 5:
        return sign * 3e38f;
      case 6:
        return normal * 1e30f;
      case 7:
        return normal * 1e13f;
      case 8:
        return normal * 1e-7f;
      case 9:
        return normal * 1e-15f;
      case 10:
        return normal * 1e-39f;  // subnormal
      case 11:
        return std::round(normal * 4);
      case 12:
        return position * scale;
      case 13:
        return (15.5f - position) * scale;
      case 14:
        return random_() % 16 == 0 ? normal : 0;
      case 15:
        return i == 100 ? normal * 1000 : normal;
      case 16:
        return normal * std::exp2(static_cast<float>(i / 16) * 3 - 24);
      case 17:
        return std::abs(normal);
      case 18:
        return -std::abs(normal);
      case 19:
        return normal / static_cast<float>(1 + random_() % 1000);
      case 20:
        return float_of(static_cast<uint32_t>(random_()));
      default:
        return normal * 0.02f;
    }
  }

  std::mt19937 random_;
  std::normal_distribution<float> normal_;
};

std::vector<float> numbers_of_all_kinds(uint32_t seed, size_t rounds) {
  Numbers numbers(seed);
  std::vector<float> values;
  for (size_t round = 0; round < rounds; ++round) {
    for (uint32_t kind = 0; kind < Numbers::kKinds; ++kind) {
      const std::vector<float> more = numbers.make(kind);
      values.insert(values.end(), more.begin(), more.end());
    }
  }
  return values;
}

std::vector<uint8_t> encode_scalar(const Dtype &dtype, const std::vector<float> &values) {
  const size_t blocks = values.size() / dtype.block_size;
  std::vector<uint8_t> result(blocks * dtype.block_bytes);
  find_scalar_encoder(dtype.id)(result.data(), values.data(), blocks);
  return result;
}

// The kinds of CPU whose encoders this CPU can run.
std::vector<Cpu> runnable() {
  std::vector<Cpu> result;
  for (const Cpu cpu : {Cpu::kBaseline, Cpu::kAvx2, Cpu::kAvx512}) {
    if (cpu <= best_cpu()) result.push_back(cpu);
  }
  return result;
}

void expect_same(const Dtype &dtype, Cpu cpu, const std::vector<float> &values, size_t at_once) {
  const std::vector<uint8_t> expected = encode_scalar(dtype, values);
  const BlockEncoder encode = find_wide_encoder(dtype.id, cpu);
  ASSERT_NE(encode, nullptr) << dtype.name;
  const size_t blocks = values.size() / dtype.block_size;
  std::vector<uint8_t> found(expected.size() + 1, 0xcc);
  for (size_t i = 0; i < blocks; i += at_once)
    encode(&found[i * dtype.block_bytes], &values[i * dtype.block_size], std::min(at_once, blocks - i));
  EXPECT_EQ(found.back(), 0xcc) << dtype.name;
  for (size_t i = 0; i < blocks; ++i) {
    const size_t at = i * dtype.block_bytes;
    ASSERT_EQ(memcmp(&found[at], &expected[at], dtype.block_bytes), 0)
        << dtype.name << ", block " << i << ", cpu " << static_cast<int>(cpu) << ", " << at_once << " at once";
  }
}

TEST(EncodeWide, GivesTheBytesOfTheScalarEncoders) {
  const std::vector<float> values = numbers_of_all_kinds(1, 12);
  for (const tf_dtype dtype : kWideTypes) {
    for (const Cpu cpu : runnable())
      expect_same(*find_dtype(dtype), cpu, values, values.size());
  }
}

TEST(EncodeWide, AcceptsAnyNumberOfBlocks) {
  const std::vector<float> values = numbers_of_all_kinds(2, 1);
  for (const tf_dtype dtype : kWideTypes) {
    for (const Cpu cpu : runnable()) {
      for (const size_t at_once : std::initializer_list<size_t>{1, 2, 3, 5, 7})
        expect_same(*find_dtype(dtype), cpu, values, at_once);
    }
  }
}

// Numbers just below, at and above the midpoint of two values of IQ4, with a scale of 1.
TEST(EncodeWide, FindsTheNearestValueAtTheMidpoints) {
  std::vector<float> values;
  for (int node = 1; node < 16; ++node) {
    std::vector<float> group(32, 113);
    group[0] = -127;
    for (size_t i = 1; i < 28; ++i) {
      const auto steps = static_cast<int32_t>(i) - 14;
      group[i] = float_of(float_bits(kIq4Middles[node]) + static_cast<uint32_t>(steps));
    }
    values.insert(values.end(), group.begin(), group.end());
    for (float &value : group)
      value = -value / 64;
    values.insert(values.end(), group.begin(), group.end());
  }
  for (const Cpu cpu : runnable())
    expect_same(*find_dtype(TF_DTYPE_IQ4_NL), cpu, values, values.size());
}

TEST(EncodeWide, MidpointsAreBetweenNeighbours) {
  std::vector<float> middles(std::begin(kIq4Middles) + 1, std::end(kIq4Middles));
  std::sort(middles.begin(), middles.end());
  for (size_t i = 0; i < 15; ++i)
    EXPECT_EQ(middles[i], static_cast<float>(kIq4Values[i] + kIq4Values[i + 1]) / 2);
}

TEST(EncodeWide, OtherCpusAndTypesHaveNoWideEncoder) {
  EXPECT_EQ(find_wide_encoder(TF_DTYPE_Q4_K, Cpu::kScalar), nullptr);
  for (const Cpu cpu : runnable()) {
    EXPECT_EQ(find_wide_encoder(TF_DTYPE_TQ1_0, cpu), nullptr);
    EXPECT_EQ(find_wide_encoder(TF_DTYPE_FLOAT32, cpu), nullptr);
  }
}

}  // namespace
}  // namespace tfile
