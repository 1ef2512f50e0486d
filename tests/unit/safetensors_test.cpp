#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/endian.h"
#include "support/foreign.h"
#include "support/listed.h"
#include "support/memory.h"

namespace tfile {
namespace {

using namespace testing;

std::string le64(uint64_t number) {
  char bytes[8];
  store_le(bytes, number);
  return std::string(bytes, sizeof(bytes));
}

std::string file_of(const std::string &header, const std::string &data = "") {
  return le64(header.size()) + header + data;
}

// Returns a file of one array `a`, whose entry has these fields.
std::string one(const std::string &fields, size_t data = 16) {
  return file_of("{\"a\":{" + fields + "}}", std::string(data, 'x'));
}

const std::string kGood = R"("dtype":"F32","shape":[4],"data_offsets":[0,16])";

Listed listed(const std::string &file, const Settings &settings = Settings()) {
  return Listed(kSafetensorsFormat, file, settings);
}

Settings with(tf_option option, int64_t value) {
  Settings settings;
  settings.set(option, value);
  return settings;
}

std::vector<std::string> names(const Listed &found) {
  std::vector<std::string> names;
  for (size_t i = 0; i < found.size(); ++i)
    names.push_back(found.name(i));
  return names;
}

void expect_good(const std::string &file) {
  const Listed found = listed(file);
  EXPECT_EQ(found.error.status, TF_STATUS_OK) << file << ": " << found.error.message;
}

struct Refusal {
  tf_status status;
  std::string name;
  uint64_t offset;
  std::string message;  // without the byte offset
  std::string way_out = "";
};

void expect_refused(const std::string &file, const Refusal &refusal, const Settings &settings = Settings()) {
  const Listed found = listed(file, settings);
  EXPECT_EQ(found.error.status, refusal.status) << file << ": " << found.error.message;
  EXPECT_EQ(found.error.name, refusal.name) << file;
  EXPECT_EQ(found.error.offset, refusal.offset) << file;
  EXPECT_EQ(found.error.message, refusal.message + " (byte " + std::to_string(refusal.offset) + ")" + refusal.way_out)
      << file;
  EXPECT_EQ(found.size(), 0u);
  EXPECT_EQ(found.metadata().size(), 0u);
}

// Expects an error about the entry of `a`, at the first occurrence of `token` in the file.
void expect_entry_refused(const std::string &fields, const std::string &token, const std::string &message,
                          tf_status status = TF_STATUS_CORRUPT) {
  const std::string file = one(fields);
  expect_refused(file, {status, "a", file.find(token, 8), "array 'a': " + message});
}

std::string entry(const std::string &name, size_t begin, size_t end) {
  return "\"" + name + R"(":{"dtype":"U8","shape":[)" + std::to_string(end - begin) + R"(],"data_offsets":[)" +
         std::to_string(begin) + "," + std::to_string(end) + "]}";
}

TEST(SafetensorsRead, FindsArraysAndMetadata) {
  const std::string header =
      R"({"__metadata__":{"format":"pt","k\u00e9y":"a\nb","":""},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("b\ud83d\ude00":{"shape":[],"data_offsets":[24,26],"dtype":"BF16"}})";
  const Listed found = listed(file_of(header, std::string(26, 'd')));
  ASSERT_EQ(found.error.status, TF_STATUS_OK) << found.error.message;
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(names(found), (std::vector<std::string>{"w", "b\U0001F600"}));
  EXPECT_EQ(found.at(0).dtype->id, TF_DTYPE_FLOAT32);
  EXPECT_EQ(found.shape(0), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(found.at(0).nbytes, 24u);
  EXPECT_EQ(found.at(0).stored, 24u);
  EXPECT_EQ(found.at(0).offset, 8 + header.size());
  EXPECT_FALSE(found.at(0).big_endian || found.at(0).fortran || found.at(0).deflated || found.at(0).has_crc);
  EXPECT_EQ(found.at(1).dtype->id, TF_DTYPE_BFLOAT16);
  EXPECT_EQ(found.shape(1), std::vector<int64_t>());
  EXPECT_EQ(found.at(1).nbytes, 2u);
  EXPECT_EQ(found.at(1).offset, 8 + header.size() + 24);
  EXPECT_EQ(found.listing->names.find("b\U0001F600"), 1u);
  const Dict &metadata = found.metadata();
  ASSERT_EQ(metadata.size(), 3u);
  EXPECT_EQ(Listed::text(metadata.at(0).key), "format");
  EXPECT_EQ(string(metadata, "format"), "pt");
  EXPECT_EQ(Listed::text(metadata.at(1).key), "k\u00e9y");
  EXPECT_EQ(string(metadata, "k\u00e9y"), "a\nb");
  EXPECT_EQ(Listed::text(metadata.at(2).key), "");
  EXPECT_EQ(string(metadata, ""), "");
}

TEST(SafetensorsRead, ListsInTheOrderOfTheData) {
  const Listed found = listed(file_of("{" + entry("z", 4, 6) + "," + entry("e2", 4, 4) + "," + entry("y", 0, 4) + "," +
                                          entry("e1", 4, 4) + "," + entry("x", 6, 7) + "}",
                                      "0123456"));
  ASSERT_EQ(found.error.status, TF_STATUS_OK) << found.error.message;
  EXPECT_EQ(names(found), (std::vector<std::string>{"y", "e2", "e1", "z", "x"}));
  EXPECT_EQ(found.stored(0), "0123");
  EXPECT_EQ(found.stored(3), "45");
  EXPECT_EQ(found.stored(4), "6");
}

TEST(SafetensorsRead, KnowsEveryDtype) {
  const std::vector<std::pair<std::string, tf_dtype>> dtypes = {
      {"BOOL", TF_DTYPE_BOOL},
      {"F4", TF_DTYPE_FLOAT4_E2M1FN},
      {"F6_E2M3", TF_DTYPE_FLOAT6_E2M3FN},
      {"F6_E3M2", TF_DTYPE_FLOAT6_E3M2FN},
      {"U8", TF_DTYPE_UINT8},
      {"I8", TF_DTYPE_INT8},
      {"F8_E5M2", TF_DTYPE_FLOAT8_E5M2},
      {"F8_E4M3", TF_DTYPE_FLOAT8_E4M3FN},
      {"F8_E8M0", TF_DTYPE_FLOAT8_E8M0FNU},
      {"F8_E4M3FNUZ", TF_DTYPE_FLOAT8_E4M3FNUZ},
      {"F8_E5M2FNUZ", TF_DTYPE_FLOAT8_E5M2FNUZ},
      {"I16", TF_DTYPE_INT16},
      {"U16", TF_DTYPE_UINT16},
      {"F16", TF_DTYPE_FLOAT16},
      {"BF16", TF_DTYPE_BFLOAT16},
      {"I32", TF_DTYPE_INT32},
      {"U32", TF_DTYPE_UINT32},
      {"F32", TF_DTYPE_FLOAT32},
      {"C64", TF_DTYPE_COMPLEX64},
      {"F64", TF_DTYPE_FLOAT64},
      {"I64", TF_DTYPE_INT64},
      {"U64", TF_DTYPE_UINT64},
  };
  for (const auto &[text, id] : dtypes) {
    const size_t nbytes = 8 * find_dtype(id)->bits / 8;
    const std::string size = std::to_string(nbytes);
    const Listed found =
        listed(one("\"dtype\":\"" + text + "\",\"shape\":[2,4],\"data_offsets\":[0," + size + "]", nbytes));
    ASSERT_EQ(found.error.status, TF_STATUS_OK) << text << found.error.message;
    ASSERT_NE(found.at(0).dtype, nullptr) << text;
    EXPECT_EQ(found.at(0).dtype->id, id) << text;
    EXPECT_EQ(found.at(0).nbytes, nbytes) << text;
  }
}

// The dtype is unknown but the extent of the data is not, so the other arrays can be read.
TEST(SafetensorsRead, ListsArraysOfUnknownDtypes) {
  for (const std::string dtype : {"F5", "f32", "F8_E4M3FN", "C128", "", "F32 "}) {
    const Listed found = listed(
        file_of("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":[7],\"data_offsets\":[0,5]}," + entry("b", 5, 6) + "}",
                "aaaaab"));
    ASSERT_EQ(found.error.status, TF_STATUS_OK) << dtype << found.error.message;
    EXPECT_EQ(found.at(0).dtype, nullptr);
    EXPECT_EQ(Listed::text(found.at(0).type), dtype);
    EXPECT_EQ(Listed::text(found.at(0).reason), "dtype '" + dtype + "'");
    EXPECT_EQ(found.at(0).nbytes, 5u);
    EXPECT_EQ(found.at(0).stored, 5u);
    EXPECT_EQ(found.shape(0), (std::vector<int64_t>{7}));
    EXPECT_EQ(found.stored(1), "b");
  }
  const Listed found = listed(one(R"("dtype":")" + std::string(1000, 'F') + R"(","shape":[],"data_offsets":[0,0])", 0));
  ASSERT_EQ(found.error.status, TF_STATUS_OK);
  EXPECT_EQ(Listed::text(found.at(0).reason), "dtype '" + std::string(48, 'F') + "'");
}

TEST(SafetensorsRead, AcceptsWhatWritersMake) {
  for (const std::string header :
       {"{}", "  {}", "\t\r\n {}  \n", "{}\t", "{\"__metadata__\":null}", "{\"__metadata__\":{}}",
        "{\"\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[0,9223372036854775807],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0],\"more\":[{\"x\":1.5e3},null,\"y\"]}}",
        "{\"a\":{\"\\u0064type\":\"F\\u00332\",\"sh\\u0061pe\":[0],\"data_offsets\":[0,0]}}",
        "{\"a\":{\"dtype\":\"F4\",\"shape\":[0,3],\"data_offsets\":[0,0]}}",
        "{\"A\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"a\":{\"dtype\":\"U8\",\"shape\":[0],"
        "\"data_offsets\":[0,0]}}"})
    expect_good(file_of(header));
  // Offsets that are not multiples of the item size, and a header of odd size.
  const Listed found =
      listed(file_of("{" + entry("u", 0, 1) + R"(,"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}} )", "uffff"));
  ASSERT_EQ(found.error.status, TF_STATUS_OK) << found.error.message;
  EXPECT_EQ(found.stored(1), "ffff");
}

TEST(SafetensorsRead, ChecksTheLengthOfTheHeader) {
  for (size_t size = 0; size < 8; ++size) {
    expect_refused(std::string(size, '\0'),
                   {TF_STATUS_TRUNCATED, "", size,
                    "the file has " + std::to_string(size) + " bytes, a safetensors file at least 8"});
  }
  expect_refused(le64(0), {TF_STATUS_CORRUPT, "", 0, "the header has 0 bytes, expected a JSON object"});
  expect_refused(le64(0) + "{}", {TF_STATUS_CORRUPT, "", 0, "the header has 0 bytes, expected a JSON object"});
  expect_refused(le64(2), {TF_STATUS_TRUNCATED, "", 0, "the header should end at byte 10, the file ends at byte 8"});
  expect_refused(le64(1000) + "{}",
                 {TF_STATUS_TRUNCATED, "", 0, "the header should end at byte 1008, the file ends at byte 10"});
  expect_refused(le64(100000000) + "{}",
                 {TF_STATUS_TRUNCATED, "", 0, "the header should end at byte 100000008, the file ends at byte 10"});
  const std::string limited = " bytes is longer than the limit (max_header_bytes) of 100000000";
  expect_refused(le64(100000001) + "{}", {TF_STATUS_LIMIT, "", 0, "a header of 100000001" + limited});
  expect_refused(le64(uint64_t{1} << 62) + "{}", {TF_STATUS_LIMIT, "", 0, "a header of 4611686018427387904" + limited});
  for (const uint64_t length : {uint64_t{INT64_MAX} - 7, uint64_t{1} << 63, UINT64_MAX - 7, UINT64_MAX}) {
    expect_refused(le64(length) + "{}", {TF_STATUS_CORRUPT, "", 0,
                                         "a header of " + std::to_string(length) + " bytes, which is beyond 2^63"});
  }
}

TEST(SafetensorsRead, SaysThatAJsonFileIsNone) {
  const Refusal json = {TF_STATUS_FORMAT, "", 0,
                        "not a safetensors file: it begins with JSON instead of the length of a header"};
  for (const char *text : {R"({"a":{}})", R"({"abcd":{"x":1}})", "{\n \"a\":\n{}}", R"([1,2,34])"})
    expect_refused(text, json);
  // A length whose first byte is that of '{'.
  expect_refused(le64('{') + "{}",
                 {TF_STATUS_TRUNCATED, "", 0, "the header should end at byte 131, the file ends at byte 10"});
}

TEST(SafetensorsRead, TakesAHeaderOfExactlyTheLimit) {
  const Settings settings = with(TF_OPTION_MAX_HEADER_BYTES, 10);
  EXPECT_EQ(listed(file_of("{}        "), settings).error.status, TF_STATUS_OK);
  expect_refused(file_of("{}         "),
                 {TF_STATUS_LIMIT, "", 0, "a header of 11 bytes is longer than the limit (max_header_bytes) of 10"},
                 settings);
}

TEST(SafetensorsRead, RecognisesOtherFormats) {
  const std::string message = "not a safetensors file: it does not begin with the length of a JSON header and '{'";
  expect_refused("\x93NUMPY\x01" + std::string("\0v\0{'descr': '<f4', ", 20), {TF_STATUS_FORMAT, "", 0, message});
  expect_refused("hello, this is text", {TF_STATUS_FORMAT, "", 0, message});
  expect_refused(le64(100) + "[1,2]", {TF_STATUS_FORMAT, "", 0, message});
  // With a plausible length, the file is recognised as safetensors and is corrupt.
  expect_refused(file_of("[]"), {TF_STATUS_CORRUPT, "", 8, "JSON: expected '{', found '['"});
}

TEST(SafetensorsRead, RefusesBadJson) {
  const std::string good = "{" + entry("a", 0, 1) + "}";
  const auto refused = [](const std::string &header, uint64_t at, const std::string &message,
                          const std::string &name = "") {
    expect_refused(file_of(header, "x"), {TF_STATUS_CORRUPT, name, 8 + at, message});
  };
  refused("\xEF\xBB\xBF" + good, 0, "JSON: expected '{', found '\xEF\xBB\xBF'");
  refused(good + std::string(1, '\0'), good.size(), "JSON: expected nothing more, found '\\x00'");
  refused(good + "x", good.size(), "JSON: expected nothing more, found 'x'");
  refused(good + " //", good.size() + 1, "JSON: expected nothing more, found '/'");
  refused("null", 0, "JSON: expected '{', found 'n'");
  refused("   ", 3, "JSON: expected '{', found the end");
  refused("{" + entry("a", 0, 1) + ",}", good.size(), "JSON: expected a key, found '}'");
  refused("{" + entry("a\nb", 0, 1) + "}", 3, "JSON: a control character in a string (0xa), not escaped");
  refused("{" + entry("\\ud800", 0, 1) + "}", 2, "JSON: a lone surrogate, \\u0xd800");
  refused("{" + entry("\xff", 0, 1) + "}", 2, "JSON: a string is not UTF-8");
  refused("{\"a\":[\"F32\",[4],[0,16]]}", 5, "array 'a': JSON: expected '{', found '['", "a");
  refused("{\"a\":null}", 5, "array 'a': JSON: expected '{', found 'n'", "a");
  refused("{\"a\":{\"x\":" + std::string(200, '[') + "}}", 10 + 126, "array 'a': JSON: nested deeper than 128", "a");
}

TEST(SafetensorsRead, RefusesBadFields) {
  const std::string dtype = R"("dtype":"F32")";
  const std::string shape = R"("shape":[4])";
  const std::string offsets = R"("data_offsets":[0,16])";
  expect_entry_refused(shape + "," + offsets, "{\"shape", "has no 'dtype'");
  expect_entry_refused(dtype + "," + offsets, "{\"dtype", "has no 'shape'");
  expect_entry_refused(dtype + "," + shape, "{\"dtype", "has no 'data_offsets'");
  expect_entry_refused("", "{}", "has no 'dtype'");
  expect_entry_refused(kGood + R"(,"dtype":"F3X")", "\"F3X\"", "has 'dtype' twice", TF_STATUS_DUPLICATE);
  expect_entry_refused(kGood + R"(,"shape":[5])", "[5]", "has 'shape' twice", TF_STATUS_DUPLICATE);
  expect_entry_refused(kGood + R"(,"data\u005foffsets":[0,17])", "[0,17]", "has 'data_offsets' twice",
                       TF_STATUS_DUPLICATE);
  expect_entry_refused(R"("dtype":7,"shape":[4],"data_offsets":[0,16])", "7", "JSON: expected a string, found '7'");
  expect_entry_refused(R"("dtype":"F32","shape":4,"data_offsets":[0,16])", "4", "JSON: expected '[', found '4'");
  expect_entry_refused(R"("dtype":"F32","shape":null,"data_offsets":[0,16])", "null", "JSON: expected '[', found 'n'");
  const std::vector<std::pair<std::string, std::string>> sizes = {
      {"4.0", "JSON: expected an integer, found a number with a fraction or exponent"},
      {"4e0", "JSON: expected an integer, found a number with a fraction or exponent"},
      {"-4", "JSON: expected an integer of 0 or more, found '-'"},
      {"\"4\"", "JSON: expected an integer of 0 or more, found '\"'"},
      {"true", "JSON: expected an integer of 0 or more, found 't'"},
      {"null", "JSON: expected an integer of 0 or more, found 'n'"},
      {"[4]", "JSON: expected an integer of 0 or more, found '['"},
      {"9223372036854775808", "dimension 9223372036854775808 is beyond 2^63"},
      {"18446744073709551616", "JSON: a number of 2^64 or more"},
  };
  for (const auto &[size, message] : sizes) {
    expect_entry_refused(R"("shape":[)" + size + R"(],"dtype":"F32","data_offsets":[0,16])", size, message);
  }
}

TEST(SafetensorsRead, RefusesBadOffsets) {
  const auto refused = [](const std::string &offsets, const std::string &token, const std::string &message) {
    expect_entry_refused(R"("dtype":"F32","shape":[4],"data_offsets":)" + offsets, token, message);
  };
  refused("[]", "[]", "data_offsets has 0 numbers, expected 2");
  refused("[0]", "[0]", "data_offsets has 1 numbers, expected 2");
  refused("[0,16,16]", "[0,16,16]", "data_offsets has 3 numbers, expected 2");
  refused("[0.9,16.7]", "0.9", "JSON: expected an integer, found a number with a fraction or exponent");
  refused("{\"begin\":0}", "{\"begin", "JSON: expected '[', found '{'");
  refused("[16,0]", "[16,0]", "data_offsets end at 0, before they begin, at 16");
  refused("[18446744073709551556,18446744073709551560]", "18446744073709551556",
          "data offset 18446744073709551556 is beyond 2^63");
  refused("[0,12]", "[0,12]", "data_offsets span 12 bytes, F32 of shape (4,) needs 16");
  refused("[0,17]", "[0,17]", "data_offsets span 17 bytes, F32 of shape (4,) needs 16");
}

TEST(SafetensorsRead, RefusesShapesThatOverflow) {
  const auto refused = [](const std::string &dtype, const std::string &shape, const std::string &message) {
    expect_entry_refused("\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[0,16]", shape, message);
  };
  refused("U8", "[4294967296,4294967296]", "(4294967296, 4294967296) has 2^63 elements or more");
  refused("U8", "[4294967296,2147483648]", "(4294967296, 2147483648) has 2^63 elements or more");
  refused("F32", "[4611686018427387904]", "(4611686018427387904,) needs 2^63 bytes or more");
  refused("U8", "[0,4294967296,4294967296]", "(0, 4294967296, 4294967296) has 2^63 elements or more");
  refused("U8", "[4294967296,4294967296,0]", "(4294967296, 4294967296, 0) has 2^63 elements or more");
  refused("F5", "[4294967296,4294967296]", "(4294967296, 4294967296) has 2^63 elements or more");
  expect_entry_refused(R"("dtype":"F32","shape":[4294967300],"data_offsets":[0,16])", "[0,16]",
                       "data_offsets span 16 bytes, F32 of shape (4294967300,) needs 17179869200");
}

TEST(SafetensorsRead, RefusesPackedElementsThatDoNotFillBytes) {
  expect_entry_refused(R"("dtype":"F4","shape":[3],"data_offsets":[0,2])", "[3]",
                       "3 elements of F4 do not fill whole bytes");
  expect_entry_refused(R"("dtype":"F4","shape":[],"data_offsets":[0,1])", "[]",
                       "1 elements of F4 do not fill whole bytes");
  expect_entry_refused(R"("dtype":"F6_E2M3","shape":[6],"data_offsets":[0,5])", "[6]",
                       "6 elements of F6_E2M3 do not fill whole bytes");
  expect_good(one(R"("dtype":"F4","shape":[2,3,1],"data_offsets":[0,3])", 3));
  expect_good(one(R"("dtype":"F6_E3M2","shape":[2,2],"data_offsets":[0,3])", 3));
}

TEST(SafetensorsRead, RefusesHolesOverlapsAndAliases) {
  const auto refused = [](const std::vector<std::string> &entries, const std::string &name, const std::string &token,
                          const std::string &message) {
    std::string header = "{";
    for (const std::string &text : entries)
      header += (header.size() > 1 ? "," : "") + text;
    const std::string file = file_of(header + "}", std::string(16, 'x'));
    expect_refused(file, {TF_STATUS_CORRUPT, name, file.rfind(token), "array '" + name + "': " + message});
  };
  refused({entry("a", 4, 16)}, "a", "[4,16]", "data_offsets begin at 4, expected 0: a hole before them");
  refused({entry("a", 0, 4), entry("b", 8, 16)}, "b", "[8,16]",
          "data_offsets begin at 8, expected 4: a hole before them");
  refused({entry("a", 0, 9), entry("b", 8, 16)}, "b", "[8,16]",
          "data_offsets begin at 8, expected 9: they overlap others");
  refused({entry("b", 8, 16), entry("a", 0, 9)}, "b", "[8,16]",
          "data_offsets begin at 8, expected 9: they overlap others");
  refused({entry("a", 0, 16), entry("b", 0, 16)}, "b", "[0,16]",
          "data_offsets begin at 0, expected 16: they overlap others");
  refused({entry("a", 0, 16), entry("e", 8, 8)}, "e", "[8,8]",
          "data_offsets begin at 8, expected 16: they overlap others");
  refused({entry("e", 17, 17), entry("a", 0, 16)}, "e", "[17,17]",
          "data_offsets begin at 17, expected 16: a hole before them");
}

TEST(SafetensorsRead, ChecksTheEndOfTheData) {
  const std::string header = "{" + entry("a", 0, 4) + "," + entry("b", 4, 8) + "}";
  const std::string start = std::to_string(8 + header.size());
  const auto at = [&header](size_t offset) { return 8 + header.size() + offset; };
  expect_refused(file_of(header, "aaaabbb"), {TF_STATUS_TRUNCATED, "b", at(7),
                                              "array 'b': the data should end at byte " + std::to_string(at(8)) +
                                                  ", the file ends at byte " + std::to_string(at(7))});
  expect_refused(file_of(header), {TF_STATUS_TRUNCATED, "a", at(0),
                                   "array 'a': the data should end at byte " + std::to_string(at(8)) +
                                       ", the file ends at byte " + std::to_string(at(0))});
  const Refusal trailing = {
      TF_STATUS_CORRUPT, "", at(8),
      "the data end at byte " + std::to_string(at(8)) + ", the file at byte " + std::to_string(at(9)), kLenientHint};
  expect_refused(file_of(header, "aaaabbbb!"), trailing);
  const Settings lenient = with(TF_OPTION_LENIENT, 1);
  EXPECT_EQ(listed(file_of(header, "aaaabbbb!"), lenient).error.status, TF_STATUS_OK);
  EXPECT_EQ(listed(file_of(header, "aaaabbb"), lenient).error.status, TF_STATUS_TRUNCATED);
  expect_refused(file_of("{}", "!"),
                 {TF_STATUS_CORRUPT, "", 10, "the data end at byte 10, the file at byte 11", kLenientHint});
  // The file is corrupt, not truncated: more bytes could not make it valid.
  const std::string beyond =
      one(R"("dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807])");
  expect_refused(beyond, {TF_STATUS_CORRUPT, "a", beyond.find("[0,"),
                          "array 'a': data_offsets end at 9223372036854775807, in the file beyond 2^63"});
}

TEST(SafetensorsRead, RefusesDuplicateNames) {
  const std::string file = file_of("{" + entry("a", 0, 4) + "," + entry("b", 4, 8) + R"(,"\u0061":)" +
                                       R"({"dtype":"U8","shape":[1],"data_offsets":[8,9]}})",
                                   "aaaabbbb!");
  expect_refused(file,
                 {TF_STATUS_DUPLICATE, "a", file.find(R"("\u0061)"), "array 'a': the name occurs twice in the file"});
  const std::string twice = file_of(R"({"__metadata__":{},"__metadata__":null})");
  expect_refused(twice, {TF_STATUS_DUPLICATE, "", twice.find("null"), "has '__metadata__' twice"});
}

TEST(SafetensorsRead, RefusesBadNames) {
  const std::string file = file_of("{" + entry("a\\u0000b", 0, 1) + "}", "x");
  expect_refused(file, {TF_STATUS_CORRUPT, "a\\x00b", 9, "array 'a\\x00b': the name contains a NUL"});
  const Settings settings = with(TF_OPTION_MAX_NAME_BYTES, 3);
  EXPECT_EQ(listed(file_of("{" + entry("\\u0061bc", 0, 1) + "}", "x"), settings).error.status, TF_STATUS_OK);
  expect_refused(file_of("{" + entry("abcd", 0, 1) + "}", "x"),
                 {TF_STATUS_LIMIT, "", 9, "a name of 4 bytes is longer than the limit (max_name_bytes) of 3"},
                 settings);
  EXPECT_EQ(listed(file_of(R"({"__metadata__":{"a\nbc":"x"}})"), settings).error.status, TF_STATUS_LIMIT);
  EXPECT_EQ(error_record().offset, 8u + 17);
}

TEST(SafetensorsRead, RefusesBadMetadata) {
  const auto refused = [](const std::string &metadata, const std::string &token, const std::string &name,
                          const std::string &message, tf_status status = TF_STATUS_CORRUPT) {
    const std::string file = file_of("{\"__metadata__\":" + metadata + "}");
    expect_refused(file, {status, name, file.rfind(token), message});
  };
  refused("\"x\"", "\"x\"", "", "JSON: expected '{', found '\"'");
  refused("[]", "[", "", "JSON: expected '{', found '['");
  refused("nul", "nul", "", "JSON: expected a value, found 'n'");
  refused(R"({"a":1})", "1", "a", "key 'a': JSON: expected a string, found '1'");
  refused(R"({"a":null})", "null", "a", "key 'a': JSON: expected a string, found 'n'");
  refused(R"({"a":{}})", "{}", "a", "key 'a': JSON: expected a string, found '{'");
  refused(R"({"a":["b"]})", "[", "a", "key 'a': JSON: expected a string, found '['");
  refused(R"({"b":"","a":"1","c":"2","a":"3"})", R"("a":"3")", "a", "key 'a': occurs twice in the metadata",
          TF_STATUS_DUPLICATE);
  refused(R"({"ab":"","a\u0062":""})", R"("a\u0062")", "ab", "key 'ab': occurs twice in the metadata",
          TF_STATUS_DUPLICATE);
}

TEST(SafetensorsRead, HasLimits) {
  Settings settings;
  settings.set(TF_OPTION_MAX_ARRAYS, 2);
  settings.set(TF_OPTION_MAX_METADATA, 2);
  settings.set(TF_OPTION_MAX_RANK, 2);
  const std::string two = entry("a", 0, 1) + "," + entry("b", 1, 2);
  EXPECT_EQ(listed(file_of("{" + two + "}", "ab"), settings).error.status, TF_STATUS_OK);
  const std::string three = file_of("{" + two + "," + entry("c", 2, 3) + "}", "abc");
  expect_refused(three, {TF_STATUS_LIMIT, "", three.find("\"c\""), "more arrays than the limit (max_arrays) of 2"},
                 settings);
  EXPECT_EQ(listed(file_of(R"({"__metadata__":{"a":"1","b":"2"}})"), settings).error.status, TF_STATUS_OK);
  const std::string keys = file_of(R"({"__metadata__":{"a":"1","b":"2","c":"3"}})");
  expect_refused(keys,
                 {TF_STATUS_LIMIT, "", keys.find("\"c\""), "more metadata values than the limit (max_metadata) of 2"},
                 settings);
  const std::string rank = one(R"("dtype":"U8","shape":[1,1,1],"data_offsets":[0,1])", 1);
  expect_refused(
      rank,
      {TF_STATUS_LIMIT, "a", rank.find("[1,1,1]"), "array 'a': has 3 dimensions, more than the limit (max_rank) of 2"},
      settings);
  std::string sizes = "1";
  for (int i = 1; i < 64; ++i)
    sizes += ",1";
  EXPECT_EQ(listed(one(R"("dtype":"U8","data_offsets":[0,1],"shape":[)" + sizes + "]", 1)).error.status, TF_STATUS_OK);
  EXPECT_EQ(listed(one(R"("dtype":"U8","data_offsets":[0,1],"shape":[)" + sizes + ",1]", 1)).error.status,
            TF_STATUS_LIMIT);
}

TEST(SafetensorsRead, Probes) {
  const auto probes = [](const std::string &head) {
    return kSafetensorsFormat.probe(Bytes(reinterpret_cast<const uint8_t *>(head.data()), head.size()));
  };
  EXPECT_TRUE(probes(le64(2) + "{}"));
  EXPECT_TRUE(probes(le64(90) + "{\"a\":{\"d"));
  EXPECT_TRUE(probes(le64(90) + " \n\t\r  {\""));
  EXPECT_TRUE(probes(le64(200000000) + "{"));
  EXPECT_FALSE(probes(le64(90) + "        "));
  EXPECT_FALSE(probes(le64(0) + "{}"));
  EXPECT_FALSE(probes(le64(90)));
  EXPECT_FALSE(probes(le64(90) + "[1,2]"));
  EXPECT_FALSE(probes(""));
  EXPECT_FALSE(probes("{\"a\":1}{\"a\":1}"));
  EXPECT_FALSE(probes(std::string("GGUF\x03\0\0\0{\0\0\0\0\0\0\0", 16)));
}

Settings with(TestMemory &memory) {
  Settings settings;
  settings.set_memory(Ref<Memory>::share(&*memory));
  return settings;
}

std::string many_arrays(size_t count, const std::string &name = "") {
  std::string header = "{";
  for (size_t i = 0; i < count; ++i)
    header += (i > 0 ? "," : "") + entry(name + std::to_string(i), 0, 0);
  return header + "}";
}

TEST(SafetensorsRead, NeedsLittleMemory) {
  std::string sizes = "0";
  for (int i = 1; i < 64; ++i)
    sizes += ",0";
  std::string deep = "{";
  std::string same = "{\"__metadata__\":{";
  std::string keys = "{\"__metadata__\":{";
  for (int i = 0; i < 20000; ++i) {
    deep +=
        (i > 0 ? ",\"" : "\"") + std::to_string(i) + R"(":{"dtype":"U8","data_offsets":[0,0],"shape":[)" + sizes + "]}";
    same += (i > 0 ? "," : "") + std::string("\"\":\"\"");
    keys += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  }
  const std::string good = many_arrays(20000);
  const struct {
    std::string header;
    tf_status status;
  } cases[] = {{good, TF_STATUS_OK},
               {many_arrays(20000, "model.layers.17.self_attn.q_proj.weight."), TF_STATUS_OK},
               {good + "x", TF_STATUS_CORRUPT},
               {good.substr(0, good.size() - 1) + "," + entry("1", 0, 0) + "}", TF_STATUS_DUPLICATE},
               {good.substr(0, good.size() - 1) + "," + entry("z", 1, 1) + "}", TF_STATUS_CORRUPT},
               {good.substr(0, good.size() - 1) + "," + entry("z", 0, 1) + "}", TF_STATUS_TRUNCATED},
               {deep + "}", TF_STATUS_OK},
               {deep + "}x", TF_STATUS_CORRUPT},
               {same + "}}", TF_STATUS_DUPLICATE},
               {keys + "}}x", TF_STATUS_CORRUPT},
               {"{\"a\":[" + std::string(1000000, '{'), TF_STATUS_CORRUPT},
               {std::string(1000000, '{'), TF_STATUS_CORRUPT}};
  for (const auto &[header, status] : cases) {
    TestMemory memory;
    EXPECT_EQ(listed(file_of(header), with(memory)).error.status, status) << header.substr(0, 80);
    EXPECT_LE(static_cast<size_t>(memory.peak()), 4 * header.size() + (size_t{1} << 20)) << header.substr(0, 80);
    EXPECT_GT(static_cast<size_t>(memory.peak()), header.size());
  }
}

TEST(SafetensorsRead, SurvivesEveryFailingAllocation) {
  const std::string file =
      file_of("{\"__metadata__\":{\"k\":\"v\",\"l\":\"w\"}," + many_arrays(40, "a").substr(1) + "\n");
  fail_each_allocation([&file](TestMemory &memory) { return Status{listed(file, with(memory)).error.status}; });
}

TEST(SafetensorsRead, ReadsHeadersInOneOrTwoPieces) {
  for (const auto &[arrays, expected] : {std::pair<size_t, int>{3, 1}, {10000, 2}}) {
    ForeignSource foreign{file_of(many_arrays(arrays))};
    Ref<Source> source;
    ASSERT_TRUE(source_from_callbacks(source, default_memory(), foreign.bytes.size(), false, ForeignSource::read_at,
                                      nullptr, nullptr, &foreign)
                    .ok());
    const Listed found(kSafetensorsFormat, std::move(source));
    EXPECT_TRUE(found.ok()) << found.error.message;
    EXPECT_EQ(found.size(), arrays);
    EXPECT_EQ(foreign.reads, expected);
  }
}

// Truncates the file at each byte and changes each byte. The result is correct, or an error with an offset.
TEST(SafetensorsRead, SurvivesDamage) {
  const std::string header =
      R"({"__metadata__":{"k":"\u00e9v"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("\ud83d\ude00":{"dtype":"I8","shape":[3],"data_offsets":[8,11]}}  )";
  const std::string file = file_of(header, "01234567abc");
  expect_good(file);
  for (size_t length = 0; length < file.size(); ++length) {
    const Listed found = listed(file.substr(0, length));
    EXPECT_EQ(found.error.status, TF_STATUS_TRUNCATED) << length;
    EXPECT_LE(found.error.offset, length);
  }
  for (size_t at = 0; at < file.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(byte);
      const Listed found = listed(damaged);
      if (found.error.status != TF_STATUS_OK) {
        EXPECT_LE(found.error.offset, file.size());
        EXPECT_EQ(found.size(), 0u);
        continue;
      }
      uint64_t end = found.listing->members.empty() ? file.size() : 8 + header.size();
      for (const Member &member : found.listing->members) {
        EXPECT_EQ(member.offset, end);
        end += member.stored;
      }
      EXPECT_EQ(end, file.size());
    }
  }
}

}  // namespace
}  // namespace tfile
