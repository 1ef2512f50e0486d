#include <gtest/gtest.h>

#include "support/gguf_builder.h"
#include "support/listed.h"
#include "support/memory.h"
#include "support/save.h"

namespace tfile {
namespace {

using namespace testing;

struct GgufSave : Save {
  GgufSave() : Save(kGgufFormat) {}
};

TEST(GgufWrite, EmptyRequest) {
  GgufSave save;
  save.metadata = Ref<Dict>();
  EXPECT_EQ(save.bytes(), GgufBuilder().build());
}

TEST(GgufWrite, NumbersOfEveryType) {
  GgufSave save;
  GgufBuilder builder;
  const auto add = [&](const std::string &key, uint32_t type, tf_dtype dtype, auto value) {
    using T = decltype(value);
    save.set(key, array_of<T>(dtype, {}, {value}));
    save.set(key + "s", array_of<T>(dtype, {2}, {value, T(1)}));
    save.set(key + " none", array_of<T>(dtype, {0}, {}));
    builder.value(key, type, builder.number(value));
    builder.value(key + "s", kArray, builder.array(type, 2, builder.number(value) + builder.number(T(1))));
    builder.value(key + " none", kArray, builder.array(type, 0, ""));
  };
  add("u8", kU8, TF_DTYPE_UINT8, uint8_t{0xFE});
  add("i8", kI8, TF_DTYPE_INT8, int8_t{-2});
  add("u16", kU16, TF_DTYPE_UINT16, uint16_t{0xFEDC});
  add("i16", kI16, TF_DTYPE_INT16, int16_t{-12345});
  add("u32", kU32, TF_DTYPE_UINT32, uint32_t{0xFEDCBA98});
  add("i32", kI32, TF_DTYPE_INT32, int32_t{-1234567890});
  add("f32", kF32, TF_DTYPE_FLOAT32, -1.17549e-38f);
  add("bool", kBool, TF_DTYPE_BOOL, uint8_t{1});
  add("u64", kU64, TF_DTYPE_UINT64, uint64_t{0xFEDCBA9876543210});
  add("i64", kI64, TF_DTYPE_INT64, int64_t{-1234567890123456789});
  add("f64", kF64, TF_DTYPE_FLOAT64, 0.1);
  EXPECT_EQ(save.bytes(), builder.build()) << save.error.message;
}

TEST(GgufWrite, Strings) {
  const std::string odd("\xFF\0\xC3", 3);
  GgufSave save;
  GgufBuilder builder;
  save.set("s", odd).set("empty", std::string()).set("l", std::vector<std::string>{odd, "", "x"});
  save.set("none", std::vector<std::string>());
  builder.value("s", kString, builder.string(odd)).value("empty", kString, builder.string(""));
  builder.value("l", kArray, builder.array(kString, 3, builder.string(odd) + builder.string("") + builder.string("x")));
  builder.value("none", kArray, builder.array(kString, 0, ""));
  EXPECT_EQ(save.bytes(), builder.build()) << save.error.message;
}

TEST(GgufWrite, DictsBecomeNestedArrays) {
  const Ref<Dict> inner = dict();
  const Ref<Dict> outer = dict();
  ASSERT_TRUE(inner->set_array("0", *array_of<uint16_t>(TF_DTYPE_UINT16, {2}, {1, 2})).ok());
  Save::fill(*inner, "1", {"x"});
  ASSERT_TRUE(outer->set_dict("0", *inner).ok());
  ASSERT_TRUE(outer->set_dict("1", *dict()).ok());
  GgufSave save;
  GgufBuilder builder;
  save.set("n", outer);
  const std::string numbers = builder.array(kU16, 2, builder.number(uint16_t{1}) + builder.number(uint16_t{2}));
  const std::string made = builder.array(kArray, 2, numbers + builder.array(kString, 1, builder.string("x")));
  builder.value("n", kArray, builder.array(kArray, 2, made + builder.array(kArray, 0, "")));
  EXPECT_EQ(save.bytes(), builder.build()) << save.error.message;
}

// Returns `levels` nested arrays.
Ref<Dict> chain(size_t levels) {
  Ref<Dict> made = dict();
  EXPECT_TRUE(made->set_array("0", *array_of<uint8_t>(TF_DTYPE_UINT8, {1}, {7})).ok());
  for (size_t i = 2; i < levels; ++i) {
    const Ref<Dict> around = dict();
    EXPECT_TRUE(around->set_dict("0", *made).ok());
    made = around;
  }
  return made;
}

TEST(GgufWrite, DictsHaveAMaximalDepth) {
  GgufSave eight;
  const std::string bytes = eight.set("n", chain(8)).bytes();
  EXPECT_TRUE(Listed(kGgufFormat, bytes).ok()) << eight.error.message;
  GgufSave nine;
  expect_refused(nine.set("n", chain(9)), TF_STATUS_UNSUPPORTED, "gguf cannot hold: 'n' (arrays nested deeper than 8)",
                 "n");
}

TEST(GgufWrite, TensorsOfEveryType) {
  const struct {
    uint32_t type;
    tf_dtype dtype;
    int64_t block;
    size_t nbytes;
  } types[] = {
      {0, TF_DTYPE_FLOAT32, 1, 4},     {1, TF_DTYPE_FLOAT16, 1, 2},     {2, TF_DTYPE_Q4_0, 32, 18},
      {3, TF_DTYPE_Q4_1, 32, 20},      {6, TF_DTYPE_Q5_0, 32, 22},      {7, TF_DTYPE_Q5_1, 32, 24},
      {8, TF_DTYPE_Q8_0, 32, 34},      {9, TF_DTYPE_Q8_1, 32, 36},      {10, TF_DTYPE_Q2_K, 256, 84},
      {11, TF_DTYPE_Q3_K, 256, 110},   {12, TF_DTYPE_Q4_K, 256, 144},   {13, TF_DTYPE_Q5_K, 256, 176},
      {14, TF_DTYPE_Q6_K, 256, 210},   {15, TF_DTYPE_Q8_K, 256, 292},   {16, TF_DTYPE_IQ2_XXS, 256, 66},
      {17, TF_DTYPE_IQ2_XS, 256, 74},  {18, TF_DTYPE_IQ3_XXS, 256, 98}, {19, TF_DTYPE_IQ1_S, 256, 50},
      {20, TF_DTYPE_IQ4_NL, 32, 18},   {21, TF_DTYPE_IQ3_S, 256, 110},  {22, TF_DTYPE_IQ2_S, 256, 82},
      {23, TF_DTYPE_IQ4_XS, 256, 136}, {24, TF_DTYPE_INT8, 1, 1},       {25, TF_DTYPE_INT16, 1, 2},
      {26, TF_DTYPE_INT32, 1, 4},      {27, TF_DTYPE_INT64, 1, 8},      {28, TF_DTYPE_FLOAT64, 1, 8},
      {29, TF_DTYPE_IQ1_M, 256, 56},   {30, TF_DTYPE_BFLOAT16, 1, 2},   {34, TF_DTYPE_TQ1_0, 256, 54},
      {35, TF_DTYPE_TQ2_0, 256, 66},   {39, TF_DTYPE_MXFP4, 32, 17},    {40, TF_DTYPE_NVFP4, 64, 36},
      {41, TF_DTYPE_Q1_0, 128, 18},    {42, TF_DTYPE_Q2_0, 64, 18},
  };
  GgufSave save;
  GgufBuilder builder;
  for (const auto &type : types) {
    std::string bytes(6 * type.nbytes, '\0');
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<char>(i * 7 + type.type);
    save.add(std::to_string(type.type), array_of_bytes(type.dtype, {3, 2 * type.block}, bytes));
    builder.tensor(std::to_string(type.type), {2 * static_cast<uint64_t>(type.block), 3}, type.type, bytes);
  }
  const std::string bytes = save.bytes();
  EXPECT_EQ(bytes, builder.build()) << save.error.message;
  const Listed found(kGgufFormat, bytes);
  ASSERT_TRUE(found.ok()) << found.error.message;
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(found.at(i).dtype->id, types[i].dtype);
}

TEST(GgufWrite, KeepsRankAndShape) {
  GgufSave save;
  GgufBuilder builder;
  save.add("scalar", array_of<float>(TF_DTYPE_FLOAT32, {}, {1}));
  save.add("ones", array_of<float>(TF_DTYPE_FLOAT32, {2, 1, 1, 1}, {1, 2}));
  save.add("empty", array_of<float>(TF_DTYPE_FLOAT32, {0, 3}, {}));
  save.add("last", array_of<float>(TF_DTYPE_FLOAT32, {1}, {3}));
  builder.tensor("scalar", {}, kGgmlF32, builder.number(1.0f));
  builder.tensor("ones", {1, 1, 1, 2}, kGgmlF32, builder.number(1.0f) + builder.number(2.0f));
  builder.tensor("empty", {3, 0}, kGgmlF32, "").tensor("last", {1}, kGgmlF32, builder.number(3.0f));
  EXPECT_EQ(save.bytes(), builder.build()) << save.error.message;
}

// Returns every second element of 1, 2, ..., 2 * count in descending order.
Ref<Array> backwards(tf_dtype dtype, int64_t count) {
  std::vector<uint16_t> values;
  for (int64_t i = 1; i <= 2 * count; ++i)
    values.push_back(static_cast<uint16_t>(i));
  const Ref<Array> all = array_of<uint16_t>(dtype, {2 * count}, values);
  const int64_t step = -2 * static_cast<int64_t>(sizeof(uint16_t));
  Ref<Array> made;
  EXPECT_TRUE(make_array(made, default_memory(), *all->dtype, Span<const int64_t>(&count, 1), &step, all->buffer,
                         all->data + all->nbytes - sizeof(uint16_t))
                  .ok());
  return made;
}

TEST(GgufWrite, StridedArraysAndMetadata) {
  GgufSave save;
  GgufBuilder builder;
  save.set("m", backwards(TF_DTYPE_UINT16, 2)).add("t", backwards(TF_DTYPE_INT16, 3));
  Ref<Array> turned;
  ASSERT_TRUE(
      transpose(turned, default_memory(), *array_of<int8_t>(TF_DTYPE_INT8, {2, 3}, {1, 2, 3, 4, 5, 6}), nullptr, 0)
          .ok());
  save.add("u", turned);
  builder.value("m", kArray, builder.array(kU16, 2, builder.number(uint16_t{4}) + builder.number(uint16_t{2})));
  builder.tensor("t", {3}, kGgmlI16,
                 builder.number(int16_t{6}) + builder.number(int16_t{4}) + builder.number(int16_t{2}));
  builder.tensor("u", {2, 3}, kGgmlI8, "\1\4\2\5\3\6");
  EXPECT_EQ(save.bytes(), builder.build()) << save.error.message;
}

TEST(GgufWrite, AlignmentOfTheMetadata) {
  for (uint32_t alignment : {1u, 8u, 64u, 4096u}) {
    // Headers of many sizes.
    for (size_t length = 0; length < 40; ++length) {
      GgufSave save;
      GgufBuilder builder;
      builder.alignment = alignment;
      const std::string text(length, 't');
      save.set("general.alignment", array_of<uint32_t>(TF_DTYPE_UINT32, {}, {alignment})).set("s", text);
      save.add("a", array_of<int8_t>(TF_DTYPE_INT8, {3}, {1, 2, 3}))
          .add("b", array_of<int8_t>(TF_DTYPE_INT8, {1}, {4}));
      builder.value("general.alignment", kU32, builder.number(alignment)).value("s", kString, builder.string(text));
      builder.tensor("a", {3}, kGgmlI8, "\1\2\3").tensor("b", {1}, kGgmlI8, "\4");
      const std::string bytes = save.bytes();
      EXPECT_EQ(bytes, builder.build()) << save.error.message;
      EXPECT_TRUE(Listed(kGgufFormat, bytes).ok());
    }
  }
}

TEST(GgufWrite, AlignmentOfTheOptionIsWritten) {
  GgufSave save;
  GgufBuilder builder;
  builder.alignment = 64;
  save.set("a", std::string("x")).add("t", array_of<int8_t>(TF_DTYPE_INT8, {1}, {1})).option(TF_OPTION_ALIGNMENT, 64);
  builder.value("a", kString, builder.string("x")).value("general.alignment", kU32, builder.number(uint32_t{64}));
  builder.tensor("t", {1}, kGgmlI8, "\1");
  EXPECT_EQ(save.bytes(), builder.build()) << save.error.message;

  GgufSave agreed;
  agreed.set("general.alignment", array_of<uint32_t>(TF_DTYPE_UINT32, {}, {64})).option(TF_OPTION_ALIGNMENT, 64);
  GgufBuilder own;
  own.alignment = 64;
  own.value("general.alignment", kU32, own.number(uint32_t{64}));
  EXPECT_EQ(agreed.bytes(), own.build()) << agreed.error.message;
}

TEST(GgufWrite, RefusesBadAlignments) {
  const auto refused = [](const Ref<Array> &value, int64_t option, const std::string &message) {
    GgufSave save;
    save.set("general.alignment", value).option(TF_OPTION_ALIGNMENT, option);
    expect_refused(save, TF_STATUS_INVALID_ARGUMENT, "key 'general.alignment': " + message, "general.alignment");
  };
  refused(array_of<uint32_t>(TF_DTYPE_UINT32, {}, {32}), 64, "32 contradicts the option (alignment), 64");
  refused(array_of<uint32_t>(TF_DTYPE_UINT32, {}, {24}), 0, "24 is not a power of two of at most 1048576");
  refused(array_of<uint32_t>(TF_DTYPE_UINT32, {}, {0}), 0, "0 is not a power of two of at most 1048576");
  refused(array_of<uint32_t>(TF_DTYPE_UINT32, {}, {1 << 21}), 0, "2097152 is not a power of two of at most 1048576");
  refused(array_of<uint32_t>(TF_DTYPE_UINT32, {1}, {32}), 0, "expected a uint32 scalar");
  refused(array_of<int64_t>(TF_DTYPE_INT64, {}, {32}), 0, "expected a uint32 scalar");
  GgufSave text;
  text.set("general.alignment", std::string("32"));
  expect_refused(text, TF_STATUS_INVALID_ARGUMENT, "key 'general.alignment': expected a uint32 scalar",
                 "general.alignment");
}

TEST(GgufWrite, RefusesDtypesRanksAndNames) {
  const auto refused = [](const std::string &name, Ref<Array> array, const std::string &message) {
    GgufSave save;
    save.add("good", array_of<int8_t>(TF_DTYPE_INT8, {1}, {1})).add(name, std::move(array));
    expect_refused(save, TF_STATUS_UNSUPPORTED, "gguf cannot hold: " + message, save.arrays[1].first);
  };
  const auto of = [](tf_dtype dtype, size_t nbytes) { return array_of_bytes(dtype, {4}, std::string(nbytes, '\0')); };
  refused("x", of(TF_DTYPE_BOOL, 4), "'x' (dtype bool)");
  refused("x", of(TF_DTYPE_UINT8, 4), "'x' (dtype uint8)");
  refused("x", of(TF_DTYPE_UINT64, 32), "'x' (dtype uint64)");
  refused("x", of(TF_DTYPE_COMPLEX64, 32), "'x' (dtype complex64)");
  refused("x", of(TF_DTYPE_FLOAT8_E4M3FN, 4), "'x' (dtype float8_e4m3fn)");
  refused("x", of(TF_DTYPE_FLOAT6_E2M3FN, 3), "'x' (dtype float6_e2m3fn)");
  refused("x", of(TF_DTYPE_FLOAT4_E2M1FN, 2), "'x' (dtype float4_e2m1fn)");
  refused("x", array_of<int8_t>(TF_DTYPE_INT8, {1, 1, 1, 1, 1}, {1}),
          "'x' (5 dimensions, at most 4 are possible; TF_OPTION_GGUF_EXTENDED permits 8)");
  const auto one = [] { return array_of<int8_t>(TF_DTYPE_INT8, {1}, {1}); };
  refused("", one(), "'' (the name is empty)");
  const std::string longName(64, 'n');
  refused(longName, one(), "'" + longName + "' (the name has 64 bytes or more; TF_OPTION_GGUF_EXTENDED permits 65535)");
  GgufSave nul;
  nul.add(std::string("a\0b", 3), one());
  EXPECT_EQ(nul.bytes(), "");
  EXPECT_NE(nul.error.message.find("(the name contains a NUL)"), std::string::npos) << nul.error.message;
  GgufSave latin;
  latin.add("\xE9", one());
  EXPECT_EQ(latin.bytes(), "");
  EXPECT_NE(latin.error.message.find("(the name is not UTF-8)"), std::string::npos) << latin.error.message;

  GgufSave good;
  good.add(std::string(63, 'n'), one()).add("\u00e9", one());
  EXPECT_NE(good.bytes(), "") << good.error.message;
}

TEST(GgufWrite, ExtendedRanksAndNames) {
  const auto of_rank = [](size_t rank) { return array_of<int8_t>(TF_DTYPE_INT8, std::vector<int64_t>(rank, 1), {1}); };
  GgufSave save;
  save.option(TF_OPTION_GGUF_EXTENDED, 1);
  save.add("eight", of_rank(8)).add(std::string(65535, 'n'), of_rank(5));
  const Listed found(kGgufFormat, save.bytes());
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(found.shape(0), std::vector<int64_t>(8, 1));
  EXPECT_EQ(found.name(1), std::string(65535, 'n'));
  GgufSave nine;
  nine.option(TF_OPTION_GGUF_EXTENDED, 1);
  nine.add("x", of_rank(9));
  expect_refused(nine, TF_STATUS_UNSUPPORTED, "gguf cannot hold: 'x' (9 dimensions, at most 8 are possible)", "x");
  GgufSave longer;
  longer.option(TF_OPTION_GGUF_EXTENDED, 1);
  longer.add(std::string(65536, 'n'), of_rank(1));
  EXPECT_EQ(longer.bytes(), "");
  EXPECT_NE(longer.error.message.find("(the name has more than 65535 bytes)"), std::string::npos)
      << longer.error.message;
}

TEST(GgufWrite, RefusesMetadata) {
  const auto refused = [](Save &save, const std::string &message, const std::string &name) {
    expect_refused(save, TF_STATUS_UNSUPPORTED, "gguf cannot hold: " + message, name);
  };
  GgufSave half;
  half.set("h", array_of<uint16_t>(TF_DTYPE_FLOAT16, {}, {0}));
  refused(half, "'h' (metadata of dtype float16)", "h");
  GgufSave brain;
  brain.set("b", array_of<uint16_t>(TF_DTYPE_BFLOAT16, {1}, {0}));
  refused(brain, "'b' (metadata of dtype bfloat16)", "b");
  GgufSave block;
  block.set("q", array_of_bytes(TF_DTYPE_Q4_0, {32}, std::string(18, 'q')));
  refused(block, "'q' (metadata of dtype q4_0)", "q");
  GgufSave matrix;
  matrix.set("m", array_of<float>(TF_DTYPE_FLOAT32, {1, 1}, {0}));
  refused(matrix, "'m' (metadata of 2 dimensions)", "m");
  GgufSave empty;
  refused(empty.set("", std::string("x")), "'' (the name is empty)", "");
  GgufSave longest;
  EXPECT_NE(longest.set(std::string(65535, 'k'), std::string("x")).bytes(), "") << longest.error.message;
  GgufSave longer;
  EXPECT_EQ(longer.set(std::string(65536, 'k'), std::string("x")).bytes(), "");
  EXPECT_NE(longer.error.message.find("(the name has more than 65535 bytes)"), std::string::npos)
      << longer.error.message;
  GgufSave latin;
  EXPECT_EQ(latin.set("\xE9", std::string("x")).bytes(), "");
  EXPECT_NE(latin.error.message.find("(the name is not UTF-8)"), std::string::npos) << latin.error.message;
}

TEST(GgufWrite, RefusesDictsThatAreNotLists) {
  const auto refused = [](const Ref<Dict> &value, const std::string &reason) {
    GgufSave save;
    expect_refused(save.set("d", value), TF_STATUS_UNSUPPORTED, "gguf cannot hold: 'd' (" + reason + ")", "d");
  };
  const Ref<Array> list = array_of<uint8_t>(TF_DTYPE_UINT8, {1}, {7});
  const Ref<Dict> named = dict();
  ASSERT_TRUE(named->set_array("0", *list).ok());
  ASSERT_TRUE(named->set_array("two", *list).ok());
  refused(named, "a dict that names element 1 'two'");
  const Ref<Dict> swapped = dict();
  ASSERT_TRUE(swapped->set_array("1", *list).ok());
  refused(swapped, "a dict that names element 0 '1'");
  const Ref<Dict> number = dict();
  ASSERT_TRUE(number->set_array("0", *array_of<uint8_t>(TF_DTYPE_UINT8, {}, {7})).ok());
  refused(number, "element 0 of a dict is not an array, a list or a dict");
  const Ref<Dict> text = dict();
  ASSERT_TRUE(text->set_string("0", "x").ok());
  refused(text, "element 0 of a dict is not an array, a list or a dict");
  const Ref<Dict> half = dict();
  ASSERT_TRUE(half->set_array("0", *array_of<uint16_t>(TF_DTYPE_FLOAT16, {1}, {0})).ok());
  refused(half, "metadata of dtype float16");
}

TEST(GgufWrite, OneErrorNamesEverything) {
  GgufSave save;
  save.add("a", array_of<uint8_t>(TF_DTYPE_UINT8, {1}, {1})).add("ok", array_of<float>(TF_DTYPE_FLOAT32, {}, {1}));
  save.add("b", array_of<uint16_t>(TF_DTYPE_UINT16, {1}, {1}));
  save.set("c", array_of<uint16_t>(TF_DTYPE_FLOAT16, {}, {0})).set("fine", std::string("x"));
  expect_refused(save, TF_STATUS_UNSUPPORTED,
                 "gguf cannot hold: 'a' (dtype uint8), 'b' (dtype uint16), 'c' (metadata of dtype float16)", "a");
}

TEST(GgufWrite, ReadsWhatItWritesWithinLimits) {
  const auto limited = [](tf_option option, int64_t limit) {
    GgufSave save;
    save.set("x", std::string("x")).set("n", chain(3)).option(option, limit);
    save.add("a", array_of<int8_t>(TF_DTYPE_INT8, {1}, {1})).add("b", array_of<int8_t>(TF_DTYPE_INT8, {1}, {2}));
    const std::string bytes = save.bytes();
    EXPECT_EQ(Listed(kGgufFormat, bytes, save.settings).ok(), save.error.status == TF_STATUS_OK);
    return save.error;
  };
  EXPECT_EQ(limited(TF_OPTION_MAX_ARRAYS, 2).status, TF_STATUS_OK);
  EXPECT_EQ(limited(TF_OPTION_MAX_ARRAYS, 1).message, "2 arrays are more than the limit (max_arrays) of 1");
  EXPECT_EQ(limited(TF_OPTION_MAX_METADATA, 4).status, TF_STATUS_OK);
  EXPECT_EQ(limited(TF_OPTION_MAX_METADATA, 3).message,
            "4 metadata values are more than the limit (max_metadata) of 3");
  EXPECT_EQ(limited(TF_OPTION_MAX_NESTING, 3).status, TF_STATUS_OK);
  EXPECT_EQ(limited(TF_OPTION_MAX_NESTING, 2).message,
            "3 levels of nested arrays are more than the limit (max_nesting) of 2");
  const size_t header = 24 + (9 + 4 + 9) + (9 + 4 + 12 + 12 + 12 + 1) + 2 * (9 + 4 + 8 + 4 + 8);
  EXPECT_EQ(limited(TF_OPTION_MAX_HEADER_BYTES, header).status, TF_STATUS_OK);
  const LastError error = limited(TF_OPTION_MAX_HEADER_BYTES, header - 1);
  EXPECT_EQ(error.status, TF_STATUS_LIMIT);
  EXPECT_EQ(error.message, "162 bytes of header are more than the limit (max_header_bytes) of 161");
}

TEST(GgufWrite, WritesWhatItReads) {
  GgufBuilder builder;
  const auto add = [&](const std::string &key, uint32_t type, auto value) {
    builder.value(key, type, builder.number(value));
    builder.value(key + "s", kArray, builder.array(type, 2, builder.number(value) + builder.number(value)));
  };
  add("u8", kU8, uint8_t{200});
  add("i8", kI8, int8_t{-7});
  add("u16", kU16, uint16_t{60000});
  add("i16", kI16, int16_t{-300});
  add("u32", kU32, uint32_t{5});
  add("i32", kI32, int32_t{5});
  add("f32", kF32, 0.1f);
  add("bool", kBool, uint8_t{1});
  add("u64", kU64, uint64_t{5});
  add("i64", kI64, int64_t{5});
  add("f64", kF64, 0.1);
  builder.value("s", kString, builder.string("text"));
  const std::string inner = builder.array(kArray, 1, builder.array(kString, 1, builder.string("x")));
  builder.value("n", kArray, builder.array(kArray, 2, inner + builder.array(kBool, 2, std::string("\0\1", 2))));
  const std::string bytes = builder.build();
  const Listed found(kGgufFormat, bytes);
  ASSERT_TRUE(found.ok()) << found.error.message;
  GgufSave save;
  save.metadata = found.listing->metadata;
  EXPECT_EQ(save.bytes(), bytes) << save.error.message;
}

TEST(GgufWrite, EveryAllocationMayFail) {
  GgufSave save;
  save.set("m", backwards(TF_DTYPE_UINT16, 2)).set("s", std::string("text"));
  save.add("t", backwards(TF_DTYPE_INT16, 3)).add("u", array_of<int8_t>(TF_DTYPE_INT8, {1}, {1}));
  fail_each_allocation([&](TestMemory &memory) {
    save.settings.set_memory(Ref<Memory>::share(&*memory));
    std::string bytes;
    const Status status = save.run(&bytes);
    save.settings.set_memory(Ref<Memory>::share(&default_memory()));
    return status;
  });
}

}  // namespace
}  // namespace tfile
