#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>

#include "codec/crc32.h"
#include "support/gguf_builder.h"
#include "support/listed.h"
#include "support/memory.h"

namespace tfile {
namespace {

using namespace testing;
using Strings = std::vector<std::string>;

constexpr uint64_t kFirst = 24;  // offset of the first value, or of the first record if there are no values

std::string golden(const std::string &name) {
  std::ifstream file(TENSORFILE_GOLDEN_DIR "/gguf/" + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

Listed listed(const std::string &bytes, const Settings &settings = Settings()) {
  return Listed(kGgufFormat, bytes, settings);
}

Settings with(tf_option option, int64_t value) {
  Settings settings;
  settings.set(option, value);
  return settings;
}

void expect_ok(const Listed &found) {
  EXPECT_TRUE(found.ok()) << found.error.message;
}

void expect_error(const Listed &found, tf_status status, const std::string &text, uint64_t offset,
                  const std::string &name = "") {
  EXPECT_EQ(found.error.status, status) << found.error.message;
  EXPECT_NE(found.error.message.find(text), std::string::npos) << found.error.message;
  EXPECT_EQ(found.error.offset, offset) << found.error.message;
  EXPECT_EQ(found.error.name, name) << found.error.message;
}

std::string floats(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i)
    bytes += GgufBuilder().number(static_cast<float>(i));
  return bytes;
}

// Adds one float32 tensor (3, 2) after the values.
GgufBuilder &with_tensor(GgufBuilder &builder) {
  return builder.tensor("w", {2, 3}, kGgmlF32, floats(6));
}

struct GoldenArray {
  const char *file;
  const char *name;
  const char *dtype;
  std::vector<int64_t> shape;
  uint32_t crc32;  // of the C-contiguous little-endian bytes
};

// The arrays in the golden files, according to the manifest of their writers.
const GoldenArray kGolden[] = {
    {"py_all_plain.gguf", "w.f32", "float32", {3, 4}, 0xd5997d86},
    {"py_all_plain.gguf", "w.f16", "float16", {2, 5}, 0x13a3b5b8},
    {"py_all_plain.gguf", "w.f64", "float64", {3}, 0xaa23543c},
    {"py_all_plain.gguf", "w.i8", "int8", {5}, 0xe64f5019},
    {"py_all_plain.gguf", "w.i16", "int16", {2, 2}, 0xb7bc649e},
    {"py_all_plain.gguf", "w.i32", "int32", {2, 2, 2}, 0xba67ea6d},
    {"py_all_plain.gguf", "w.i64", "int64", {3, 1}, 0x75481f7e},
    {"py_all_plain.gguf", "one", "float32", {1}, 0x594ea8e0},
    {"py_f64_kv.gguf", "x", "float32", {1}, 0x594ea8e0},
    {"py_bf16.gguf", "x", "bfloat16", {4, 8}, 0xa1c717af},
    {"py_Q4_0.gguf", "blk.1.ffn_up.weight", "q4_0", {2, 64}, 0xbfe376e2},
    {"py_Q4_1.gguf", "blk.1.ffn_up.weight", "q4_1", {2, 64}, 0x17ad67c9},
    {"py_Q5_0.gguf", "blk.1.ffn_up.weight", "q5_0", {2, 64}, 0x0184fd2b},
    {"py_Q5_1.gguf", "blk.1.ffn_up.weight", "q5_1", {2, 64}, 0x78113cd9},
    {"py_Q8_0.gguf", "blk.1.ffn_up.weight", "q8_0", {2, 64}, 0x4f66fc9d},
    {"py_Q2_K.gguf", "blk.1.ffn_up.weight", "q2_k", {2, 512}, 0x2ff13e40},
    {"py_Q3_K.gguf", "blk.1.ffn_up.weight", "q3_k", {2, 512}, 0x09253e09},
    {"py_Q4_K.gguf", "blk.1.ffn_up.weight", "q4_k", {2, 512}, 0xae1d5747},
    {"py_Q5_K.gguf", "blk.1.ffn_up.weight", "q5_k", {2, 512}, 0x27212fa5},
    {"py_Q6_K.gguf", "blk.1.ffn_up.weight", "q6_k", {2, 512}, 0x4d2d128b},
    {"py_Q8_K.gguf", "blk.1.ffn_up.weight", "q8_k", {2, 512}, 0x3177eff8},
    {"py_IQ2_XXS.gguf", "blk.1.ffn_up.weight", "iq2_xxs", {2, 512}, 0x11dd8d80},
    {"py_IQ2_XS.gguf", "blk.1.ffn_up.weight", "iq2_xs", {2, 512}, 0x36282e43},
    {"py_IQ3_XXS.gguf", "blk.1.ffn_up.weight", "iq3_xxs", {2, 512}, 0x166ec6dc},
    {"py_IQ1_S.gguf", "blk.1.ffn_up.weight", "iq1_s", {2, 512}, 0x43f581a1},
    {"py_IQ4_NL.gguf", "blk.1.ffn_up.weight", "iq4_nl", {2, 64}, 0xd5ac98c3},
    {"py_IQ3_S.gguf", "blk.1.ffn_up.weight", "iq3_s", {2, 512}, 0x2d661bfb},
    {"py_IQ2_S.gguf", "blk.1.ffn_up.weight", "iq2_s", {2, 512}, 0x7d076446},
    {"py_IQ4_XS.gguf", "blk.1.ffn_up.weight", "iq4_xs", {2, 512}, 0xc3363acf},
    {"py_IQ1_M.gguf", "blk.1.ffn_up.weight", "iq1_m", {2, 512}, 0xbdafc8fc},
    {"py_TQ1_0.gguf", "blk.1.ffn_up.weight", "tq1_0", {2, 512}, 0x995b08ff},
    {"py_TQ2_0.gguf", "blk.1.ffn_up.weight", "tq2_0", {2, 512}, 0x9bbd08eb},
    {"py_MXFP4.gguf", "blk.1.ffn_up.weight", "mxfp4", {2, 64}, 0xd054428d},
    {"py_NVFP4.gguf", "blk.1.ffn_up.weight", "nvfp4", {2, 128}, 0x7a17766c},
    {"py_Q1_0.gguf", "blk.1.ffn_up.weight", "q1_0", {2, 256}, 0xd83a20d9},
    {"crafted_Q8_1.gguf", "q", "q8_1", {2, 64}, 0xf3df09ca},
    {"py_align8.gguf", "a", "float32", {3}, 0xeca34807},
    {"py_align8.gguf", "b", "int8", {5}, 0xb0737d77},
    {"py_align8.gguf", "c", "float16", {2, 2}, 0x5e68ad97},
    {"py_align64.gguf", "a", "float32", {3}, 0xc97b4d16},
    {"py_align64.gguf", "b", "int8", {5}, 0x422ae616},
    {"py_align64.gguf", "c", "float16", {2, 2}, 0x74e7ec0c},
    {"split-00001-of-00003.gguf", "blk.0.w", "float32", {2, 3}, 0x2fa81718},
    {"split-00001-of-00003.gguf", "blk.1.w", "float32", {2, 4}, 0x4864d2d6},
    {"split-00003-of-00003.gguf", "blk.4.w", "float32", {2, 7}, 0x5b832884},
    {"mx_basic.gguf", "w", "float32", {2, 3}, 0x1ffa0a25},
    {"mx_basic.gguf", "h", "float16", {3}, 0x5a21cbde},
    {"mx_basic.gguf", "i8", "int8", {2, 2}, 0xabb45283},
    {"mx_basic.gguf", "i16", "int16", {2}, 0x93ef5543},
    {"mx_basic.gguf", "i32", "int32", {1, 2}, 0xe7c7cc38},
    {"crafted_v2.gguf", "w", "float32", {2, 3}, 0x1ffa0a25},
    {"crafted_notail.gguf", "w", "float32", {2, 3}, 0x1ffa0a25},
    {"crafted_empty_arrays.gguf", "w", "float32", {2, 3}, 0x1ffa0a25},
    {"crafted_unknown_then_known.gguf", "a", "float32", {2, 3}, 0x1ffa0a25},
    {"crafted_unknown_then_known.gguf", "mx", "mxfp4", {32}, 0x49aca5c6},
    {"crafted_unknown_then_known.gguf", "z", "float32", {2, 3}, 0x1ffa0a25},
    {"crafted_dims5.gguf", "x", "float32", {3, 2, 1, 1, 1}, 0x1ffa0a25},
};

TEST(GgufRead, GoldenArrays) {
  std::map<std::string, size_t> seen;
  for (const GoldenArray &expected : kGolden) {
    SCOPED_TRACE(std::string(expected.file) + " " + expected.name);
    const Listed found = listed(golden(expected.file));
    ASSERT_TRUE(found.ok()) << found.error.message;
    const size_t index = found.listing->names.find(expected.name);
    ASSERT_NE(index, NameIndex::kNone);
    EXPECT_STREQ(found.at(index).dtype->name, expected.dtype);
    EXPECT_EQ(found.shape(index), expected.shape);
    EXPECT_EQ(found.at(index).nbytes, found.at(index).stored);
    EXPECT_FALSE(found.at(index).big_endian);
    const std::string bytes = found.stored(index);
    EXPECT_EQ(crc32_update(0, bytes.data(), bytes.size()), expected.crc32);
    ++seen[expected.file];
  }
  for (const auto &[file, count] : seen)
    EXPECT_EQ(listed(golden(file)).size(), count) << file;
}

TEST(GgufRead, GoldenRefusals) {
  const struct {
    const char *file;
    tf_status status;
  } cases[] = {
      {"reject_bad_magic.gguf", TF_STATUS_FORMAT},         {"reject_version0.gguf", TF_STATUS_UNSUPPORTED},
      {"reject_version4.gguf", TF_STATUS_UNSUPPORTED},     {"reject_truncated.gguf", TF_STATUS_TRUNCATED},
      {"reject_dup_key.gguf", TF_STATUS_DUPLICATE},        {"reject_dup_tensor.gguf", TF_STATUS_DUPLICATE},
      {"reject_align24.gguf", TF_STATUS_CORRUPT},          {"reject_align0.gguf", TF_STATUS_CORRUPT},
      {"reject_row_not_multiple.gguf", TF_STATUS_CORRUPT}, {"reject_kv_count_huge.gguf", TF_STATUS_TRUNCATED},
      {"reject_offset_past_eof.gguf", TF_STATUS_CORRUPT},  {"crafted_v1.gguf", TF_STATUS_UNSUPPORTED},
  };
  for (const auto &expected : cases)
    EXPECT_EQ(listed(golden(expected.file)).error.status, expected.status) << expected.file;
  for (const char *file : {"reject_removed_type4.gguf", "reject_type_oob.gguf"}) {
    const Listed found = listed(golden(file));
    ASSERT_TRUE(found.ok()) << found.error.message;
    EXPECT_EQ(found.at(0).dtype, nullptr) << file;
  }
}

TEST(GgufRead, GoldenMetadataOfEveryType) {
  const Listed found = listed(golden("py_all_plain.gguf"));
  ASSERT_TRUE(found.ok()) << found.error.message;
  const Dict &metadata = found.metadata();
  EXPECT_EQ(metadata.size(), 23u);
  EXPECT_EQ(string(metadata, "general.architecture"), "llama");
  EXPECT_EQ(scalar<uint8_t>(metadata, "t.u8", TF_DTYPE_UINT8), 200);
  EXPECT_EQ(scalar<int8_t>(metadata, "t.i8", TF_DTYPE_INT8), -5);
  EXPECT_EQ(scalar<uint16_t>(metadata, "t.u16", TF_DTYPE_UINT16), 60000);
  EXPECT_EQ(scalar<int16_t>(metadata, "t.i16", TF_DTYPE_INT16), -300);
  EXPECT_EQ(scalar<uint32_t>(metadata, "t.u32", TF_DTYPE_UINT32), 3999999999u);
  EXPECT_EQ(scalar<int32_t>(metadata, "t.i32", TF_DTYPE_INT32), -70000);
  EXPECT_EQ(scalar<float>(metadata, "t.f32", TF_DTYPE_FLOAT32), 1.5f);
  EXPECT_EQ(scalar<uint8_t>(metadata, "t.bool", TF_DTYPE_BOOL), 1);
  EXPECT_EQ(string(metadata, "t.str"), "h\u00e9llo \u65e5\u672c1");
  EXPECT_EQ(scalar<uint64_t>(metadata, "t.u64", TF_DTYPE_UINT64), 9223372036854775809u);
  EXPECT_EQ(scalar<int64_t>(metadata, "t.i64", TF_DTYPE_INT64), -4611686018427387904);
  EXPECT_EQ(list<uint8_t>(metadata, "t.a_u8", TF_DTYPE_UINT8), (std::vector<uint8_t>{1, 2, 255}));
  EXPECT_EQ(list<int8_t>(metadata, "t.a_i8", TF_DTYPE_INT8), (std::vector<int8_t>{-1, 2}));
  EXPECT_EQ(list<uint16_t>(metadata, "t.a_u16", TF_DTYPE_UINT16), (std::vector<uint16_t>{1, 65535}));
  EXPECT_EQ(list<int16_t>(metadata, "t.a_i16", TF_DTYPE_INT16), (std::vector<int16_t>{-32768}));
  EXPECT_EQ(list<int32_t>(metadata, "t.a_i32", TF_DTYPE_INT32), (std::vector<int32_t>{1, -2, 3}));
  EXPECT_EQ(list<uint32_t>(metadata, "t.a_u32", TF_DTYPE_UINT32), (std::vector<uint32_t>{7, 4294967295u}));
  EXPECT_EQ(list<float>(metadata, "t.a_f32", TF_DTYPE_FLOAT32), (std::vector<float>{0.5f, -2.25f}));
  EXPECT_EQ(list<uint8_t>(metadata, "t.a_bool", TF_DTYPE_BOOL), (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(strings(metadata, "t.a_str"), (Strings{"a", "", "ccc", "\u00e9"}));
  EXPECT_EQ(list<uint64_t>(metadata, "t.a_u64", TF_DTYPE_UINT64), (std::vector<uint64_t>{UINT64_MAX, 0}));
  EXPECT_EQ(list<int64_t>(metadata, "t.a_i64", TF_DTYPE_INT64), (std::vector<int64_t>{INT64_MIN, 5}));
}

TEST(GgufRead, Float64MetadataTakesEightBytes) {
  const Listed found = listed(golden("py_f64_kv.gguf"));
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(scalar<double>(found.metadata(), "t.f64", TF_DTYPE_FLOAT64), 0.1);
  EXPECT_EQ(list<double>(found.metadata(), "t.a_f64", TF_DTYPE_FLOAT64), (std::vector<double>{1e300, -2.5}));
  EXPECT_EQ(scalar<uint32_t>(found.metadata(), "t.after", TF_DTYPE_UINT32), 77u);
}

TEST(GgufRead, GoldenFilesOfMlx) {
  const Listed found = listed(golden("mx_basic.gguf"));
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(list<int32_t>(found.metadata(), "arr", TF_DTYPE_INT32), (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(string(found.metadata(), "s"), "text");
  EXPECT_EQ(strings(found.metadata(), "l"), (Strings{"a", "bc"}));
  EXPECT_EQ(scalar<uint32_t>(found.metadata(), "n", TF_DTYPE_UINT32), 5u);
  EXPECT_EQ(scalar<uint8_t>(found.metadata(), "flag", TF_DTYPE_BOOL), 1);
}

TEST(GgufRead, GoldenBigEndian) {
  const Listed found = listed(golden("py_bigendian.gguf"));
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(string(found.metadata(), "general.architecture"), "llama");
  EXPECT_EQ(scalar<uint32_t>(found.metadata(), "t.u32", TF_DTYPE_UINT32), 3999999999u);
  EXPECT_EQ(scalar<int32_t>(found.metadata(), "t.i32", TF_DTYPE_INT32), -70000);
  EXPECT_EQ(string(found.metadata(), "t.str"), "h\u00e9llo \u65e5\u672c1");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found.name(0), "a.weight");
  EXPECT_EQ(found.shape(0), (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(found.at(0).big_endian);
  std::string bytes = found.stored(1);
  ASSERT_TRUE(swap_bytes(*found.at(1).dtype, bytes.data(), bytes.size()));
  EXPECT_EQ(crc32_update(0, bytes.data(), bytes.size()), 0xaa49e5a1u);
}

TEST(GgufRead, GoldenWithoutTensors) {
  const Listed found = listed(golden("py_empty.gguf"));
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.size(), 0u);
  EXPECT_EQ(string(found.metadata(), "general.architecture"), "llama");
}

class GgufReadBothOrders : public ::testing::TestWithParam<bool> {
 protected:
  GgufBuilder builder{GetParam()};

  template <typename T>
  void add(const std::string &key, uint32_t type, T value) {
    builder.value(key, type, builder.number(value));
    builder.value(key + "s", kArray, builder.array(type, 2, builder.number(value) + builder.number(T(1))));
    builder.value(key + " none", kArray, builder.array(type, 0, ""));
  }
  template <typename T>
  static void check(const Listed &found, const std::string &key, tf_dtype dtype, T value) {
    SCOPED_TRACE(key);
    EXPECT_EQ(scalar<T>(found.metadata(), key.c_str(), dtype), value);
    EXPECT_EQ(list<T>(found.metadata(), (key + "s").c_str(), dtype), (std::vector<T>{value, T(1)}));
    EXPECT_EQ(list<T>(found.metadata(), (key + " none").c_str(), dtype), std::vector<T>{});
  }
};

INSTANTIATE_TEST_SUITE_P(, GgufReadBothOrders, ::testing::Bool(),
                         [](const auto &info) { return info.param ? "Big" : "Little"; });

TEST_P(GgufReadBothOrders, NumbersOfEveryType) {
  add<uint8_t>("u8", kU8, 0xFE);
  add<int8_t>("i8", kI8, -2);
  add<uint16_t>("u16", kU16, 0xFEDC);
  add<int16_t>("i16", kI16, -12345);
  add<uint32_t>("u32", kU32, 0xFEDCBA98);
  add<int32_t>("i32", kI32, -1234567890);
  add<float>("f32", kF32, -1.17549e-38f);
  add<uint8_t>("bool", kBool, 1);
  add<uint64_t>("u64", kU64, 0xFEDCBA9876543210);
  add<int64_t>("i64", kI64, -1234567890123456789);
  add<double>("f64", kF64, 0.1);
  const Listed found = listed(with_tensor(builder).build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  check<uint8_t>(found, "u8", TF_DTYPE_UINT8, 0xFE);
  check<int8_t>(found, "i8", TF_DTYPE_INT8, -2);
  check<uint16_t>(found, "u16", TF_DTYPE_UINT16, 0xFEDC);
  check<int16_t>(found, "i16", TF_DTYPE_INT16, -12345);
  check<uint32_t>(found, "u32", TF_DTYPE_UINT32, 0xFEDCBA98);
  check<int32_t>(found, "i32", TF_DTYPE_INT32, -1234567890);
  check<float>(found, "f32", TF_DTYPE_FLOAT32, -1.17549e-38f);
  check<uint8_t>(found, "bool", TF_DTYPE_BOOL, 1);
  check<uint64_t>(found, "u64", TF_DTYPE_UINT64, 0xFEDCBA9876543210);
  check<int64_t>(found, "i64", TF_DTYPE_INT64, -1234567890123456789);
  check<double>(found, "f64", TF_DTYPE_FLOAT64, 0.1);
}

TEST_P(GgufReadBothOrders, Version2) {
  builder.version = 2;
  const Listed found = listed(with_tensor(builder).build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.name(0), "w");
  EXPECT_EQ(found.shape(0), (std::vector<int64_t>{3, 2}));
  EXPECT_EQ(found.at(0).big_endian, GetParam());
}

TEST_P(GgufReadBothOrders, OtherVersionsAreRefused) {
  for (uint32_t version : {0u, 1u, 4u, 7u}) {
    builder.version = version;
    const std::string text = "gguf version " + std::to_string(version) + "; supported are 2 and 3";
    expect_error(listed(builder.build()), TF_STATUS_UNSUPPORTED, text, 4);
  }
}

TEST_P(GgufReadBothOrders, TensorsOfByteOrder) {
  builder.tensor("f", {2}, kGgmlF32, floats(2)).tensor("b", {3}, kGgmlI8, "abc");
  builder.tensor("q", {32}, kGgmlQ40, std::string(18, 'q'));
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.at(0).big_endian, GetParam());
  EXPECT_FALSE(found.at(1).big_endian);
  EXPECT_EQ(found.at(2).big_endian, GetParam());
}

TEST_P(GgufReadBothOrders, BlocksWithWidePackedUnits) {
  constexpr uint32_t kIq2Xxs = 16;
  builder.tensor("iq", {256}, kIq2Xxs, std::string(66, 'q'));
  const Listed found = listed(with_tensor(builder).build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  if (!GetParam()) {
    EXPECT_EQ(found.at(0).dtype->id, TF_DTYPE_IQ2_XXS);
    return;
  }
  EXPECT_EQ(found.at(0).dtype, nullptr);
  EXPECT_EQ(Listed::text(found.at(0).reason), "dtype 'iq2_xxs' in big-endian order");
  EXPECT_EQ(found.at(0).nbytes, 66u);
  EXPECT_FALSE(found.at(0).big_endian);
  EXPECT_EQ(found.at(1).dtype->id, TF_DTYPE_FLOAT32);
}

TEST(GgufRead, BoolsBecome0And1) {
  GgufBuilder builder;
  builder.value("two", kBool, "\x02").value("list", kArray, builder.array(kBool, 4, std::string("\0\x01\x80\xFF", 4)));
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(scalar<uint8_t>(found.metadata(), "two", TF_DTYPE_BOOL), 1);
  EXPECT_EQ(list<uint8_t>(found.metadata(), "list", TF_DTYPE_BOOL), (std::vector<uint8_t>{0, 1, 1, 1}));
}

TEST(GgufRead, NumbersKeepTheirBits) {
  GgufBuilder builder;
  builder.value("nan", kF32, builder.number(uint32_t{0x7F812345})).value("zero", kF64, builder.number(-0.0));
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(scalar<uint32_t>(found.metadata(), "nan", TF_DTYPE_FLOAT32), 0x7F812345u);
  EXPECT_TRUE(std::signbit(scalar<double>(found.metadata(), "zero", TF_DTYPE_FLOAT64)));
}

TEST(GgufRead, StringsAreBytes) {
  GgufBuilder builder;
  const std::string odd("\xFF\0\xC3", 3);
  builder.value("s", kString, builder.string(odd)).value("empty", kString, builder.string(""));
  builder.value("l", kArray, builder.array(kString, 3, builder.string(odd) + builder.string("") + builder.string("x")));
  builder.value("none", kArray, builder.array(kString, 0, ""));
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(string(found.metadata(), "s"), odd);
  EXPECT_EQ(string(found.metadata(), "empty"), "");
  EXPECT_EQ(strings(found.metadata(), "l"), (Strings{odd, "", "x"}));
  EXPECT_EQ(strings(found.metadata(), "none"), Strings{});
}

TEST(GgufRead, KeepsTheOrderOfTheFile) {
  GgufBuilder builder;
  builder.value("z", kU8, "1").value("a", kU8, "2").value("m", kU8, "3");
  builder.tensor("y", {1}, kGgmlF32, floats(1)).tensor("b", {1}, kGgmlF32, floats(1));
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(Listed::text(found.metadata().at(0).key), "z");
  EXPECT_EQ(Listed::text(found.metadata().at(1).key), "a");
  EXPECT_EQ(Listed::text(found.metadata().at(2).key), "m");
  EXPECT_EQ(found.name(0), "y");
  EXPECT_EQ(found.name(1), "b");
}

TEST(GgufRead, QuantisedTensorsKeepTheirNames) {
  GgufBuilder builder;
  builder.tensor("abcdefgh", {32}, kGgmlQ40, std::string(18, '1'));
  builder.tensor("abcdefgi", {32}, kGgmlQ40, std::string(18, '2'));
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.name(0), "abcdefgh");
  EXPECT_EQ(found.name(1), "abcdefgi");
}

// Returns `levels` nested arrays, each the only element of the one around it.
std::string nested(const GgufBuilder &builder, size_t levels) {
  std::string bytes = builder.array(kU8, 2, "ab");
  for (size_t i = 1; i < levels; ++i)
    bytes = builder.array(kArray, 1, bytes);
  return bytes;
}

TEST_P(GgufReadBothOrders, NestedArraysAreDicts) {
  const std::string numbers = builder.array(kU16, 2, builder.number(uint16_t{1}) + builder.number(uint16_t{2}));
  const std::string texts = builder.array(kString, 1, builder.string("x"));
  const std::string inner = builder.array(kArray, 2, numbers + texts);
  builder.value("n", kArray, builder.array(kArray, 3, numbers + inner + builder.array(kArray, 0, "")));
  builder.value("after", kU8, "!");
  const Listed found = listed(with_tensor(builder).build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  const DictEntry &entry = entry_of(found.metadata(), "n", TF_KIND_DICT);
  ASSERT_NE(entry.dict, nullptr);
  EXPECT_EQ(entry.dict->size(), 3u);
  EXPECT_EQ(list<uint16_t>(*entry.dict, "0", TF_DTYPE_UINT16), (std::vector<uint16_t>{1, 2}));
  const DictEntry &second = entry_of(*entry.dict, "1", TF_KIND_DICT);
  ASSERT_NE(second.dict, nullptr);
  EXPECT_EQ(list<uint16_t>(*second.dict, "0", TF_DTYPE_UINT16), (std::vector<uint16_t>{1, 2}));
  EXPECT_EQ(strings(*second.dict, "1"), Strings{"x"});
  const DictEntry &third = entry_of(*entry.dict, "2", TF_KIND_DICT);
  ASSERT_NE(third.dict, nullptr);
  EXPECT_EQ(third.dict->size(), 0u);
  EXPECT_EQ(scalar<uint8_t>(found.metadata(), "after", TF_DTYPE_UINT8), '!');
}

TEST(GgufRead, NestedArraysHaveAMaximalDepth) {
  GgufBuilder eight;
  const Listed found = listed(eight.value("n", kArray, nested(eight, 8)).build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  const Dict *dict = &found.metadata();
  const char *key = "n";
  for (size_t i = 1; i < 8; ++i, key = "0") {
    const DictEntry &entry = entry_of(*dict, key, TF_KIND_DICT);
    ASSERT_NE(entry.dict, nullptr);
    dict = entry.dict;
  }
  EXPECT_EQ(list<uint8_t>(*dict, "0", TF_DTYPE_UINT8), (std::vector<uint8_t>{'a', 'b'}));

  GgufBuilder nine;
  nine.value("n", kArray, nested(nine, 9));
  expect_error(listed(nine.build()), TF_STATUS_UNSUPPORTED, "arrays are nested deeper than 8", kFirst + 13 + 8 * 12,
               "n");
  expect_error(listed(eight.build(), with(TF_OPTION_MAX_NESTING, 7)), TF_STATUS_LIMIT, "(max_nesting) of 7",
               kFirst + 13 + 7 * 12, "n");
  expect_ok(listed(eight.build(), with(TF_OPTION_MAX_NESTING, 8)));
}

TEST(GgufRead, Magic) {
  GgufBuilder builder;
  builder.magic = "GGUX";
  expect_error(listed(builder.build()), TF_STATUS_FORMAT, "does not begin with 'GGUF'", 0);
  expect_error(listed("gg"), TF_STATUS_FORMAT, "does not begin with 'GGUF'", 0);
  expect_error(listed(""), TF_STATUS_TRUNCATED, "the file ends at 0", 0);
  expect_error(listed("GGU"), TF_STATUS_TRUNCATED, "the file ends at 3", 0);
}

TEST(GgufRead, ProbesItsMagic) {
  const auto probe = [](const char *text) {
    return kGgufFormat.probe(Bytes(reinterpret_cast<const uint8_t *>(text), strlen(text)));
  };
  EXPECT_TRUE(probe("GGUF"));
  EXPECT_TRUE(probe("GGUF\3"));
  EXPECT_FALSE(probe("GGU"));
  EXPECT_FALSE(probe("GGML\3"));
  EXPECT_FALSE(probe(""));
}

TEST(GgufRead, CountsAreBoundedByTheFile) {
  GgufBuilder tensors;
  tensors.tensor_count = uint64_t{1} << 40;
  expect_error(listed(tensors.build()), TF_STATUS_TRUNCATED,
               "1099511627776 tensors need at least 26388279066624 bytes, but only 16 follow", 8);
  tensors.tensor_count = UINT64_MAX;
  expect_error(listed(tensors.build()), TF_STATUS_CORRUPT, "18446744073709551615 tensors are more than a file can hold",
               8);
  GgufBuilder values;
  values.value_count = 2;
  expect_error(listed(values.build()), TF_STATUS_TRUNCATED, "2 metadata values need at least 26 bytes", 16);
  values.value_count = uint64_t{1} << 63;
  expect_error(listed(values.build()), TF_STATUS_CORRUPT, "metadata values are more than a file can hold", 16);
}

TEST(GgufRead, LengthsAreBoundedByTheFile) {
  GgufBuilder builder;
  const auto with_value = [](uint32_t type, const std::string &bytes) {
    GgufBuilder made;
    return listed(made.value("k", type, bytes).build());
  };
  GgufBuilder key;
  key.raw_value(key.number(uint64_t{1} << 60) + std::string(40, 'k'));
  expect_error(listed(key.build()), TF_STATUS_TRUNCATED, "1152921504606846976 bytes of a key need", kFirst);
  const uint64_t value = kFirst + 13;
  expect_error(with_value(kString, builder.number(uint64_t{1} << 62)), TF_STATUS_TRUNCATED, "bytes of a string need",
               value, "k");
  expect_error(with_value(kString, builder.number(UINT64_MAX)), TF_STATUS_CORRUPT, "more than a file can hold", value,
               "k");
  expect_error(with_value(kArray, builder.array(kF64, uint64_t{1} << 59, "")), TF_STATUS_TRUNCATED,
               "576460752303423488 elements need at least 4611686018427387904 bytes", value + 4, "k");
  expect_error(with_value(kArray, builder.array(kF64, uint64_t{1} << 60, "")), TF_STATUS_CORRUPT,
               "elements are more than a file can hold", value + 4, "k");
  expect_error(with_value(kArray, builder.array(kString, 1000, "")), TF_STATUS_TRUNCATED, "1000 strings need",
               value + 4, "k");
  expect_error(with_value(kArray, builder.array(kArray, 1000, "")), TF_STATUS_TRUNCATED, "1000 arrays need", value + 4,
               "k");
}

TEST(GgufRead, UnknownMetadataTypes) {
  GgufBuilder builder;
  GgufBuilder element;
  builder.value("k", 13, std::string(8, '\0'));
  expect_error(listed(builder.build()), TF_STATUS_CORRUPT, "no metadata type 13", kFirst + 9, "k");
  element.value("k", kArray, element.array(UINT32_MAX, 0, ""));
  expect_error(listed(element.build()), TF_STATUS_CORRUPT, "no metadata type 4294967295", kFirst + 13, "k");
}

TEST(GgufRead, Keys) {
  const auto with_key = [](const std::string &key) {
    GgufBuilder made;
    return listed(made.value(key, kU8, "x").build());
  };
  expect_error(with_key(""), TF_STATUS_CORRUPT, "a key is empty", kFirst);
  expect_error(with_key(std::string("a\0b", 3)), TF_STATUS_CORRUPT, "a key contains a NUL", kFirst + 9);
  expect_error(with_key("ab\xC3"), TF_STATUS_CORRUPT, "a key is not UTF-8", kFirst + 10);
  expect_ok(with_key("any Thing, \u65e5"));
  expect_ok(with_key(std::string(65535, 'k')));
  expect_error(with_key(std::string(65537, 'k')), TF_STATUS_LIMIT, "max_name_bytes", kFirst);
}

TEST(GgufRead, TensorNames) {
  const auto with_name = [](const std::string &name) {
    GgufBuilder made;
    return listed(made.tensor(name, {1}, kGgmlF32, floats(1)).build());
  };
  expect_error(with_name(""), TF_STATUS_CORRUPT, "a tensor's name is empty", kFirst);
  expect_error(with_name(std::string("a\0", 2)), TF_STATUS_CORRUPT, "a tensor's name contains a NUL", kFirst + 9);
  expect_error(with_name("\xED\xA0\x80"), TF_STATUS_CORRUPT, "a tensor's name is not UTF-8", kFirst + 8);
  expect_ok(with_name("../\u65e5"));
  const std::string longest(65535, 'n');
  const Listed found = with_name(longest);
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.name(0), longest);
  expect_error(with_name(std::string(65537, 'n')), TF_STATUS_LIMIT, "max_name_bytes", kFirst);
}

TEST(GgufRead, DuplicateNames) {
  GgufBuilder keys;
  keys.value("a", kU8, "x").value("b", kU8, "x").value("a", kString, keys.string(""));
  expect_error(listed(keys.build()), TF_STATUS_DUPLICATE, "key 'a': the name was used before, at byte 24", kFirst + 28,
               "a");
  GgufBuilder tensors;
  tensors.tensor("t", {1}, kGgmlF32, floats(1)).tensor("t", {1}, kGgmlF32, floats(1));
  expect_error(listed(tensors.build()), TF_STATUS_DUPLICATE, "array 't': the name was used before, at byte 24",
               kFirst + 33, "t");
  GgufBuilder both;
  both.value("t", kU8, "x").tensor("t", {1}, kGgmlF32, floats(1));
  expect_ok(listed(both.build()));
}

TEST(GgufRead, Alignment) {
  const char *const key = "general.alignment";
  const auto with_alignment = [key](uint32_t type, const std::string &bytes, uint64_t alignment = 32) {
    GgufBuilder made;
    made.alignment = alignment;
    return listed(with_tensor(made.value(key, type, bytes)).build());
  };
  const GgufBuilder little;
  for (uint32_t alignment : {1u, 2u, 4u, 8u, 32u, 64u, 4096u, 1u << 20}) {
    const Listed found = with_alignment(kU32, little.number(alignment), alignment);
    ASSERT_TRUE(found.ok()) << alignment << " " << found.error.message;
    EXPECT_EQ(found.at(0).offset % alignment, 0u);
    EXPECT_EQ(found.stored(0), floats(6));
  }
  const uint64_t type_at = kFirst + 8 + strlen(key);
  for (uint32_t alignment : {0u, 24u, 3u, 1u << 21, UINT32_MAX}) {
    expect_error(with_alignment(kU32, little.number(alignment)), TF_STATUS_CORRUPT,
                 "alignment " + std::to_string(alignment) + ", expected a power of two", type_at + 4, key);
  }
  expect_error(with_alignment(kU64, little.number(uint64_t{32})), TF_STATUS_CORRUPT,
               "metadata type 10, expected uint32", type_at, key);
  expect_error(with_alignment(kString, little.string("32")), TF_STATUS_CORRUPT, "metadata type 8, expected uint32",
               type_at, key);
}

TEST(GgufRead, AlignmentMayComeLast) {
  GgufBuilder builder;
  builder.alignment = 8;
  builder.value("a", kU8, "x").value("general.alignment", kU32, builder.number(uint32_t{8}));
  builder.tensor("a", {1}, kGgmlI8, "1").tensor("b", {1}, kGgmlI8, "2");
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.at(1).offset - found.at(0).offset, 8u);
}

TEST(GgufRead, DimensionsAreReversed) {
  GgufBuilder builder;
  builder.tensor("a", {2, 3, 4}, kGgmlI8, std::string(24, 'x')).tensor("s", {}, kGgmlF32, floats(1));
  builder.tensor("z", {5, 0}, kGgmlF32, "").tensor("e", {1, 1, 1, 1, 1, 1, 1, 1}, kGgmlI8, "x");
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.shape(0), (std::vector<int64_t>{4, 3, 2}));
  EXPECT_EQ(found.shape(1), std::vector<int64_t>{});
  EXPECT_EQ(found.at(1).nbytes, 4u);
  EXPECT_EQ(found.shape(2), (std::vector<int64_t>{0, 5}));
  EXPECT_EQ(found.at(2).nbytes, 0u);
  EXPECT_EQ(found.shape(3), std::vector<int64_t>(8, 1));
}

TEST(GgufRead, Ranks) {
  GgufBuilder nine;
  nine.tensor("t", {1, 1, 1, 1, 1, 1, 1, 1, 1}, kGgmlI8, "x");
  expect_error(listed(nine.build()), TF_STATUS_CORRUPT, "9 dimensions, at most 8", kFirst + 9, "t");
  GgufBuilder three;
  three.tensor("t", {1, 1, 1}, kGgmlI8, "x");
  expect_error(listed(three.build(), with(TF_OPTION_MAX_RANK, 2)), TF_STATUS_LIMIT, "max_rank", kFirst + 9, "t");
  GgufBuilder huge;
  huge.raw_record(huge.string("t") + huge.number(UINT32_MAX) + std::string(40, '\0'));
  expect_error(listed(huge.build()), TF_STATUS_CORRUPT, "4294967295 dimensions", kFirst + 9, "t");
}

TEST(GgufRead, SizesThatDoNotFit) {
  const auto with_dims = [](const std::vector<uint64_t> &dims) {
    GgufBuilder made;
    return listed(made.tensor("t", dims, kGgmlF32, "").build());
  };
  expect_error(with_dims({2, uint64_t{1} << 63}), TF_STATUS_CORRUPT, "dimension 9223372036854775808 is too large",
               kFirst + 21, "t");
  expect_error(with_dims({uint64_t{1} << 32, uint64_t{1} << 32}), TF_STATUS_CORRUPT,
               "(4294967296, 4294967296) has too many elements", kFirst + 9, "t");
  expect_error(with_dims({0, uint64_t{1} << 32, uint64_t{1} << 32}), TF_STATUS_CORRUPT, "has too many elements",
               kFirst + 9, "t");
  expect_error(with_dims({uint64_t{1} << 62}), TF_STATUS_CORRUPT, "has too many bytes", kFirst + 21, "t");
  expect_error(with_dims({uint64_t{1} << 60}), TF_STATUS_TRUNCATED, "but the file ends at 64", 64, "t");
}

TEST(GgufRead, TypesThatAreUnknown) {
  for (uint32_t type : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, 99u, 144u, 0x7FFFFFFFu, UINT32_MAX}) {
    GgufBuilder builder;
    builder.tensor("a", {32}, kGgmlF32, floats(32)).tensor("odd", {7, 5}, type, std::string(40, 'x'));
    builder.tensor("z", {32}, kGgmlF32, floats(32));
    const Listed found = listed(builder.build());
    ASSERT_TRUE(found.ok()) << found.error.message;
    EXPECT_EQ(found.at(1).dtype, nullptr);
    EXPECT_EQ(Listed::text(found.at(1).type), "ggml type " + std::to_string(type));
    EXPECT_EQ(Listed::text(found.at(1).reason), "unknown ggml type " + std::to_string(type));
    EXPECT_EQ(found.shape(1), (std::vector<int64_t>{5, 7}));
    // Up to the next tensor, whose offset is a multiple of the alignment.
    EXPECT_EQ(found.stored(1), std::string(40, 'x') + std::string(24, '\0'));
    EXPECT_EQ(found.at(1).nbytes, 64u);
    EXPECT_EQ(found.stored(0), floats(32));
    EXPECT_EQ(found.stored(2), floats(32));
  }
}

TEST(GgufRead, BytesOfUnknownTypesEndAtTheNextTensor) {
  // The last tensor, and the only one: up to the end of the file.
  GgufBuilder last;
  last.tensor("a", {8}, kGgmlF32, floats(8)).tensor("odd", {32}, 99, std::string(50, 'x'));
  last.tail = false;
  Listed found = listed(last.build() + "end");
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.stored(1), std::string(50, 'x') + "end");
  EXPECT_EQ(found.notes().size(), 0u);
  GgufBuilder only;
  found = listed(only.tensor("odd", {32}, 99, "x").build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.at(0).nbytes, 32u);

  // Not in the order of their records, and several of them.
  GgufBuilder mixed;
  mixed.record("second", {4}, 99, 32).record("first", {4}, 98, 0).record("known", {8}, kGgmlF32, 96);
  mixed.record("none", {0}, 97, 96).data(std::string(96, 'x') + floats(8));
  found = listed(mixed.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.at(0).nbytes, 64u);
  EXPECT_EQ(found.at(1).nbytes, 32u);
  EXPECT_EQ(found.at(3).nbytes, 0u);
  EXPECT_EQ(found.stored(2), floats(8));
}

TEST(GgufRead, UnknownTypesDoNotHideHolesAndOverlaps) {
  GgufBuilder hole;
  hole.record("a", {8}, kGgmlF32, 0).record("odd", {8}, 99, 64).data(floats(32));
  expect_error(listed(hole.build()), TF_STATUS_CORRUPT, "offset 64, expected 32", kFirst + 33, "odd");
  GgufBuilder same;
  same.record("odd", {8}, 99, 0).record("b", {8}, 98, 0).data(floats(32));
  expect_error(listed(same.build()), TF_STATUS_CORRUPT, "offset 0, where the data of another tensor begin, too",
               kFirst + 35, "b");
  GgufBuilder known;
  known.record("odd", {8}, 99, 0).record("b", {8}, kGgmlF32, 0).data(floats(32));
  expect_error(listed(known.build()), TF_STATUS_CORRUPT, "offset 0, expected 32", kFirst, "odd");
  GgufBuilder before;
  before.record("a", {16}, kGgmlF32, 0).record("odd", {8}, 99, 32).data(floats(32));
  expect_error(listed(before.build()), TF_STATUS_CORRUPT, "offset 32, expected 64", kFirst + 33, "odd");
  GgufBuilder cut;
  cut.record("a", {8}, kGgmlF32, 0).record("odd", {8}, 99, 32).data(floats(8));
  expect_error(listed(cut.build()), TF_STATUS_TRUNCATED, "but the file ends at 128", 128, "odd");
  GgufBuilder next;
  next.record("odd", {8}, 99, 0).record("z", {8}, kGgmlF32, 64).data(floats(8));
  expect_error(listed(next.build()), TF_STATUS_TRUNCATED, "but the file ends at 128", 128, "odd");
  GgufBuilder unaligned;
  unaligned.record("odd", {8}, 99, 4).data(floats(8));
  expect_error(listed(unaligned.build()), TF_STATUS_CORRUPT, "offset 4 is not a multiple", kFirst + 27, "odd");
}

TEST(GgufRead, RowsAreWholeBlocks) {
  const auto with_dims = [](const std::vector<uint64_t> &dims) {
    GgufBuilder made;
    return listed(made.tensor("q", dims, kGgmlQ40, std::string(36, 'x')).build());
  };
  expect_error(with_dims({33}), TF_STATUS_CORRUPT, "rows of 33 are not whole blocks of q4_0", kFirst + 21, "q");
  expect_error(with_dims({16, 4}), TF_STATUS_CORRUPT, "rows of 16 are not whole blocks of q4_0", kFirst + 29, "q");
  expect_error(with_dims({}), TF_STATUS_CORRUPT, "rows of 1 are not whole blocks of q4_0", kFirst + 13, "q");
  expect_ok(with_dims({32, 2}));
}

TEST(GgufRead, Offsets) {
  const auto second_at = [](uint64_t offset) {
    GgufBuilder made;
    made.record("a", {8}, kGgmlF32, 0).record("b", {8}, kGgmlF32, offset).data(floats(16));
    return listed(made.build());
  };
  const uint64_t record = kFirst + 33;
  expect_ok(second_at(32));
  expect_error(second_at(4), TF_STATUS_CORRUPT, "offset 4 is not a multiple of the alignment, 32", record + 25, "b");
  expect_error(second_at(0), TF_STATUS_CORRUPT, "offset 0, expected 32: the data must have neither holes nor overlaps",
               record, "b");
  expect_error(second_at(64), TF_STATUS_CORRUPT, "offset 64, expected 32", record, "b");
  expect_error(second_at(uint64_t{1} << 40), TF_STATUS_CORRUPT, "offset 1099511627776, expected 32", record, "b");
  expect_error(second_at(INT64_MAX - 31), TF_STATUS_CORRUPT, "offset 9223372036854775776 is too large", record + 25,
               "b");
  expect_error(second_at(UINT64_MAX - 31), TF_STATUS_CORRUPT, "is too large", record + 25, "b");
}

TEST(GgufRead, TensorsInAnyOrder) {
  GgufBuilder builder;
  builder.record("c", {2}, kGgmlF32, 96).record("none", {0}, kGgmlF32, 32).record("a", {8}, kGgmlF32, 0);
  builder.record("b", {10}, kGgmlF32, 32).data(floats(26));
  const Listed found = listed(builder.build());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.name(0), "c");
  EXPECT_EQ(found.stored(0), floats(26).substr(96, 8));
  EXPECT_EQ(found.name(2), "a");
  EXPECT_EQ(found.stored(2), floats(8));

  GgufBuilder hole;
  hole.record("b", {8}, kGgmlF32, 64).record("a", {8}, kGgmlF32, 0).data(floats(24));
  expect_error(listed(hole.build()), TF_STATUS_CORRUPT, "offset 64, expected 32", kFirst, "b");
  GgufBuilder overlap;
  overlap.record("b", {8}, kGgmlF32, 32).record("a", {9}, kGgmlF32, 0).data(floats(24));
  expect_error(listed(overlap.build()), TF_STATUS_CORRUPT, "offset 32, expected 64", kFirst, "b");
  GgufBuilder late;
  late.record("a", {8}, kGgmlF32, 32).data(floats(16));
  expect_error(listed(late.build()), TF_STATUS_CORRUPT, "offset 32, expected 0", kFirst, "a");
}

TEST(GgufRead, EndOfTheFile) {
  GgufBuilder builder;
  const std::string bytes = with_tensor(builder).build();
  ASSERT_EQ(bytes.size(), 96u + 32);
  const size_t end = 96 + 24;
  expect_ok(listed(bytes.substr(0, end)));
  expect_ok(listed(bytes.substr(0, end + 3)));
  expect_error(listed(bytes.substr(0, end - 1)), TF_STATUS_TRUNCATED,
               "array 'w': the data are bytes 96 to 120, but the file ends at 119", 119, "w");
  // Signatures are appended to files.
  EXPECT_EQ(listed(bytes).notes().size(), 0u);
  EXPECT_EQ(listed(bytes + "x").notes(),
            (std::vector<std::string>{"1 byte follows the last tensor, from byte 128 on"}));
  EXPECT_EQ(listed(bytes + std::string(1000, 's')).notes(),
            (std::vector<std::string>{"1000 bytes follow the last tensor, from byte 128 on"}));
}

TEST(GgufRead, TruncationNamesTheFirstIncompleteTensor) {
  GgufBuilder builder;
  builder.record("b", {8}, kGgmlF32, 32).record("a", {8}, kGgmlF32, 0);
  const std::string header = builder.build();
  ASSERT_EQ(header.size(), 96u);
  expect_error(listed(header + floats(4)), TF_STATUS_TRUNCATED, "bytes 128 to 160", 112, "b");
  expect_error(listed(header + floats(4), with(TF_OPTION_LENIENT, 1)), TF_STATUS_TRUNCATED, "bytes 128 to 160", 112,
               "b");
}

TEST(GgufRead, WithoutTensorsThePaddingMayBeMissing) {
  GgufBuilder builder;
  builder.value("k", kU8, "x");
  const std::string header = builder.header();
  expect_ok(listed(header));
  expect_ok(listed(header + std::string(64 - header.size(), '\0')));
  EXPECT_EQ(listed(header + std::string(66 - header.size(), '\0')).notes(),
            (std::vector<std::string>{"2 bytes follow the metadata, from byte 64 on"}));
}

TEST(GgufRead, PaddingIsIgnored) {
  GgufBuilder builder;
  std::string bytes = builder.tensor("a", {1}, kGgmlI8, "x").tensor("b", {1}, kGgmlI8, "y").build();
  for (size_t i = builder.header().size(); i < bytes.size(); ++i) {
    if (bytes[i] == '\0') bytes[i] = '?';
  }
  const Listed found = listed(bytes);
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.stored(0), "x");
  EXPECT_EQ(found.stored(1), "y");
}

TEST(GgufRead, Limits) {
  GgufBuilder builder;
  builder.value("k", kU8, "x").value("n", kArray, builder.array(kArray, 2, nested(builder, 1) + nested(builder, 1)));
  builder.tensor("a", {1}, kGgmlI8, "x").tensor("b", {1}, kGgmlI8, "y");
  const std::string bytes = builder.build();
  expect_error(listed(bytes, with(TF_OPTION_MAX_ARRAYS, 1)), TF_STATUS_LIMIT,
               "2 arrays are more than the limit (max_arrays) of 1", 8);
  expect_ok(listed(bytes, with(TF_OPTION_MAX_ARRAYS, 2)));
  expect_error(listed(bytes, with(TF_OPTION_MAX_METADATA, 1)), TF_STATUS_LIMIT,
               "2 metadata values are more than the limit (max_metadata) of 1", 16);
  expect_error(listed(bytes, with(TF_OPTION_MAX_METADATA, 3)), TF_STATUS_LIMIT,
               "4 metadata values are more than the limit (max_metadata) of 3", kFirst + 14 + 13, "n");
  expect_ok(listed(bytes, with(TF_OPTION_MAX_METADATA, 4)));
  const auto header = static_cast<int64_t>(builder.header().size());
  expect_error(listed(bytes, with(TF_OPTION_MAX_HEADER_BYTES, header - 1)), TF_STATUS_LIMIT, "max_header_bytes",
               static_cast<uint64_t>(header) - 8, "b");
  expect_ok(listed(bytes, with(TF_OPTION_MAX_HEADER_BYTES, header)));
}

TEST(GgufRead, ImpossibleCountsAreNotALimit) {
  GgufBuilder builder;
  builder.tensor_count = 5000000;
  expect_error(listed(builder.build()), TF_STATUS_TRUNCATED, "5000000 tensors need", 8);
}

TEST(GgufRead, EveryPrefixIsTruncated) {
  GgufBuilder builder;
  builder.value("s", kString, builder.string("text")).value("n", kArray, nested(builder, 3));
  builder.value("l", kArray, builder.array(kString, 2, builder.string("a") + builder.string("b")));
  builder.value("general.alignment", kU32, builder.number(uint32_t{32}));
  with_tensor(builder).tensor("q", {32}, kGgmlQ40, std::string(18, 'q'));
  const std::string bytes = builder.build();
  const size_t end = bytes.size() - 14;  // of the last tensor's data
  for (size_t size = 0; size < end; ++size) {
    const Listed found = listed(bytes.substr(0, size));
    EXPECT_EQ(found.error.status, TF_STATUS_TRUNCATED) << size << " " << found.error.message;
    EXPECT_LE(found.error.offset, size);
  }
  for (size_t size = end; size <= bytes.size(); ++size)
    expect_ok(listed(bytes.substr(0, size)));
}

// Changes each byte of a valid file. The result is a listing whose members are inside the file, or an error with a
// reason.
TEST_P(GgufReadBothOrders, EveryByteChanged) {
  builder.value("s", kString, builder.string("t")).value("n", kArray, nested(builder, 2));
  builder.value("l", kArray, builder.array(kString, 1, builder.string("a")));
  builder.value("general.alignment", kU32, builder.number(uint32_t{32}));
  builder.tensor("w", {2, 1}, kGgmlF32, floats(2)).tensor("q", {32}, kGgmlQ40, std::string(18, 'q'));
  const std::string good = builder.build();
  size_t accepted = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (int change = 1; change < 256; ++change) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ change);
      const Listed found = listed(bytes);
      if (!found.ok()) {
        EXPECT_FALSE(found.error.message.empty());
        EXPECT_LE(found.error.offset, bytes.size()) << found.error.message;
        EXPECT_GE(found.error.status, TF_STATUS_DUPLICATE) << found.error.message;
        EXPECT_LE(found.error.status, TF_STATUS_LIMIT) << found.error.message;
        continue;
      }
      ++accepted;
      for (size_t m = 0; m < found.size(); ++m)
        ASSERT_TRUE(Checked::within(found.at(m).offset, found.at(m).stored, bytes.size())) << i;
    }
  }
  // At least the data and the padding can change, and the contents of names and numbers.
  EXPECT_GT(accepted, 255u * 50);
}

// A source with callbacks that counts its reads.
struct CountingSource {
  const std::string &bytes;
  std::vector<uint64_t> reads;

  static tf_status read(void *user, uint64_t offset, void *dst, size_t nbytes) {
    auto &self = *static_cast<CountingSource *>(user);
    self.reads.push_back(nbytes);
    memcpy(dst, self.bytes.data() + offset, nbytes);
    return TF_STATUS_OK;
  }
};

std::string tokens(size_t count) {
  GgufBuilder builder;
  std::string texts;
  for (size_t i = 0; i < count; ++i)
    texts += builder.string("token " + std::to_string(i));
  builder.value("tokenizer.ggml.tokens", kArray, builder.array(kString, count, texts));
  return with_tensor(builder).build();
}

TEST(GgufRead, FewReads) {
  const auto reads = [](const std::string &bytes) {
    CountingSource counting{bytes, {}};
    Ref<Source> source;
    EXPECT_TRUE(source_from_callbacks(source, default_memory(), bytes.size(), false, CountingSource::read, nullptr,
                                      nullptr, &counting)
                    .ok());
    expect_ok(Listed(kGgufFormat, source));
    return counting.reads;
  };
  const uint64_t unit = uint64_t{1} << 16;
  const std::string small = tokens(10) + std::string();
  EXPECT_EQ(reads(small), (std::vector<uint64_t>{small.size()}));
  const std::string middle = tokens(50000);
  ASSERT_GT(middle.size(), 4 * unit);
  ASSERT_LT(middle.size(), 16 * unit);
  EXPECT_EQ(reads(middle), (std::vector<uint64_t>{unit, 3 * unit, middle.size() - 4 * unit}));
  const std::string large = tokens(150000);
  ASSERT_GT(large.size(), 32 * unit);
  EXPECT_EQ(reads(large).size(), 3 + (large.size() - 1) / (16 * unit));
}

TEST(GgufRead, ManyStrings) {
  const Listed found = listed(tokens(150000));
  ASSERT_TRUE(found.ok()) << found.error.message;
  const StringList &list = *entry_of(found.metadata(), "tokenizer.ggml.tokens", TF_KIND_STRING_LIST).list;
  ASSERT_EQ(list.size(), 150000u);
  EXPECT_EQ(Listed::text(list.at(0)), "token 0");
  EXPECT_EQ(Listed::text(list.at(149999)), "token 149999");
}

size_t peak_of(const std::string &bytes, tf_status expected) {
  TestMemory allocator;
  Settings settings;
  settings.set_memory(Ref<Memory>::share(&*allocator));
  const Listed found = listed(bytes, settings);
  EXPECT_EQ(found.error.status, expected) << found.error.message;
  return static_cast<size_t>(allocator.peak());
}

TEST(GgufRead, RefusingNeedsLittleMemory) {
  constexpr size_t kMiB = size_t{1} << 20;
  // Many small things of each kind, followed by an error.
  GgufBuilder values;
  GgufBuilder tensors;
  GgufBuilder arrays;
  std::string lists;
  for (uint32_t i = 0; i < 200000; ++i) {
    const std::string name = std::to_string(i);
    values.value(name, kU8, "x");
    tensors.record(name, {}, kGgmlI8, i * 32);
    lists += arrays.array(kU8, 0, "");
  }
  values.value("bad", 99, "");
  tensors.record("bad", {}, 99, 0);
  arrays.value("lists", kArray, arrays.array(kArray, 200000, lists)).value("bad", 99, "");
  const GgufBuilder *const made[] = {&values, &tensors, &arrays};
  for (const GgufBuilder *builder : made) {
    const std::string bytes = builder->header();
    EXPECT_LE(peak_of(bytes, TF_STATUS_CORRUPT), 4 * bytes.size() + kMiB);
  }
  // A small header with large counts, in a large file.
  GgufBuilder claims;
  claims.value("s", kArray, claims.array(kString, 500000, std::string(8 * 10, '\0') + claims.number(UINT64_MAX)));
  EXPECT_LE(peak_of(claims.header() + std::string(8 * kMiB, 'x'), TF_STATUS_CORRUPT), kMiB);
  GgufBuilder counts;
  counts.tensor_count = 100000;
  counts.value_count = 100000;
  EXPECT_LE(peak_of(counts.header() + std::string(8 * kMiB, '\0'), TF_STATUS_CORRUPT), kMiB);
}

TEST(GgufRead, EveryAllocationMayFail) {
  GgufBuilder builder;
  builder.value("s", kString, builder.string("text")).value("n", kArray, nested(builder, 3));
  builder.value("l", kArray, builder.array(kString, 1, builder.string("a"))).value("x", kU8, "x");
  builder.record("b", {8}, kGgmlF32, 32).record("a", {8}, kGgmlF32, 0).data(floats(16));
  const std::string bytes = builder.build();
  fail_each_allocation([&](TestMemory &memory) {
    Settings settings;
    settings.set_memory(Ref<Memory>::share(&*memory));
    return Status{listed(bytes, settings).error.status};
  });
}

TEST(GgufRead, ReturnsTheStatusOfTheSource) {
  Ref<Source> source;
  const auto fail = [](void *, uint64_t, void *, size_t) -> tf_status { return TF_STATUS_IO; };
  ASSERT_TRUE(source_from_callbacks(source, default_memory(), 100, false, fail, nullptr, nullptr, nullptr).ok());
  EXPECT_EQ(Listed(kGgufFormat, source).error.status, TF_STATUS_IO);
}

}  // namespace
}  // namespace tfile
