// Compares the JSON reader with simdjson: both must accept the same documents and decode the same strings.
#include <simdjson.h>

#include "codec/json.h"
#include "fuzz.h"

namespace {

using tfile::JsonReader;
using tfile::Span;
using tfile::Text;

// simdjson converts numbers and refuses those that are too large, so documents that may have one are not compared.
bool has_large_number(const std::string &json) {
  size_t digits = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    const bool exponent = digits == 3 && i >= 3 && std::strchr("eE+-", json[i - 3]) != nullptr;
    if (digits >= 18 || exponent) return true;
  }
  return false;
}

size_t depth_of(const std::string &json) {
  size_t depth = 0;
  size_t most = 0;
  for (const char c : json) {
    if (c == '[' || c == '{') most = ++depth > most ? depth : most;
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return most;
}

void compare_string(simdjson::dom::parser &parser, std::string json) {
  std::string_view expected;
  const simdjson::dom::element element = parser.parse(json);
  if (element.get_string().get(expected) != simdjson::SUCCESS) return;
  JsonReader reader(Span<char>(json.data(), json.size()), "", 0);
  Text text;
  FUZZ_CHECK(reader.string(&text).ok());
  FUZZ_CHECK(std::string_view(text.data(), text.size()) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static simdjson::dom::parser parser;
  const std::string json(reinterpret_cast<const char *>(data), size);
  // simdjson skips a byte order mark, which JSON does not allow. The reader refuses nesting from kMaxDepth levels on.
  if (has_large_number(json) || depth_of(json) >= JsonReader::kMaxDepth || json.rfind("\xEF\xBB\xBF", 0) == 0) return 0;
  std::string copy = json;
  JsonReader reader(Span<char>(copy.data(), copy.size()), "", 0);
  const bool accepted = reader.skip().ok() && reader.end().ok();
  const bool expected = parser.parse(json).error() == simdjson::SUCCESS;
  FUZZ_CHECK(accepted == expected);
  if (accepted) compare_string(parser, json);
  return 0;
}
