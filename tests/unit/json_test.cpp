#include "codec/json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tfile {
namespace {

// A document and a reader for it; errors treat the document as starting at byte 100 of a file.
struct Document {
  explicit Document(std::string json)
      : text(std::move(json)), reader(Span<char>(text.data(), text.size()), "f", kOffset) {}

  static constexpr uint64_t kOffset = 100;
  std::string text;
  JsonReader reader;
};

std::string str(Text text) {
  return std::string(text.data(), text.size());
}

Status read_whole(Document &document) {
  TFILE_TRY(document.reader.skip());
  return document.reader.end();
}

void expect_refused(const std::string &json, size_t position, const std::string &message) {
  Document document(json);
  EXPECT_EQ(read_whole(document).code, TF_STATUS_CORRUPT) << json;
  EXPECT_EQ(error_record().message, "f: JSON: " + message + " (byte " + std::to_string(100 + position) + ")") << json;
  EXPECT_EQ(error_record().offset, Document::kOffset + position) << json;
}

// Returns the decoded string, or nothing if the reader refuses it.
std::string decoded(const std::string &json) {
  Document document(json);
  Text text;
  EXPECT_TRUE(document.reader.string(&text).ok()) << json << ": " << error_record().message;
  EXPECT_TRUE(document.reader.end().ok());
  return str(text);
}

TEST(Json, PullsEveryKindOfValue) {
  Document document(" {\"a\" : [1, 22,\t3] ,\n\"b\":\"x\\ty\",\"c\":null,\"d\":{},\"e\":[],\"f\":[{\"g\":[[]]}]}\r\n ");
  JsonReader &reader = document.reader;
  bool more = false;
  Text key;
  ASSERT_EQ(reader.peek(), JsonType::kObject);
  ASSERT_TRUE(reader.begin_object().ok());
  ASSERT_TRUE(reader.next_key(&more, &key).ok());
  EXPECT_TRUE(more);
  EXPECT_EQ(str(key), "a");
  ASSERT_TRUE(reader.begin_array().ok());
  for (const uint64_t expected : std::initializer_list<uint64_t>{1, 22, 3}) {
    uint64_t number = 0;
    ASSERT_TRUE(reader.next_element(&more).ok());
    ASSERT_TRUE(more);
    ASSERT_TRUE(reader.unsigned_integer(&number).ok());
    EXPECT_EQ(number, expected);
  }
  ASSERT_TRUE(reader.next_element(&more).ok());
  EXPECT_FALSE(more);
  Text text;
  ASSERT_TRUE(reader.next_key(&more, &key).ok());
  ASSERT_TRUE(reader.string(&text).ok());
  EXPECT_EQ(str(text), "x\ty");
  ASSERT_TRUE(reader.next_key(&more, &key).ok());
  ASSERT_TRUE(reader.null().ok());
  for (const char *name : {"d", "e", "f"}) {
    ASSERT_TRUE(reader.next_key(&more, &key).ok());
    ASSERT_TRUE(more);
    EXPECT_EQ(str(key), name);
    ASSERT_TRUE(reader.skip().ok());
  }
  ASSERT_TRUE(reader.next_key(&more, &key).ok());
  EXPECT_FALSE(more);
  EXPECT_TRUE(reader.end().ok());
}

TEST(Json, AcceptsWhatTheStandardDoes) {
  for (const char *json : {"{}",
                           "[]",
                           "\"\"",
                           "0",
                           "-0",
                           "-1",
                           "10",
                           "1.5",
                           "1e5",
                           "1E+05",
                           "-0.0e-7",
                           "123456789012345678901234567890",
                           "1e999",
                           "true",
                           "false",
                           "null",
                           "[true,false,null]",
                           "[[],[[]],{}]",
                           "{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3}",
                           "{\"a\":1,\"a\":2}",
                           " \t\r\n[ 1 , 2 ] \t\r\n",
                           "\"\x7f\"",
                           "\"\\u0000\"",
                           "\"\\/\\\"\\\\\\b\\f\\n\\r\\t\""}) {
    Document document(json);
    EXPECT_TRUE(read_whole(document).ok()) << json << ": " << error_record().message;
  }
}

TEST(Json, RefusesWhatTheStandardDoesNotAllow) {
  expect_refused("", 0, "expected a value, found the end");
  expect_refused("  ", 2, "expected a value, found the end");
  expect_refused("\xEF\xBB\xBF{}", 0, "expected a value, found '\xEF\xBB\xBF'");
  expect_refused(std::string("\0{}", 3), 0, "expected a value, found '\\x00'");
  expect_refused("{} x", 3, "expected nothing more, found 'x'");
  expect_refused(std::string("{}\0", 3), 2, "expected nothing more, found '\\x00'");
  expect_refused("{}{}", 2, "expected nothing more, found '{'");
  expect_refused("[1,]", 3, "expected a value, found ']'");
  expect_refused("[,1]", 1, "expected a value, found ','");
  expect_refused("[1 2]", 3, "expected ',' or ']', found '2'");
  expect_refused("[1}", 2, "expected ',' or ']', found '}'");
  expect_refused("[", 1, "expected a value, found the end");
  expect_refused("[1", 2, "expected ',' or ']', found the end");
  expect_refused("{", 1, "expected a key or '}', found the end");
  expect_refused("{\"a\":1,}", 7, "expected a key, found '}'");
  expect_refused("{,}", 1, "expected a key or '}', found ','");
  expect_refused("{1:2}", 1, "expected a key or '}', found '1'");
  expect_refused("{a:2}", 1, "expected a key or '}', found 'a'");
  expect_refused("{'a':2}", 1, "expected a key or '}', found '''");
  expect_refused("{\"a\" 2}", 5, "expected ':', found '2'");
  expect_refused("{\"a\"", 4, "expected ':', found the end");
  expect_refused("{\"a\":}", 5, "expected a value, found '}'");
  expect_refused("{\"a\":1]", 6, "expected ',' or '}', found ']'");
  expect_refused("{/**/}", 1, "expected a key or '}', found '/'");
  expect_refused("{} // x", 3, "expected nothing more, found '/'");
  expect_refused("nul", 0, "expected a value, found 'n'");
  expect_refused("True", 0, "expected a value, found 'T'");
  expect_refused("truex", 4, "expected nothing more, found 'x'");
  expect_refused("NaN", 0, "expected a value, found 'N'");
  expect_refused("-Infinity", 1, "expected a digit, found 'I'");
  expect_refused("+1", 0, "expected a value, found '+'");
  expect_refused("[01]", 1, "a number with a leading zero");
  expect_refused("-01", 1, "a number with a leading zero");
  expect_refused(".5", 0, "expected a value, found '.'");
  expect_refused("1.", 2, "expected a digit, found the end");
  expect_refused("1.e3", 2, "expected a digit, found 'e'");
  expect_refused("1e", 2, "expected a digit, found the end");
  expect_refused("1e+", 3, "expected a digit, found the end");
  expect_refused("0x10", 1, "expected nothing more, found 'x'");
  expect_refused("- 1", 1, "expected a digit, found ' '");
  expect_refused("[1\v]", 2, "expected ',' or ']', found '\\x0b'");
}

TEST(Json, RefusesBadStrings) {
  expect_refused("\"abc", 0, "a string without its closing quote");
  expect_refused("\"abc\\\"", 0, "a string without its closing quote");
  expect_refused("\"a\nb\"", 2, "a control character in a string (0xa), not escaped");
  expect_refused(std::string("\"\0\"", 3), 1, "a control character in a string (0x0), not escaped");
  expect_refused("\"\x1f\"", 1, "a control character in a string (0x1f), not escaped");
  expect_refused("\"\\x41\"", 1, "no such escape as \\ and what follows it");
  expect_refused("\"\\'\"", 1, "no such escape as \\ and what follows it");
  expect_refused("\"\\", 1, "no such escape as \\ and what follows it");
  expect_refused(std::string("\"\\\0\"", 4), 1, "no such escape as \\ and what follows it");
  expect_refused("\"\\u12g4\"", 5, "\\u needs four hexadecimal digits");
  expect_refused("\"\\u12\"", 5, "\\u needs four hexadecimal digits");
  expect_refused("\"\\u123", 6, "\\u needs four hexadecimal digits");
  expect_refused("\"x\\ud800\"", 2, "a lone surrogate, \\u0xd800");
  expect_refused("\"\\udc00\"", 1, "a lone surrogate, \\u0xdc00");
  expect_refused("\"\\ud800\\u0041\"", 1, "a lone surrogate, \\u0xd800");
  expect_refused("\"\\ud800\\ud800\"", 1, "a lone surrogate, \\u0xd800");
  expect_refused("\"\\ud800\\n\"", 1, "a lone surrogate, \\u0xd800");
  expect_refused("\"\\ud83d\\u", 9, "\\u needs four hexadecimal digits");
  expect_refused("\"a\xff\"", 2, "a string is not UTF-8");
  expect_refused("\"\xc0\x80\"", 1, "a string is not UTF-8");          // overlong
  expect_refused("\"\xed\xa0\x80\"", 1, "a string is not UTF-8");      // a surrogate
  expect_refused("\"\xf4\x90\x80\x80\"", 1, "a string is not UTF-8");  // above U+10FFFF
  expect_refused("\"\xe2\x82", 1, "a string is not UTF-8");
  expect_refused("[1,\xff]", 3, "expected a value, found '\\xff'");
}

TEST(Json, DecodesStrings) {
  EXPECT_EQ(decoded(R"("")"), "");
  EXPECT_EQ(decoded(R"("plain")"), "plain");
  EXPECT_EQ(decoded(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(decoded(R"("\u0041\u00e9\u20AC")"), "A\u00e9\u20ac");
  EXPECT_EQ(decoded(R"("\ud83d\ude00")"), "\U0001F600");
  EXPECT_EQ(decoded(R"("\uD800\uDC00\uDBFF\uDFFF")"), "\U00010000\U0010FFFF");
  EXPECT_EQ(decoded(R"("\ufffe\uffff")"), "\uFFFE\uFFFF");
  EXPECT_EQ(decoded("\"h\u00e9 \U0001F600\""), "h\u00e9 \U0001F600");
  EXPECT_EQ(decoded(R"("a\u0000b")"), std::string("a\0b", 3));
  EXPECT_EQ(decoded(R"("x\\u0041")"), "x\\u0041");
}

// The reader examines eight bytes at a time and must find a special character at each of their positions.
TEST(Json, FindsTheEndOfAStringAtAnyOffset) {
  for (size_t before = 0; before < 20; ++before) {
    for (size_t after = 0; after < 20; ++after) {
      const std::string head(before, '~');
      const std::string tail(after, '!');
      EXPECT_EQ(decoded("\"" + head + "\\n" + tail + "\""), head + "\n" + tail);
      EXPECT_EQ(decoded("\"" + head + "\u00e9" + tail + "\""), head + "\u00e9" + tail);
      expect_refused("\"" + head + "\x01" + tail + "\"", 1 + before,
                     "a control character in a string (0x1), not escaped");
      expect_refused("\"" + head + "\"" + tail + "\"", 2 + before,
                     std::string("expected nothing more, found '") + (after > 0 ? "!" : "\"") + "'");
    }
  }
}

TEST(Json, ReadsIntegersInFull) {
  const std::vector<std::pair<std::string, uint64_t>> good = {{"0", 0},
                                                              {"7", 7},
                                                              {"9007199254740993", 9007199254740993u},
                                                              {"9223372036854775808", 9223372036854775808u},
                                                              {"18446744073709551615", UINT64_MAX}};
  for (const auto &[json, expected] : good) {
    Document document(json);
    uint64_t number = 1;
    EXPECT_TRUE(document.reader.unsigned_integer(&number).ok());
    EXPECT_EQ(number, expected);
    EXPECT_TRUE(document.reader.end().ok());
  }
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"18446744073709551616", "a number of 2^64 or more"},
      {"99999999999999999999999", "a number of 2^64 or more"},
      {"4.0", "expected an integer, found a number with a fraction or exponent"},
      {"4e0", "expected an integer, found a number with a fraction or exponent"},
      {"4E2", "expected an integer, found a number with a fraction or exponent"},
      {"007", "a number with a leading zero"},
      {"-1", "expected an integer of 0 or more, found '-'"},
      {"-0", "expected an integer of 0 or more, found '-'"},
      {"\"4\"", "expected an integer of 0 or more, found '\"'"},
      {"true", "expected an integer of 0 or more, found 't'"},
      {"[4]", "expected an integer of 0 or more, found '['"},
      {"", "expected an integer of 0 or more, found the end"}};
  for (const auto &[json, message] : bad) {
    Document document(json);
    uint64_t number = 1;
    EXPECT_EQ(document.reader.unsigned_integer(&number).code, TF_STATUS_CORRUPT) << json;
    EXPECT_EQ(error_record().message, "f: JSON: " + message + " (byte 100)");
  }
}

TEST(Json, LimitsDepth) {
  for (const bool objects : {false, true}) {
    const auto nested = [objects](size_t depth) {
      std::string json;
      for (size_t i = 0; i < depth; ++i)
        json += objects ? "{\"\":" : "[";
      json += "1";
      for (size_t i = 0; i < depth; ++i)
        json += objects ? "}" : "]";
      return json;
    };
    Document deepest(nested(128));
    EXPECT_TRUE(read_whole(deepest).ok());
    expect_refused(nested(129), 128 * (objects ? 4 : 1), "nested deeper than 128");
    expect_refused(nested(1000000), 128 * (objects ? 4 : 1), "nested deeper than 128");
  }
}

TEST(Json, NamesWhatItIsAbout) {
  Document document("x");
  document.reader.about_array("w");
  EXPECT_EQ(document.reader.null().code, TF_STATUS_CORRUPT);
  EXPECT_STREQ(error_record().message, "f: array 'w': JSON: expected null, found 'x' (byte 100)");
  EXPECT_STREQ(error_record().name, "w");
  document.reader.about_key("k");
  EXPECT_EQ(document.reader.begin_object().code, TF_STATUS_CORRUPT);
  EXPECT_STREQ(error_record().message, "f: key 'k': JSON: expected '{', found 'x' (byte 100)");
  EXPECT_STREQ(error_record().name, "k");
}

TEST(Json, ReadsAgainFromAPosition) {
  Document document(R"([["\u0041"],7])");
  JsonReader &reader = document.reader;
  bool more = false;
  ASSERT_TRUE(reader.begin_array().ok());
  ASSERT_TRUE(reader.next_element(&more).ok());
  const size_t position = reader.position();
  EXPECT_EQ(position, 1u);
  ASSERT_TRUE(reader.skip().ok());
  reader.seek(position);
  Text text;
  ASSERT_TRUE(reader.begin_array().ok());
  ASSERT_TRUE(reader.next_element(&more).ok());
  ASSERT_TRUE(reader.raw_string(&text).ok());
  EXPECT_EQ(str(text), "\\u0041");
  EXPECT_EQ(str(reader.decode(text)), "A");
  ASSERT_TRUE(reader.next_element(&more).ok());
  EXPECT_FALSE(more);
}

TEST(Json, ComparesRawStringsByWhatTheyMean) {
  EXPECT_EQ(compare_raw_json("a", "a"), 0);
  EXPECT_EQ(compare_raw_json("a", R"(\u0061)"), 0);
  EXPECT_EQ(compare_raw_json(R"(\u00e9\n)", "\u00e9\\n"), 0);
  EXPECT_EQ(compare_raw_json(R"(\ud83d\ude00)", "\U0001F600"), 0);
  EXPECT_EQ(compare_raw_json("", ""), 0);
  EXPECT_LT(compare_raw_json("a", "b"), 0);
  EXPECT_LT(compare_raw_json("a", R"(a\u0000)"), 0);
  EXPECT_GT(compare_raw_json(R"(\u00e9)", "z"), 0);
  EXPECT_GT(compare_raw_json(R"(\\)", "A"), 0);
  EXPECT_EQ(raw_json_size("abc"), 3u);
  EXPECT_EQ(raw_json_size(R"(\u0061\u00e9\ud83d\ude00\n)"), 8u);
}

TEST(Json, NoPrefixOfADocumentIsADocument) {
  const std::string json = R"({"a":[1,-2.5e3,"x\u00e9\ud83d\ude00"],"b":{"c":null,"d":[true,false]}})";
  for (size_t length = 0; length < json.size(); ++length) {
    Document document(json.substr(0, length));
    EXPECT_EQ(read_whole(document).code, TF_STATUS_CORRUPT) << length;
    EXPECT_LE(error_record().offset, Document::kOffset + length);
  }
}

}  // namespace
}  // namespace tfile
