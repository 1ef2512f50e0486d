#include "quant/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "quant/cast.h"
#include "quant/encode_scalar.h"
#include "support/arrays.h"
#include "support/expect_error.h"

namespace tfile {
namespace {

using testing::array_of;
using testing::elements;
using testing::read_bytes;
using testing::settings_with;
using testing::TestMemory;
using testing::Vectors;

std::string golden(const std::string &file) {
  return TENSORFILE_GOLDEN_DIR "/gguf/" + file;
}

std::vector<float> floats_of(const char *bytes, size_t size) {
  std::vector<float> values(size / sizeof(float));
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t bits = load_le<uint32_t>(bytes + i * sizeof(float));
    memcpy(&values[i], &bits, sizeof(float));
  }
  return values;
}

// Reads the elements of a .npy file of float32 in C order.
std::vector<float> floats_of_npy(const std::string &path) {
  const std::vector<uint8_t> bytes = read_bytes(path);
  const auto *data = reinterpret_cast<const char *>(bytes.data());
  const size_t start = size_t{10} + load_le<uint16_t>(data + 8);
  return floats_of(data + start, bytes.size() - start);
}

std::vector<uint8_t> encoded(const Dtype &dtype, const std::vector<float> &values) {
  std::vector<uint8_t> blocks(values.size() / dtype.block_size * dtype.block_bytes);
  EXPECT_EQ(why_decoded_only(dtype), nullptr);
  EXPECT_TRUE(encode_blocks(dtype, blocks.data(), values.data(), values.size() / dtype.block_size, 0).ok());
  return blocks;
}

void expect_blocks(const std::string &name, const std::vector<float> &values, const std::vector<uint8_t> &expected) {
  const Dtype *dtype = find_dtype(Text(name.c_str()));
  ASSERT_NE(dtype, nullptr) << name;
  const std::vector<uint8_t> found = encoded(*dtype, values);
  ASSERT_EQ(found.size(), expected.size()) << name;
  for (size_t i = 0; i < found.size(); i += dtype->block_bytes) {
    const auto at = static_cast<std::ptrdiff_t>(i);
    const std::vector<uint8_t> block(found.begin() + at, found.begin() + at + dtype->block_bytes);
    const std::vector<uint8_t> expected_block(expected.begin() + at, expected.begin() + at + dtype->block_bytes);
    ASSERT_EQ(block, expected_block) << name << ", block " << i / dtype->block_bytes;
  }
}

TEST(Encode, WritesTheBytesOfGgufPy) {
  const std::vector<float> values = floats_of_npy(golden("encode_input.npy"));
  ASSERT_EQ(values.size(), 1024u);
  for (const char *name : {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "TQ1_0", "TQ2_0", "MXFP4"})
    expect_blocks(name, values, read_bytes(golden(std::string("encoded_") + name + ".bin")));
}

TEST(Encode, WritesTheBytesOfGgmlForTypesWithSearchedScales) {
  const std::vector<float> values = floats_of_npy(golden("encode_kquants_input.npy"));
  ASSERT_EQ(values.size(), 198u * 256);
  for (const char *name : {"Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"})
    expect_blocks(name, values, read_bytes(golden(std::string("encoded_kquants_") + name + ".bin")));
}

TEST(Encode, WritesTheBytesOfThePeersForDifficultNumbers) {
  Vectors vectors("encode_vectors.bin", "TFENCOD1");  // make_encode_vectors.py describes it
  const size_t size = size_t{vectors.number()} * 256 * sizeof(float);
  const std::vector<float> values = floats_of(vectors.take(size), size);
  const uint32_t types = vectors.number();
  EXPECT_EQ(types, 11u);
  for (uint32_t i = 0; i < types; ++i) {
    const std::string name = vectors.take(16);
    const uint32_t nbytes = vectors.number();
    const char *blocks = vectors.take(nbytes);
    expect_blocks(name, values, std::vector<uint8_t>(blocks, blocks + nbytes));
  }
  EXPECT_TRUE(vectors.done());
}

TEST(Encode, EncodesZerosLikeGgml) {
  const std::vector<float> zeros(256, 0.0f);
  for (const tf_dtype dtype : {TF_DTYPE_Q2_K, TF_DTYPE_Q3_K, TF_DTYPE_Q4_K, TF_DTYPE_Q5_K, TF_DTYPE_Q6_K}) {
    const Dtype &known = *find_dtype(dtype);
    EXPECT_EQ(encoded(known, zeros), std::vector<uint8_t>(known.block_bytes)) << known.name;
  }
  std::vector<uint8_t> iq4_xs(136, 0x88);
  const uint8_t head[8] = {0x00, 0x80, 0xaa, 0xaa, 0, 0, 0, 0};
  memcpy(iq4_xs.data(), head, sizeof(head));
  EXPECT_EQ(encoded(*find_dtype(TF_DTYPE_IQ4_XS), zeros), iq4_xs);
  EXPECT_EQ(encoded(*find_dtype(TF_DTYPE_IQ4_NL), std::vector<float>(32, -0.0f))[1], 0x00);
}

// Here the search divides infinity by infinity, although the elements are finite.
TEST(Encode, NanScaleHasTheSameBitsOnEveryProcessor) {
  const std::vector<uint8_t> block = encoded(*find_dtype(TF_DTYPE_IQ4_NL), std::vector<float>(32, 3e38f));
  EXPECT_EQ(load_le<uint16_t>(block.data()), 0xfe00);
}

TEST(Encode, SaysWhyATypeHasNoEncoder) {
  const std::vector<tf_dtype> decoded_only = {TF_DTYPE_IQ2_XXS, TF_DTYPE_IQ2_XS, TF_DTYPE_IQ3_XXS,
                                              TF_DTYPE_IQ1_S,   TF_DTYPE_IQ3_S,  TF_DTYPE_IQ2_S,
                                              TF_DTYPE_IQ1_M,   TF_DTYPE_Q1_0,   TF_DTYPE_Q2_0};
  for (const Dtype &dtype : all_dtypes()) {
    const bool has_none = std::find(decoded_only.begin(), decoded_only.end(), dtype.id) != decoded_only.end();
    EXPECT_EQ(why_decoded_only(dtype) != nullptr, has_none) << dtype.name;
    EXPECT_EQ(find_scalar_encoder(dtype.id) != nullptr, dtype.is_block() && !has_none) << dtype.name;
  }
}

TEST(CastToBlocks, PassesThroughFloat32) {
  TestMemory memory;
  std::vector<int16_t> integers(6 * 512);
  std::vector<float> floats(integers.size());
  for (size_t i = 0; i < integers.size(); ++i) {
    integers[i] = static_cast<int16_t>((i * 7919) % 4001 - 2000);
    floats[i] = integers[i];
  }
  const Ref<Array> array = array_of(*memory, TF_DTYPE_INT16, {6, 512}, integers);
  Ref<Array> result;
  for (const tf_dtype dtype : {TF_DTYPE_Q8_0, TF_DTYPE_Q6_K, TF_DTYPE_NVFP4}) {
    ASSERT_TRUE(cast(result, *array, *find_dtype(dtype), settings_with(memory, 1)).ok()) << error_record().message;
    EXPECT_EQ(result->dtype->id, dtype);
    EXPECT_EQ(elements<uint8_t>(*result), encoded(*find_dtype(dtype), floats));
  }
}

TEST(CastToBlocks, AcceptsStridedAndUnalignedArraysAndThreads) {
  TestMemory memory;
  std::vector<float> values(64 * 1024);
  std::vector<float> turned_values(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((i * 2654435761u) % 65521) / 65521 - 0.5f;
  for (size_t i = 0; i < 64; ++i)
    for (size_t k = 0; k < 1024; ++k)
      turned_values[i * 1024 + k] = values[k * 64 + i];
  const Dtype &dtype = *find_dtype(TF_DTYPE_Q4_0);
  Ref<Array> turned, result;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT32, {1024, 64}, values);
  ASSERT_TRUE(transpose(turned, *memory, *array, nullptr, 0).ok());
  ASSERT_TRUE(cast(result, *turned, dtype, settings_with(memory, 4)).ok());
  EXPECT_EQ(elements<uint8_t>(*result), encoded(dtype, turned_values));

  const Ref<Array> bytes = array_of(*memory, TF_DTYPE_INT8, std::vector<uint8_t>(4 * 64 + 1));
  memcpy(bytes->data + 1, values.data(), 4 * 64);
  const int64_t size = 64;
  Ref<Array> unaligned;
  ASSERT_TRUE(
      make_array(unaligned, *memory, *find_dtype(TF_DTYPE_FLOAT32), {&size, 1}, nullptr, bytes->buffer, bytes->data + 1)
          .ok());
  ASSERT_TRUE(cast(result, *unaligned, dtype, settings_with(memory, 1)).ok());
  EXPECT_EQ(elements<uint8_t>(*result), encoded(dtype, std::vector<float>(values.begin(), values.begin() + 64)));
}

TEST(CastToBlocks, RefusesElementsThatAreNotFinite) {
  TestMemory memory;
  std::vector<float> values(64 * 1024, 1);
  values[50001] = std::numeric_limits<float>::infinity();
  Ref<Array> result;
  const Ref<Array> infinite = array_of(*memory, TF_DTYPE_FLOAT32, values);
  EXPECT_EQ(cast(result, *infinite, *find_dtype(TF_DTYPE_Q4_K), settings_with(memory, 2)).code,
            TF_STATUS_INVALID_ARGUMENT);
  expect_error("q4_k stores finite numbers only, but element 50001 is infinite as float32");
  EXPECT_FALSE(result);
  values[3] = std::numeric_limits<float>::quiet_NaN();
  const Ref<Array> nan = array_of(*memory, TF_DTYPE_FLOAT32, values);
  EXPECT_EQ(cast(result, *nan, *find_dtype(TF_DTYPE_Q8_0), settings_with(memory, 1)).code, TF_STATUS_INVALID_ARGUMENT);
  expect_error("q8_0 stores finite numbers only, but element 3 is NaN as float32");
  const Ref<Array> wide = array_of(*memory, TF_DTYPE_FLOAT64, std::vector<double>(32, 1e300));
  EXPECT_EQ(cast(result, *wide, *find_dtype(TF_DTYPE_Q8_0), settings_with(memory, 1)).code, TF_STATUS_INVALID_ARGUMENT);
  expect_error("q8_0 stores finite numbers only, but element 0 is infinite as float32");
}

TEST(CastToBlocks, RefusesTypesWithoutAnEncoderAndComplexNumbers) {
  TestMemory memory;
  Ref<Array> result;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT32, std::vector<float>(256, 1));
  EXPECT_EQ(cast(result, *array, *find_dtype(TF_DTYPE_IQ1_M), settings_with(memory, 1)).code, TF_STATUS_UNSUPPORTED);
  expect_error(
      "cannot cast float32 to iq1_m, which can only be decoded: encoding it well takes an importance matrix, which "
      "only "
      "running the model gives");
  const Ref<Array> complex = array_of(*memory, TF_DTYPE_COMPLEX64, std::vector<float>(64, 1));
  EXPECT_EQ(cast(result, *complex, *find_dtype(TF_DTYPE_Q8_0), settings_with(memory, 1)).code, TF_STATUS_TYPE);
}

TEST(CastToBlocks, RefusesRowsThatAreNotWholeBlocks) {
  TestMemory memory;
  Ref<Array> result;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT32, {4, 48}, std::vector<float>(192, 1));
  EXPECT_EQ(cast(result, *array, *find_dtype(TF_DTYPE_Q8_0), settings_with(memory, 1)).code,
            TF_STATUS_INVALID_ARGUMENT);
  EXPECT_FALSE(result);
}

}  // namespace
}  // namespace tfile
