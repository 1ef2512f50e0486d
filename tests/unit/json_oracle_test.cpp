// Compares the JSON reader with simdjson: both must accept and refuse the same random and randomly damaged documents.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <regex>
#include <string>

#include "codec/json.h"

namespace tfile {
namespace {

class RandomJson {
 public:
  explicit RandomJson(uint32_t seed) : random_(seed) {}

  size_t below(size_t count) { return random_() % count; }
  std::string value(int depth) {
    switch (below(depth > 0 ? 8 : 6)) {
      case 0:
        return pick({"true", "false", "null"});
      case 1:
      case 2:
        return pick({"0", "-1", "17", "3.25", "-0.5e-3", "1E5", "9007199254740993", "-123456"});
      case 3:
      case 4:
      case 5:
        return string();
      case 6:
        return list("[", "]", depth, false);
      default:
        return list("{", "}", depth, true);
    }
  }
  std::string damaged(std::string json) {
    static const std::string bytes("{}[]\",:\\ \t\n0123456789-+.eEuntrfals/x\x01\x7f\x80\xc3\xa9\xed\xa0\xf4\xff", 46);
    for (size_t count = 1 + below(3); count > 0 && !json.empty(); --count) {
      const size_t at = below(json.size());
      switch (below(4)) {
        case 0:
          json.erase(at, 1 + below(3));
          break;
        case 1:
          json.insert(at, 1, bytes[below(bytes.size())]);
          break;
        case 2:
          json[at] = bytes[below(bytes.size())];
          break;
        default:
          std::swap(json[at], json[below(json.size())]);
      }
    }
    return json;
  }

 private:
  std::string pick(std::initializer_list<const char *> choices) { return choices.begin()[below(choices.size())]; }
  std::string space() { return below(4) == 0 ? pick({" ", "\n", "\t", "\r", "  "}) : ""; }
  std::string string() {
    std::string text = "\"";
    for (size_t count = below(12); count > 0; --count) {
      text += pick({"a", "bc", " ", "dtype", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9", "\\ud83d\\ude00",
                    "\u00e9", "\u20ac", "\U0001F600", "[", "{", ":", ","});
    }
    return text + "\"";
  }
  std::string list(const char *open, const char *close, int depth, bool keys) {
    std::string text = open + space();
    for (size_t i = 0, count = below(4); i < count; ++i) {
      if (i > 0) text += "," + space();
      if (keys) text += string() + space() + ":" + space();
      text += value(depth - 1) + space();
    }
    return text + close;
  }

  std::mt19937 random_;
};

bool accepts(std::string json) {
  JsonReader reader(Span<char>(json.data(), json.size()), "", 0);
  return reader.skip().ok() && reader.end().ok();
}

bool oracle_accepts(simdjson::dom::parser &parser, const std::string &json) {
  return parser.parse(json).error() == simdjson::SUCCESS;
}

// simdjson converts numbers and refuses those that are too large, so documents with such numbers are not compared.
bool has_large_number(const std::string &json) {
  static const std::regex large("[0-9]{18}|[eE][-+]?[0-9]{3}");
  return std::regex_search(json, large);
}

TEST(JsonOracle, AcceptsWhatSimdjsonAccepts) {
  RandomJson random(1);
  simdjson::dom::parser parser;
  for (int i = 0; i < 20000; ++i) {
    const std::string json = random.value(5);
    ASSERT_TRUE(oracle_accepts(parser, json)) << json;
    ASSERT_TRUE(accepts(json)) << json << "\n" << error_record().message;
  }
}

TEST(JsonOracle, AgreesOnDamagedDocuments) {
  RandomJson random(2);
  simdjson::dom::parser parser;
  size_t good = 0;
  size_t bad = 0;
  for (int i = 0; i < 200000; ++i) {
    const std::string json = random.damaged(random.value(4));
    if (has_large_number(json)) continue;
    const bool expected = oracle_accepts(parser, json);
    ASSERT_EQ(accepts(json), expected) << json << "\n" << error_record().message;
    ++(expected ? good : bad);
  }
  EXPECT_GT(good, 20000u);
  EXPECT_GT(bad, 20000u);
}

TEST(JsonOracle, DecodesAsSimdjsonDoes) {
  RandomJson random(3);
  simdjson::dom::parser parser;
  size_t strings = 0;
  for (int i = 0; i < 50000; ++i) {
    std::string json = random.value(0);
    std::string_view expected;
    const simdjson::dom::element element = parser.parse(json);
    if (element.get_string().get(expected) != simdjson::SUCCESS) continue;
    ++strings;
    JsonReader reader(Span<char>(json.data(), json.size()), "", 0);
    Text text;
    ASSERT_TRUE(reader.string(&text).ok());
    ASSERT_EQ(std::string_view(text.data(), text.size()), expected);
  }
  EXPECT_GT(strings, 20000u);
}

}  // namespace
}  // namespace tfile
