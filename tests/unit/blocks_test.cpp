#include "quant/decode_scalar.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "quant/cast.h"
#include "quant/small_floats.h"
#include "support/listed.h"
#include "support/little_endian.h"

namespace tfile {
namespace {

using namespace testing;

std::vector<float> decoded(tf_dtype id, const std::string &bytes) {
  const Dtype &dtype = *find_dtype(id);
  EXPECT_EQ(bytes.size() % dtype.block_bytes, 0u);
  const size_t blocks = bytes.size() / dtype.block_bytes;
  // The data is at an odd address, to detect code that needs alignment.
  const std::string moved = "!" + bytes;
  std::vector<float> values(blocks * dtype.block_size);
  find_scalar_decoder(id)(values.data(), moved.data() + 1, values.size());
  return values;
}

uint32_t crc32_of(const std::vector<float> &values) {
  return checksum(little_endian(values));
}

// Makes bytes with a linear congruential generator, and keeps the float16 scales at these offsets finite and below 2.
std::string random_blocks(const Dtype &dtype, size_t blocks, const std::vector<size_t> &scales) {
  std::string bytes(blocks * dtype.block_bytes, '\0');
  auto state = static_cast<uint32_t>(dtype.id - 64);
  for (char &byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  for (size_t i = 0; i < blocks; ++i) {
    for (size_t scale : scales)
      bytes[i * dtype.block_bytes + scale + 1] &= static_cast<char>(0xBF);
  }
  return bytes;
}

TEST(Blocks, DecodeLikeGgufPy) {
  const struct {
    tf_dtype dtype;
    std::vector<size_t> scales;
    uint32_t crc32;  // of 512 blocks decoded by gguf-py 0.19, or by NumPy with ggml's formula if gguf-py cannot
  } cases[] = {
      {TF_DTYPE_Q4_0, {0}, 0x5c1d6a69},      {TF_DTYPE_Q4_1, {0, 2}, 0x981e6816}, {TF_DTYPE_Q5_0, {0}, 0x837caf76},
      {TF_DTYPE_Q5_1, {0, 2}, 0x229f5f4c},   {TF_DTYPE_Q8_0, {0}, 0x300ea9e7},    {TF_DTYPE_Q8_1, {0}, 0xc6a09066},
      {TF_DTYPE_Q2_K, {80, 82}, 0x9e942c0a}, {TF_DTYPE_Q3_K, {108}, 0x0ed58083},  {TF_DTYPE_Q4_K, {0, 2}, 0xed9f62e4},
      {TF_DTYPE_Q5_K, {0, 2}, 0x64d680a4},   {TF_DTYPE_Q6_K, {208}, 0xc415c3ab},  {TF_DTYPE_Q8_K, {2}, 0x4ff06d91},
      {TF_DTYPE_IQ2_XXS, {0}, 0xe9100f7f},   {TF_DTYPE_IQ2_XS, {0}, 0x5e23050f},  {TF_DTYPE_IQ3_XXS, {0}, 0x80615101},
      {TF_DTYPE_IQ1_S, {0}, 0x75cd64d7},     {TF_DTYPE_IQ4_NL, {0}, 0x2e17cc01},  {TF_DTYPE_IQ3_S, {0}, 0xc25a7eb3},
      {TF_DTYPE_IQ2_S, {0}, 0x8fd8bd4d},     {TF_DTYPE_IQ4_XS, {0}, 0xc02602b5},  {TF_DTYPE_IQ1_M, {54}, 0x3eebe330},
      {TF_DTYPE_TQ1_0, {52}, 0xda05a67b},    {TF_DTYPE_TQ2_0, {64}, 0xc1081c9e},  {TF_DTYPE_MXFP4, {}, 0x0206d636},
      {TF_DTYPE_NVFP4, {}, 0xb1f5514d},      {TF_DTYPE_Q1_0, {0}, 0x9ef4d59d},    {TF_DTYPE_Q2_0, {0}, 0xa5f37bce},
  };
  size_t tested = 0;
  for (const auto &expected : cases) {
    const Dtype &dtype = *find_dtype(expected.dtype);
    EXPECT_EQ(crc32_of(decoded(dtype.id, random_blocks(dtype, 512, expected.scales))), expected.crc32) << dtype.name;
    ++tested;
  }
  size_t block_types = 0;
  for (const Dtype &dtype : all_dtypes()) {
    EXPECT_EQ(find_scalar_decoder(dtype.id) != nullptr, dtype.is_block()) << dtype.name;
    block_types += dtype.is_block();
  }
  EXPECT_EQ(tested, block_types);
}

TEST(Blocks, GoldenFilesCastToFloats) {
  const struct {
    const char *file;
    uint32_t float32;
    uint32_t float16;
  } cases[] = {
      {"py_Q4_0.gguf", 0x905a2371, 0x8a07c34b},    {"py_Q4_1.gguf", 0x6a5bd4d5, 0xa15b5bcf},
      {"py_Q5_0.gguf", 0x0b4d3ef7, 0x184dec9a},    {"py_Q5_1.gguf", 0xc978cb11, 0x42551f6f},
      {"py_Q8_0.gguf", 0x7f6f5b23, 0x0c0cb311},    {"py_Q2_K.gguf", 0x3e49b4d6, 0xaff42075},
      {"py_Q3_K.gguf", 0x83e3e4f0, 0x70b6edff},    {"py_Q4_K.gguf", 0x984f0e3c, 0x61ae1a12},
      {"py_Q5_K.gguf", 0x90f42535, 0x3a61357b},    {"py_Q6_K.gguf", 0xbba7c4e7, 0x1821b429},
      {"py_IQ2_XXS.gguf", 0xb7d65eec, 0xac794f20}, {"py_IQ2_XS.gguf", 0x8ffdc553, 0x786c7863},
      {"py_IQ3_XXS.gguf", 0x04e196a8, 0x4a708f64}, {"py_IQ1_S.gguf", 0xca2ebd0e, 0x53cbdf90},
      {"py_IQ4_NL.gguf", 0x6e50237c, 0x8cdf038c},  {"py_IQ3_S.gguf", 0xf0045440, 0xe07e5783},
      {"py_IQ2_S.gguf", 0xbf033f81, 0x239d2207},   {"py_IQ4_XS.gguf", 0xb59e6ae7, 0x5a5a47d8},
      {"py_IQ1_M.gguf", 0x5b7015be, 0x46bf9c93},   {"py_TQ1_0.gguf", 0x73105f35, 0x28f1b0b0},
      {"py_TQ2_0.gguf", 0x19219f3d, 0x15d2bf09},   {"py_MXFP4.gguf", 0x4ddeea99, 0x6b957dae},
      {"py_NVFP4.gguf", 0xa1700e8d, 0x48e490d3},
  };
  const Settings settings;
  for (const auto &expected : cases) {
    SCOPED_TRACE(expected.file);
    std::ifstream file(TENSORFILE_GOLDEN_DIR "/gguf/" + std::string(expected.file), std::ios::binary);
    const Listed found(kGgufFormat, std::string(std::istreambuf_iterator<char>(file), {}));
    ASSERT_TRUE(found.ok()) << found.error.message;
    Ref<Array> blocks;
    ASSERT_TRUE(make_array(blocks, default_memory(), *found.at(0).dtype, found.at(0).shape).ok());
    memcpy(blocks->data, found.stored(0).data(), static_cast<size_t>(blocks->nbytes));
    Ref<Array> floats;
    Ref<Array> halves;
    ASSERT_TRUE(cast(floats, *blocks, *find_dtype(TF_DTYPE_FLOAT32), settings).ok()) << error_record().message;
    ASSERT_TRUE(cast(halves, *blocks, *find_dtype(TF_DTYPE_FLOAT16), settings).ok()) << error_record().message;
    EXPECT_EQ(checksum(little_endian(floats->data, static_cast<size_t>(floats->nbytes), 4)), expected.float32);
    EXPECT_EQ(checksum(little_endian(halves->data, static_cast<size_t>(halves->nbytes), 2)), expected.float16);
  }
}

// A block of Q8_0 with the codes -16 to 15 and the scale 0.5.
TEST(Blocks, CastToEveryRealDtype) {
  std::string bytes("\0\x38", 2);
  for (int i = -16; i < 16; ++i)
    bytes += static_cast<char>(i);
  const int64_t size = 32;
  Ref<Array> blocks;
  ASSERT_TRUE(make_array(blocks, default_memory(), *find_dtype(TF_DTYPE_Q8_0), Span<const int64_t>(&size, 1)).ok());
  memcpy(blocks->data, bytes.data(), bytes.size());
  const auto as = [&](tf_dtype id) {
    Ref<Array> made;
    EXPECT_TRUE(cast(made, *blocks, *find_dtype(id), Settings()).ok()) << error_record().message;
    return made;
  };
  const std::vector<double> doubles = elements<double>(*as(TF_DTYPE_FLOAT64), TF_DTYPE_FLOAT64, {32});
  const std::vector<int8_t> bytes_of = elements<int8_t>(*as(TF_DTYPE_INT8), TF_DTYPE_INT8, {32});
  const std::vector<uint8_t> truths = elements<uint8_t>(*as(TF_DTYPE_BOOL), TF_DTYPE_BOOL, {32});
  const std::vector<double> complex = [&] {
    const Ref<Array> made = as(TF_DTYPE_COMPLEX128);
    std::vector<double> parts(64);
    memcpy(parts.data(), made->data, sizeof(double) * 64);
    return parts;
  }();
  for (size_t i = 0; i < 32; ++i) {
    const int value = static_cast<int>(i) - 16;
    EXPECT_EQ(doubles[i], value / 2.0);
    EXPECT_EQ(bytes_of[i], value / 2);
    EXPECT_EQ(truths[i], value != 0);
    EXPECT_EQ(complex[2 * i], value / 2.0);
    EXPECT_EQ(complex[2 * i + 1], 0);
  }
}

TEST(Blocks, Mxfp4WithTheSmallestAndLargestScales) {
  // The expected values are 1 (code 2) and -6 (code 15), times the smallest and the largest scale.
  std::string codes(16, '\x02');
  codes[0] = '\xF2';
  const auto ends = [&](char exponent) {
    const std::vector<float> values = decoded(TF_DTYPE_MXFP4, exponent + codes);
    return std::pair(float_bits(values[0]), float_bits(values[16]));
  };
  EXPECT_EQ(ends('\0'), std::pair(0x00400000u, 0x81400000u));
  EXPECT_EQ(ends('\1'), std::pair(0x00800000u, 0x81C00000u));
  EXPECT_EQ(ends('\2'), std::pair(0x01000000u, 0x82400000u));
  EXPECT_EQ(ends('\xFE'), std::pair(0x7F000000u, 0xFF800000u));
  EXPECT_EQ(ends('\xFF'), std::pair(0x7F800000u, 0xFF800000u));
}

TEST(Blocks, Nvfp4Scales) {
  // The expected values are the scales 0, NaN, the smallest and the largest, each times code 1.
  const std::string block = std::string("\x00\x7F\x01\x7E", 4) + std::string(32, '\x11');
  const std::vector<float> values = decoded(TF_DTYPE_NVFP4, block);
  EXPECT_EQ(values[0], 0.0f);
  EXPECT_EQ(values[16], 0.0f);
  EXPECT_EQ(values[32], 0.0009765625f);
  EXPECT_EQ(values[48], 224.0f);
}

TEST(Blocks, ANanScaleGivesNan) {
  const std::string block = std::string("\x01\x7E", 2) + std::string(64, '\x55');
  for (float value : decoded(TF_DTYPE_IQ2_XXS, block))
    EXPECT_EQ(float_bits(value), 0x7FC02000u);
}

}  // namespace
}  // namespace tfile
