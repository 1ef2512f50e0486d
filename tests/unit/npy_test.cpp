#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "format/npy/npy.h"
#include "support/listed.h"
#include "support/loaded.h"
#include "support/memory.h"
#include "support/npy_builder.h"

namespace tfile {
namespace {

using namespace testing;

constexpr uint64_t kText = 10;  // offset of the text of a version 1 header

Listed listed(const std::string &bytes, const Settings &settings = Settings()) {
  return Listed(kNpyFormat, bytes, settings);
}

Settings with(tf_option option, int64_t value) {
  Settings settings;
  settings.set(option, value);
  return settings;
}

void expect_failure(const Listed &found, tf_status status, const std::string &message, uint64_t offset,
                    const std::string &way_out = "") {
  EXPECT_EQ(found.error.status, status) << found.error.message;
  EXPECT_EQ(found.error.message, message + " (byte " + std::to_string(offset) + ")" + way_out);
  EXPECT_EQ(found.error.offset, offset);
  EXPECT_EQ(found.error.name, "");
}

std::string golden(const std::string &name) {
  std::ifstream file(TENSORFILE_GOLDEN_DIR "/npy/" + name, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string floats(const std::vector<float> &values) {
  return little_endian(values);
}

const std::string kSix = floats({0, 1, 2, 3, 4, 5});

TEST(NpyHeader, IsReadInEveryFormThatWritersUse) {
  const std::string texts[] = {
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}\n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, )}\n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,3,)}\n",
      "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}\n",
      "{'fortran_order': False, 'shape': (2, 3), 'descr': '<f4', }\n",
      "{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
      "{\"descr\": \"<f4\", \"fortran_order\": False, 'shape': (2, 3), }\n",
      "  \t{'descr' : '<f4' ,\n 'fortran_order'\t:\r\nFalse ,\f'shape' : ( 2 , 3 ) , } \n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3l), }\n",
      "{u'descr': U'<f4', u'fortran_order': False, u\"shape\": (2, 3), }\n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (+2, 3), }\n",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } # a comment\n",
      "# a comment\n{'descr': '<f4', # another, with a } in it\n 'fortran_order': False, 'shape': (2, 3), }#",
      "{'de\\163c\\U00000072': '\\74f4', 'fortran_order': False, 'shape': (2, 3), }\n",
      "{'de\\x73cr': '\\u003cf4', 'fortran_order': False, 'shape': (2, 3), }\n",
      "{'descr': '=f4', 'fortran_order': False, 'shape': (2, 3), }\n",
      "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3), }\n",
  };
  for (const std::string &text : texts) {
    SCOPED_TRACE(text);
    for (const int major : {1, 2, 3}) {
      const Listed found = listed(npy(text, kSix, major));
      ASSERT_TRUE(found.ok()) << found.error.message;
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(found.name(0), "");
      EXPECT_EQ(found.at(0).dtype->id, TF_DTYPE_FLOAT32);
      EXPECT_EQ(found.shape(0), (std::vector<int64_t>{2, 3}));
      EXPECT_FALSE(found.at(0).fortran);
      EXPECT_FALSE(found.at(0).big_endian);
      EXPECT_EQ(found.at(0).offset, (major == 1 ? 10 : 12) + text.size());
      EXPECT_EQ(found.stored(0), kSix);
      EXPECT_EQ(found.metadata().size(), 0u);
    }
  }
}

TEST(NpyHeader, IsReadWithOrderAnywhere) {
  const std::string texts[] = {
      "{'descr': '<f4', 'shape': (2, 3), 'fortran_order': True}\n",
      "{'descr': '<f4','fortran_order': True, 'shape': (2, 3), }\n",
      "{'descr': '<f4',  'fortran_order': True, 'shape': (2, 3), }\n",
      "{'descr': '<f4', 'fortran_order':\t\nTrue, 'shape': (2, 3), }\n",
      "{'descr':'<f4','fortran_order':True,'shape':(2,3)}",
  };
  for (const std::string &text : texts) {
    SCOPED_TRACE(text);
    const Loaded loaded = load_bytes(npy(text, kSix), TF_FORMAT_NPY);
    const LoadedArray expected{"", "float32", {2, 3}, floats({0, 2, 4, 1, 3, 5})};
    EXPECT_EQ(loaded.arrays, std::vector{expected}) << loaded.message;
  }
}

TEST(NpyHeader, HasShapesOfAnyLength) {
  const std::pair<std::string, std::vector<int64_t>> shapes[] = {
      {"()", {}}, {"( )", {}}, {"(0,)", {0}}, {"(2,13)", {2, 13}}, {"(0, 4294967296)", {0, 4294967296}}};
  for (const auto &[text, shape] : shapes) {
    SCOPED_TRACE(text);
    size_t count = 1;
    for (const int64_t size : shape)
      count *= static_cast<size_t>(size);
    const Listed found = listed(npy(npy_text("|u1", text), std::string(count, 'x')));
    ASSERT_TRUE(found.ok()) << found.error.message;
    EXPECT_EQ(found.shape(0), shape);
    EXPECT_EQ(found.at(0).nbytes, count);
  }
  std::string ones = "(";
  for (int i = 0; i < 64; ++i)
    ones += "1,";
  EXPECT_EQ(listed(npy(npy_text("|u1", ones + ")"), "x")).shape(0), std::vector<int64_t>(64, 1));
}

// A header text, the part of it that is wrong, and the message.
struct Refusal {
  std::string text;
  std::string at;
  std::string message;
};

const Refusal kRefusals[] = {
    // Keys.
    {"{'descr': '<f4', 'shape': (2, 3), }\n", "}", "key 'fortran_order' is missing"},
    {"{'fortran_order': False, 'shape': (2, 3), }\n", "}", "key 'descr' is missing"},
    {"{'descr': '<f4', 'fortran_order': False}", "}", "key 'shape' is missing"},
    {"{}\n", "}", "key 'descr' is missing"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': 1}", "'x'",
     "unexpected key 'x'; the keys are descr, fortran_order and shape"},
    {"{'descr ': '<f4', 'fortran_order': False, 'shape': (2, 3), }", "'descr '",
     "unexpected key 'descr '; the keys are descr, fortran_order and shape"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), \"shape\": (3, 2)}", "\"shape\"",
     "key 'shape' occurs twice"},
    // Shape.
    {npy_text("<f4", "[2, 3]"), "[", "expected shape to be a tuple, '(', found '['"},
    {npy_text("<f4", "6"), "6", "expected shape to be a tuple, '(', found '6'"},
    {npy_text("<f4", "(6)"), "(6", "shape is an integer in parentheses, not a tuple"},
    {"{'descr': ('<f4'), 'fortran_order': False, 'shape': (2,), }\n", "('<f4",
     "descr is in parentheses, but not a tuple"},
    {npy_text("<f4", "((2, 3))"), "(2", "expected a size in shape, found '('"},
    {npy_text("<f4", "(-2, 3)"), "-2", "shape has a negative size"},
    {npy_text("<f4", "(- 2, 3)"), "- 2", "shape has a negative size"},
    {npy_text("<f4", "(True, 3)"), "True", "expected a size in shape, found 'T'"},
    {npy_text("<f4", "(2.0, 3)"), "2.0", "shape has a size that is not a plain decimal integer"},
    {npy_text("<f4", "(0x2, 3)"), "0x2", "shape has a size that is not a plain decimal integer"},
    {npy_text("<f4", "(1_0, 3)"), "1_0", "shape has a size that is not a plain decimal integer"},
    {npy_text("<f4", "(02, 3)"), "02", "shape has a size that is not a plain decimal integer"},
    {npy_text("<f4", "(2LL, 3)"), "2LL", "shape has a size that is not a plain decimal integer"},
    {npy_text("<f4", "('2', 3)"), "'2'", "expected a size in shape, found '''"},
    {npy_text("<f4", "(,)"), ",)", "expected a size in shape, found ','"},
    {npy_text("<f4", "(2,, 3)"), ", 3", "expected a size in shape, found ','"},
    {npy_text("<f4", "(2 3)"), "3)", "expected ',' or ')' in shape, found '3'"},
    {npy_text("<f4", "(9223372036854775808,)"), "9223372036854775808", "shape has a size that needs more than 63 bits"},
    {npy_text("<f4", "(99999999999999999999,)"), "99999999999999999999",
     "shape has a size that needs more than 63 bits"},
    {npy_text("|u1", "(4294967296, 4294967296)"), "(42",
     "the bytes of shape (4294967296, 4294967296) do not fit in 63 bits"},
    {npy_text("<f4", "(4611686018427387904,)"), "(46",
     "the bytes of shape (4611686018427387904,) do not fit in 63 bits"},
    {npy_text("|u1", "(0, 9223372036854775807, 2)"), "(0,",
     "the bytes of shape (0, 9223372036854775807, 2) do not fit in 63 bits"},
    // Order.
    {npy_text("<f4", "(2, 3)", "1"), "1, ", "expected fortran_order to be True or False, found '1'"},
    {npy_text("<f4", "(2, 3)", "'True'"), "'True'", "expected fortran_order to be True or False, found '''"},
    {npy_text("<f4", "(2, 3)", "true"), "true", "expected fortran_order to be True or False, found 't'"},
    {npy_text("<f4", "(2, 3)", "Truer"), "Truer", "expected fortran_order to be True or False, found 'T'"},
    // Not a dictionary literal.
    {"('<f4', False, (2, 3))\n", "(", "expected a dictionary, '{', found '('"},
    {"dict(descr='<f4', fortran_order=False, shape=(2, 3))\n", "dict", "expected a dictionary, '{', found 'd'"},
    {"({'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)})\n", "(", "expected a dictionary, '{', found '('"},
    {"\n", "", "expected a dictionary, '{', found its end"},
    {"{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3), }\n", "'fortran", "expected ',' or '}', found '''"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), ,}\n", ",}", "expected a string, found ','"},
    {"{'descr': '<f4', 'fortran_order' False, 'shape': (2, 3), }\n", "False", "expected ':', found 'F'"},
    {"{descr: '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", "descr", "expected a string, found 'd'"},
    {"{b'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", "b'", "expected a string, found 'b'"},
    {"{r'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", "r'", "expected a string, found 'r'"},
    {"{'de' 'scr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", "'de'",
     "unexpected key 'de'; the keys are descr, fortran_order and shape"},
    {"{'''descr''': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", "'''",
     "unexpected key ''; the keys are descr, fortran_order and shape"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } x\n", "x",
     "expected the end of the header, found 'x'"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), \n", "", "expected a string, found its end"},
    {"{'descr': '<f4\n", "'<f4", "a string has no end"},
    {"{'descr': '<f\n4', 'fortran_order': False, 'shape': (2, 3), }", "'<f", "a string has no end"},
    {"{'desc\\q': '<f4'}\n", "\\q",
     "a string has an escape that is not one of \\\\ \\' \\\" \\n \\r \\t \\a \\b \\f \\v \\ooo \\xHH \\uHHHH "
     "\\UHHHHHHHH"},
    {"{'desc\\U00110000': '<f4'}\n", "\\U00110000", "a string has a code point above U+10FFFF"},
    {"{'desc\\U0000d800': '<f4'}\n", "\\U0000d800", "a string has half a surrogate pair"},
    {"{'desc\\x7': '<f4'}\n", "': '<f4'", "expected a hexadecimal digit, found '''"},
    {"{'desc\\ud800': '<f4'}\n", "\\ud800", "a string has half a surrogate pair"},
    {std::string("{'descr': '<f4'\0}", 17), std::string("\0", 1), "it has a NUL"},
    {std::string("{'descr': '<f\0004'}", 17), std::string("\0", 1), "it has a NUL"},
    // Not dtypes.
    {npy_text("", "(2, 3)"), "''", "descr is not a dtype string: ''"},
    {npy_text("<", "(2, 3)"), "'<'", "descr is not a dtype string: '<'"},
    {npy_text("4", "(2, 3)"), "'4'", "descr is not a dtype string: '4'"},
    {npy_text("<f 4", "(2, 3)"), "'<f 4'", "descr is not a dtype string: '<f 4'"},
    {"{'descr': 4, 'fortran_order': False, 'shape': (2, 3), }\n", "4,", "expected a string, found '4'"},
    {"{'descr': {'a': 1}, 'fortran_order': False, 'shape': (2, 3), }\n", "{'a'", "expected a string, found '{'"},
    {"{'descr': [('a', '<f4'), 'fortran_order': False, 'shape': (2, 3), }\n", ": False",
     "expected ',' or a closing bracket, found ':'"},
    {"{'descr': [('a', '<f4'), )], 'fortran_order': False, 'shape': (2, 3), }\n", ")],",
     "expected a string, found ')'"},
    {"{'descr': [,], 'fortran_order': False, 'shape': (2, 3), }\n", ",]", "expected a value, found ','"},
    {"{'descr': [('a', f()), ], 'fortran_order': False, 'shape': (2, 3), }\n", "f(", "expected a string, found 'f'"},
};

TEST(NpyHeader, IsRefusedWithTheReasonAndOffset) {
  for (const Refusal &refusal : kRefusals) {
    SCOPED_TRACE(refusal.text);
    const size_t at = refusal.at.empty() ? refusal.text.size() : refusal.text.find(refusal.at);
    ASSERT_NE(at, std::string::npos);
    expect_failure(listed(npy(refusal.text, kSix)), TF_STATUS_CORRUPT, "npy header: " + refusal.message, kText + at);
  }
}

TEST(NpyHeader, NestsAtMost32Deep) {
  const auto nested = [](size_t depth) {
    return "{'descr': " + std::string(depth, '[') + std::string(depth, ']') +
           ", 'fortran_order': False, 'shape': (2, 3), }\n";
  };
  EXPECT_TRUE(listed(npy(nested(32), kSix)).ok());
  expect_failure(listed(npy(nested(33), kSix)), TF_STATUS_CORRUPT, "npy header: descr is nested deeper than 32",
                 kText + 10 + 32);
  expect_failure(listed(npy(nested(300000), kSix, 2)), TF_STATUS_CORRUPT, "npy header: descr is nested deeper than 32",
                 12 + 10 + 32);
}

TEST(NpyHeader, IsLatin1InVersions1And2AndUtf8InVersion3) {
  const std::string latin = "{'descr': [('\xE9', '<f4')], 'fortran_order': False, 'shape': (2, 3), }\n";
  const std::string utf8 = "{'descr': [('\xC3\xA9', '<f4')], 'fortran_order': False, 'shape': (2, 3), }\n";
  for (const int major : {1, 2}) {
    EXPECT_TRUE(listed(npy(latin, kSix, major)).ok());
    EXPECT_TRUE(listed(npy(utf8, kSix, major)).ok());
  }
  EXPECT_TRUE(listed(npy(utf8, kSix, 3)).ok());
  expect_failure(listed(npy(latin, kSix, 3)), TF_STATUS_CORRUPT,
                 "npy header: expected UTF-8, as version 3 has it, found 0xe9", 12 + 13);
  const std::string key = "{'\xE9': 1}\n";
  expect_failure(listed(npy(key, kSix)), TF_STATUS_CORRUPT,
                 "npy header: unexpected key '\xC3\xA9'; the keys are descr, fortran_order and shape", kText + 1);
}

TEST(NpyDtypes, AreKnownByTheirWholeString) {
  const std::pair<const char *, tf_dtype> single[] = {
      {"b1", TF_DTYPE_BOOL}, {"i1", TF_DTYPE_INT8}, {"u1", TF_DTYPE_UINT8}};
  for (const auto &[code, dtype] : single) {
    for (const char *const order : {"|", "<", ">", "=", ""}) {
      const Listed found = listed(npy(npy_text(std::string(order) + code, "(1,)"), "\1"));
      ASSERT_TRUE(found.ok()) << order << code << found.error.message;
      EXPECT_EQ(found.at(0).dtype->id, dtype);
      EXPECT_FALSE(found.at(0).big_endian);
    }
  }
  const std::pair<const char *, tf_dtype> several[] = {
      {"i2", TF_DTYPE_INT16},   {"i4", TF_DTYPE_INT32},     {"i8", TF_DTYPE_INT64},       {"u2", TF_DTYPE_UINT16},
      {"u4", TF_DTYPE_UINT32},  {"u8", TF_DTYPE_UINT64},    {"f2", TF_DTYPE_FLOAT16},     {"f4", TF_DTYPE_FLOAT32},
      {"f8", TF_DTYPE_FLOAT64}, {"c8", TF_DTYPE_COMPLEX64}, {"c16", TF_DTYPE_COMPLEX128}, {"V2", TF_DTYPE_BFLOAT16}};
  for (const auto &[code, dtype] : several) {
    const std::string data(find_dtype(dtype)->block_bytes, 'x');
    for (const char *const order : {"<", ">", "=", ""}) {
      const Listed found = listed(npy(npy_text(std::string(order) + code, "()"), data));
      ASSERT_TRUE(found.ok()) << order << code << found.error.message;
      EXPECT_EQ(found.at(0).dtype->id, dtype);
      EXPECT_EQ(found.at(0).big_endian, std::string(order) == ">");
    }
  }
  for (const auto &[code, dtype] : several) {
    const std::string data(find_dtype(dtype)->block_bytes, 'x');
    const Listed barred = listed(npy(npy_text(std::string("|") + code, "()"), data));
    ASSERT_TRUE(barred.ok()) << code << barred.error.message;
    EXPECT_EQ(barred.at(0).dtype->id, dtype);
    EXPECT_FALSE(barred.at(0).big_endian);
  }
}

// The result of numpy.dtype for each spelling: NumPy 2.4.6 on 64-bit Linux, with ml_dtypes imported.
const std::pair<const char *, std::vector<const char *>> kSpellings[] = {
    {"bool", {"?", "|?", ">?", "bool", "bool_"}},
    {"int8", {"b", "<b", "byte", "int8"}},
    {"int16", {"h", "<h", "short", "int16"}},
    {"int32", {"i", "=i", "intc", "int32"}},
    {"int64", {"l", "<l", "q", "p", "n", "int", "int_", "intp", "int64", "long", "longlong"}},
    {"uint8", {"B", ">B", ">u1", "ubyte", "uint8"}},
    {"uint16", {"H", "<H", "ushort", "uint16"}},
    {"uint32", {"I", "<I", "uintc", "uint32"}},
    {"uint64", {"L", "Q", "P", "N", "uint", "uintp", "uint64", "ulong", "ulonglong"}},
    {"float16", {"e", "<e", "half", "float16"}},
    {"float32", {"f", "|f", "single", "float32"}},
    {"float64", {"d", "<d", "float", "double", "float64"}},
    {"complex64", {"F", "<F", "csingle", "complex64"}},
    {"complex128", {"D", "|D", "complex", "cdouble", "complex128"}},
    {"bfloat16", {"bfloat16"}},
    {"float8_e4m3fn", {"float8_e4m3fn"}},
    {"float8_e5m2", {"float8_e5m2"}},
    {"float8_e4m3fnuz", {"float8_e4m3fnuz"}},
    {"float8_e5m2fnuz", {"float8_e5m2fnuz"}},
    {"float8_e8m0fnu", {"float8_e8m0fnu"}},
};

TEST(NpyDtypes, HaveTheSpellingsOfNumpy) {
  for (const auto &[name, spellings] : kSpellings) {
    for (const char *const spelling : spellings) {
      SCOPED_TRACE(spelling);
      const std::string data(find_dtype(tf_dtype_from_name(name))->block_bytes, '\1');
      const Listed found = listed(npy(npy_text(spelling, "()"), data));
      ASSERT_TRUE(found.ok()) << found.error.message;
      ASSERT_NE(found.at(0).dtype, nullptr);
      EXPECT_STREQ(found.at(0).dtype->name, name);
      EXPECT_FALSE(found.at(0).big_endian);
    }
  }
  const Listed big = listed(npy(npy_text(">d", "()"), "12345678"));
  EXPECT_EQ(big.at(0).dtype->id, TF_DTYPE_FLOAT64);
  EXPECT_TRUE(big.at(0).big_endian);
  // NumPy does not accept a byte order mark before a name.
  EXPECT_EQ(listed(npy(npy_text("<float32", "()"), "1234")).at(0).dtype, nullptr);
}

TEST(NpyHeader, HasTheEscapesOfPython) {
  // A structured dtype whose field has the name repr() gives for control characters and characters that do not print.
  const std::string field = "\\\\ \\' \\\" \\n \\r \\t \\a \\b \\f \\v \\x00 \\x7f \\7 \\17 \\377 \\u2028 \\U000e0001";
  const Listed found =
      listed(npy("{'descr': [('" + field + "', '<f4')], 'fortran_order': False, 'shape': (6,), }\n", kSix));
  ASSERT_TRUE(found.ok()) << found.error.message;
  EXPECT_EQ(Listed::text(found.at(0).type), "[('" + field + "', '<f4')]");
}

// Before version 3 the header is Latin-1, from then on UTF-8. The type is UTF-8 in both.
TEST(NpyHeader, HasItsTypeInUtf8) {
  const auto type_of = [](const std::string &field, int version) {
    const std::string text = "{'descr': [('" + field + "', '<f4')], 'fortran_order': False, 'shape': (6,), }\n";
    const Listed found = listed(npy(text, kSix, version));
    return found.ok() ? Listed::text(found.at(0).type) : found.error.message;
  };
  EXPECT_EQ(type_of("\xe9", 1), "[('\xc3\xa9', '<f4')]");
  EXPECT_EQ(type_of("\xe2\x82\xac", 3), "[('\xe2\x82\xac', '<f4')]");
  EXPECT_EQ(type_of(std::string(200, 'x'), 1), "a structured dtype");
}

struct UnknownDtype {
  std::string descr;  // including its quotes
  std::string reason;
  uint64_t item;  // 0: unknown
};

const UnknownDtype kUnknown[] = {
    {"'<U3'", "dtype '<U3'", 12},
    {"'|S5'", "dtype '|S5'", 5},
    {"'<M8[ns]'", "dtype '<M8[ns]'", 8},
    {"'<m8'", "dtype '<m8'", 8},
    {"'|V20'", "dtype '|V20'", 20},
    {"'|V256'", "dtype '|V256'", 256},
    {"'<V1'", "dtype '<V1'", 1},
    {"'<f1'", "dtype '<f1'", 1},
    {"'<f16'", "dtype '<f16'", 16},
    {"'<c32'", "dtype '<c32'", 32},
    {"'<g'", "dtype '<g'", 16},
    {"'longdouble'", "dtype 'longdouble'", 16},
    {"'complex256'", "dtype 'complex256'", 32},
    {"'float8_e3m4'", "dtype 'float8_e3m4'", 1},
    {"'float4_e2m1fn'", "dtype 'float4_e2m1fn'", 1},
    {"'int4'", "dtype 'int4'", 1},
    {"'Float32'", "dtype 'Float32'", 0},
    {"'object'", "Python objects (dtype '|O'), which are pickles and never loaded", 0},
    {"'|O'", "Python objects (dtype '|O'), which are pickles and never loaded", 0},
    {"'O'", "Python objects (dtype '|O'), which are pickles and never loaded", 0},
    {"[('a', '<f4'), ('b', '<i8', (2,))]", "a structured dtype", 0},
    {"[(('title', 'a'), [('x', '|u1'), ('', '|V3')])]", "a structured dtype", 0},
    {"[('a', '|O')]", "Python objects (in a structured dtype), which are pickles and never loaded", 0},
    {"('<f4', (3,))", "a subarray dtype", 0},
};

std::string unknown_file(const UnknownDtype &dtype, const std::string &data) {
  return npy("{'descr': " + dtype.descr + ", 'fortran_order': False, 'shape': (2,), }\n", data);
}

TEST(NpyDtypes, ThatAreUnknownAreListedAndNotRead) {
  for (const UnknownDtype &dtype : kUnknown) {
    SCOPED_TRACE(dtype.descr);
    const std::string data(dtype.item != 0 ? 2 * dtype.item : 7, '\x80');
    const std::string bytes = unknown_file(dtype, data);
    const Listed found = listed(bytes);
    ASSERT_TRUE(found.ok()) << found.error.message;
    EXPECT_EQ(found.at(0).dtype, nullptr);
    EXPECT_EQ(Listed::text(found.at(0).reason), dtype.reason);
    const bool quoted = dtype.descr[0] == '\'';
    EXPECT_EQ(Listed::text(found.at(0).type), quoted ? dtype.descr.substr(1, dtype.descr.size() - 2) : dtype.descr);
    EXPECT_EQ(found.shape(0), std::vector<int64_t>{2});
    EXPECT_EQ(found.at(0).nbytes, data.size());
    EXPECT_EQ(found.stored(0), data);
    const Loaded loaded = load_bytes(bytes, TF_FORMAT_NPY);
    EXPECT_EQ(loaded.status, TF_STATUS_UNSUPPORTED);
    EXPECT_NE(loaded.message.find(dtype.reason), std::string::npos) << loaded.message;
  }
}

TEST(NpyDtypes, ThatAreUnknownHaveTheSizeInTheirString) {
  for (const UnknownDtype &dtype : kUnknown) {
    if (dtype.item == 0) continue;
    SCOPED_TRACE(dtype.descr);
    const std::string bytes = unknown_file(dtype, std::string(2 * dtype.item - 1, 'x'));
    const std::string count = std::to_string(2 * dtype.item);
    expect_failure(listed(bytes), TF_STATUS_TRUNCATED,
                   "npy header: shape (2,) needs " + count + " bytes of data, " + std::to_string(2 * dtype.item - 1) +
                       " are there",
                   bytes.size());
    expect_failure(listed(bytes + "xy"), TF_STATUS_CORRUPT,
                   "1 bytes follow the array's data, and are not another npy header", bytes.size() + 1, kLenientHint);
  }
}

TEST(NpyPrefix, HasTheMagic) {
  const std::string good = npy(npy_text("<f4", "(2, 3)"), kSix);
  expect_failure(listed("\x93NUMPX" + good.substr(6)), TF_STATUS_FORMAT,
                 "npy header: expected the magic \\x93NUMPY, found 0x58 in it", 5);
  expect_failure(listed("hello"), TF_STATUS_FORMAT, "npy header: expected the magic \\x93NUMPY, found 0x68 in it", 0);
  expect_failure(listed(""), TF_STATUS_TRUNCATED, "npy header: it ends after 0 bytes, before its length", 0);
  expect_failure(listed(good.substr(0, 9)), TF_STATUS_TRUNCATED, "npy header: it ends after 9 bytes, before its length",
                 9);
}

TEST(NpyPrefix, HasTheVersion) {
  const std::string text = npy_text("<f4", "(2, 3)");
  const std::pair<int, int> versions[] = {{0, 0}, {4, 0}, {1, 1}, {2, 1}, {147, 78}};
  for (const auto &[major, minor] : versions) {
    expect_failure(
        listed(npy(text, kSix, major, minor)), TF_STATUS_UNSUPPORTED,
        "npy header: version " + std::to_string(major) + "." + std::to_string(minor) + "; 1.0, 2.0 and 3.0 are known",
        6);
  }
}

TEST(NpyPrefix, HasALengthWithinTheFileAndTheLimit) {
  std::string bytes = npy(npy_text("<f4", "(2, 3)"), kSix);
  bytes[8] = bytes[9] = '\xFF';
  expect_failure(listed(bytes), TF_STATUS_TRUNCATED,
                 "npy header: it should have 65545 bytes, the file has " + std::to_string(bytes.size()), bytes.size());
  const std::string most = npy_text("|u1", "(1,)") + std::string((1 << 20) - npy_text("|u1", "(1,)").size(), ' ');
  EXPECT_TRUE(listed(npy(most, "x", 2)).ok());
  expect_failure(listed(npy(most + " ", "x", 2)), TF_STATUS_LIMIT,
                 "npy header: it has 1048577 bytes, more than the limit (max_header_bytes) of 1048576", 8);
  EXPECT_TRUE(listed(npy(most + " ", "x", 2), with(TF_OPTION_MAX_HEADER_BYTES, 1048577)).ok());
  const std::string text = npy_text("|u1", "(1,)");
  expect_failure(
      listed(npy(text, "x"), with(TF_OPTION_MAX_HEADER_BYTES, 20)), TF_STATUS_LIMIT,
      "npy header: it has " + std::to_string(text.size()) + " bytes, more than the limit (max_header_bytes) of 20", 8);
}

TEST(NpyPrefix, CausesNoAllocation) {
  std::string huge = npy(npy_text("|u1", "(1,)"), "x", 2);
  huge.replace(8, 4, "\xFF\xFF\xFF\x7F");
  Settings settings = with(TF_OPTION_MAX_HEADER_BYTES, INT64_MAX);
  settings.set(TF_OPTION_MAX_BYTES, 65536);
  ASSERT_TRUE(settings.apply_budget().ok());
  EXPECT_EQ(listed(huge, settings).error.status, TF_STATUS_TRUNCATED);
}

TEST(NpyLimits, IncludeTheRank) {
  std::string ones;
  for (int i = 0; i < 65; ++i)
    ones += "1,";
  const std::string text = npy_text("|u1", "(" + ones + ")");
  expect_failure(listed(npy(text, "x")), TF_STATUS_LIMIT,
                 "array '': has 65 dimensions, more than the limit (max_rank) of 64", kText + text.find("(1"));
  EXPECT_EQ(listed(npy(npy_text("|u1", "(1, 1)"), "x"), with(TF_OPTION_MAX_RANK, 1)).error.status, TF_STATUS_LIMIT);
}

TEST(NpyData, MustBeComplete) {
  const std::string whole = npy(npy_text("<f4", "(2, 3)"), kSix);
  const std::string bytes = whole.substr(0, whole.size() - 1);
  expect_failure(listed(bytes), TF_STATUS_TRUNCATED, "npy header: shape (2, 3) needs 24 bytes of data, 23 are there",
                 bytes.size());
}

TEST(NpyData, MayBeFollowedByAnotherHeaderOnly) {
  const std::string one = npy(npy_text("<f4", "(2, 3)"), kSix);
  const Listed two = listed(one + one);
  EXPECT_EQ(two.stored(0), kSix);
  ASSERT_EQ(two.listing->notes.size(), 1u);
  EXPECT_EQ(Listed::text(two.listing->notes[0]),
            "another .npy follows at byte " + std::to_string(one.size()) + "; only the first array is read");
  EXPECT_EQ(listed(one).listing->notes.size(), 0u);
  for (const std::string extra : {"x", "\x93NUMP", "junkjunk"}) {
    expect_failure(listed(one + extra), TF_STATUS_CORRUPT,
                   std::to_string(extra.size()) + " bytes follow the array's data, and are not another npy header",
                   one.size(), kLenientHint);
    const Listed lenient = listed(one + extra, with(TF_OPTION_LENIENT, 1));
    ASSERT_TRUE(lenient.ok());
    EXPECT_EQ(lenient.stored(0), kSix);
    EXPECT_EQ(lenient.listing->tolerated.size(), 1u);
  }
}

TEST(NpyData, BigEndianHasEachHalfOfAComplexSwapped) {
  // The result of np.array([1+2j, 3+4j], '>c8').tobytes().
  const std::string big("\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0\x40\x80\0\0", 16);
  const LoadedArray expected{"", "complex64", {2}, floats({1, 2, 3, 4})};
  EXPECT_EQ(load_bytes(npy(npy_text(">c8", "(2,)"), big), TF_FORMAT_NPY).arrays, std::vector{expected});
}

TEST(NpyData, BoolsBecome0And1) {
  const LoadedArray expected{"", "bool", {4}, std::string("\0\1\1\1", 4)};
  EXPECT_EQ(load_bytes(npy(npy_text("|b1", "(4,)"), std::string("\0\1\2\xFF", 4)), TF_FORMAT_NPY).arrays,
            std::vector{expected});
}

TEST(NpyData, EveryPrefixIsTruncated) {
  for (const std::string &bytes : {npy(npy_text("<f4", "(2, 3)"), kSix), golden("np_version3.npy")}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      const Listed found = listed(bytes.substr(0, size));
      EXPECT_EQ(found.error.status, TF_STATUS_TRUNCATED) << size << found.error.message;
    }
  }
}

TEST(NpyData, EveryChangedByteGivesAnArrayOrAnError) {
  const std::string good = npy(npy_text("<f4", "(2, 3)"), kSix);
  for (size_t at = 0; at < good.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(value);
      const Loaded loaded = load_bytes(bytes, TF_FORMAT_NPY);
      if (loaded.status != TF_STATUS_OK) {
        EXPECT_NE(loaded.message, "");
        // Only the header can be wrong, and the error has the offset of the fault.
        EXPECT_TRUE(loaded.status == TF_STATUS_UNSUPPORTED || loaded.offset <= good.size()) << loaded.message;
        continue;
      }
      // The data are the same 24 bytes with any dtype and shape.
      ASSERT_EQ(loaded.arrays.size(), 1u);
      EXPECT_EQ(loaded.arrays[0].bytes.size(), kSix.size()) << at << " " << value;
    }
  }
}

TEST(NpyReading, TakesTwoReads) {
  for (const size_t spaces : std::initializer_list<size_t>{0, 60000}) {
    const std::string text = std::string(spaces, ' ') + npy_text("<f4", "(2, 3)");
    struct Counter {
      std::string bytes;
      int reads = 0;
    } counter{npy(text, kSix)};
    const tf_read_at_fn read = [](void *user, uint64_t offset, void *to, size_t nbytes) -> tf_status {
      auto &self = *static_cast<Counter *>(user);
      ++self.reads;
      memcpy(to, self.bytes.data() + offset, nbytes);
      return TF_STATUS_OK;
    };
    Ref<Source> source;
    ASSERT_TRUE(
        source_from_callbacks(source, default_memory(), counter.bytes.size(), false, read, nullptr, nullptr, &counter)
            .ok());
    const Listed found(kNpyFormat, source);
    ASSERT_TRUE(found.ok()) << found.error.message;
    EXPECT_EQ(counter.reads, spaces == 0 ? 1 : 2);
  }
}

TEST(NpyReading, FreesEverythingWhenAnAllocationFails) {
  const std::string bytes = npy(npy_text("<f4", "(2, 3)"), kSix);
  const std::string unknown = unknown_file(kUnknown[0], std::string(24, 'x'));
  for (const std::string &file : {bytes, unknown}) {
    fail_each_allocation([&file](TestMemory &memory) {
      Settings settings;
      settings.set_memory(Ref<Memory>::share(&*memory));
      Ref<Source> source;
      TFILE_TRY(source_from_memory(source, default_memory(), file.data(), file.size(), nullptr, nullptr));
      Listing listing(settings.memory());
      return kNpyFormat.list(listing, *source, settings);
    });
  }
}

// Writing.

std::string saved(const tf_array *array, const tf_options *options = nullptr) {
  tf_buffer *buffer = nullptr;
  EXPECT_EQ(tf_save_memory(&buffer, TF_FORMAT_NPY, array, nullptr, nullptr, options), TF_STATUS_OK)
      << tf_error_message();
  const std::string bytes(static_cast<const char *>(tf_buffer_data(buffer)), tf_buffer_size(buffer));
  tf_buffer_release(buffer);
  return bytes;
}

struct SavedHeader {
  const char *dtype;
  std::vector<int64_t> shape;
  bool fortran;
  const char *text;  // up to the closing brace
  size_t size;       // of the whole header
};

// Written by np.save of NumPy 2.4.6 (bfloat16: with ml_dtypes).
const SavedHeader kSaved[] = {
#include "data/npy_headers.inc"
};

TEST(NpyWriting, MakesTheHeaderOfNumpy) {
  for (const SavedHeader &expected : kSaved) {
    SCOPED_TRACE(expected.text);
    std::vector<int64_t> shape = expected.shape;
    if (expected.fortran) shape.assign(expected.shape.rbegin(), expected.shape.rend());
    tf_array *array = nullptr;
    ASSERT_EQ(tf_array_new(&array, tf_dtype_from_name(expected.dtype), shape.data(), shape.size()), TF_STATUS_OK);
    if (expected.fortran) {
      tf_array *const plain = array;
      ASSERT_EQ(tf_array_transpose(&array, plain, nullptr, 0), TF_STATUS_OK);
      tf_array_release(plain);
    }
    std::string header = npy(expected.text, "");
    header.resize(expected.size - 1, ' ');
    header += '\n';
    header.replace(8, 2, little(expected.size - 10, 2));
    const std::string bytes = saved(array);
    EXPECT_EQ(bytes.substr(0, expected.size), header);
    EXPECT_EQ(bytes.size() - expected.size, tf_array_nbytes(array));
    tf_array_release(array);
  }
}

TEST(NpyWriting, ReproducesNumpysFiles) {
  const char *const names[] = {"np_bool_c",
                               "np_int8_c",
                               "np_uint8_c",
                               "np_int16_c",
                               "np_uint16_c",
                               "np_int32_c",
                               "np_uint32_c",
                               "np_int64_c",
                               "np_uint64_c",
                               "np_float16_c",
                               "np_float32_c",
                               "np_float64_c",
                               "np_complex64_c",
                               "np_complex128_c",
                               "np_bfloat16_c",
                               "np_0d",
                               "np_1d",
                               "np_4d",
                               "np_8d",
                               "np_zero",
                               "np_zero2",
                               "np_strided_source",
                               "np_float32_fortran_2d",
                               "np_float32_fortran_3d",
                               "np_float32_fortran_4d",
                               "np_int16_fortran_3d",
                               "np_complex64_fortran_3d"};
  // A mapped array keeps the order of the file. Big-endian machines cannot map these files.
  CallOptions options;
  options.set(TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP);
  for (const char *const name : names) {
    SCOPED_TRACE(name);
    if (std::endian::native == std::endian::big && std::string(name).find("fortran") != std::string::npos) continue;
    const std::string path = std::string(TENSORFILE_GOLDEN_DIR "/npy/") + name + ".npy";
    tf_array *array = nullptr;
    ASSERT_EQ(tf_load(&array, nullptr, nullptr, path.c_str(), options), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(saved(array), golden(std::string(name) + ".npy"));
    tf_array_release(array);
  }
}

TEST(NpyWriting, CopiesArraysInNeitherOrder) {
  const std::vector<int32_t> values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const int64_t shape[] = {5};
  const int64_t strides[] = {-8};
  tf_array *array = nullptr;
  ASSERT_EQ(tf_array_wrap(&array, TF_DTYPE_INT32, shape, 1, strides, const_cast<int32_t *>(values.data() + 8), 8, 0,
                          nullptr, nullptr),
            TF_STATUS_OK)
      << tf_error_message();
  EXPECT_EQ(saved(array), npy_int32("5", little_endian(std::vector<int32_t>{8, 6, 4, 2, 0})));
  tf_array_release(array);
}

TEST(NpyWriting, RefusesDtypesWithoutADtypeString) {
  for (const Dtype &dtype : all_dtypes()) {
    const int64_t shape[] = {dtype.block_size};
    tf_array *array = nullptr;
    ASSERT_EQ(tf_array_new(&array, dtype.id, shape, 1), TF_STATUS_OK) << dtype.name;
    tf_buffer *buffer = nullptr;
    const tf_status status = tf_save_memory(&buffer, TF_FORMAT_NPY, array, nullptr, nullptr, nullptr);
    if (dtype.id <= TF_DTYPE_COMPLEX128) {
      EXPECT_EQ(status, TF_STATUS_OK) << dtype.name;
    } else {
      EXPECT_EQ(status, TF_STATUS_UNSUPPORTED) << dtype.name;
      EXPECT_EQ(std::string(tf_error_message()), "npy cannot hold: '' (" + std::string(dtype.name) + ")");
      EXPECT_EQ(buffer, nullptr);
    }
    tf_buffer_release(buffer);
    tf_array_release(array);
  }
}

}  // namespace
}  // namespace tfile
