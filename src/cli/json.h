// Writing JSON: one object, one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cli {

// Bytes that are not UTF-8 become U+FFFD; what a terminal would act on is escaped.
std::string json_string(std::string_view text);

// Commas and colons are its own doing; the caller opens and closes what belongs together.
class JsonWriter {
 public:
  JsonWriter &open(char bracket);  // '{' or '['
  JsonWriter &close(char bracket);
  JsonWriter &key(std::string_view name);
  JsonWriter &string(std::string_view text) { return raw(json_string(text)); }
  JsonWriter &number(uint64_t value) { return raw(std::to_string(value)); }
  JsonWriter &number(int64_t value) { return raw(std::to_string(value)); }
  JsonWriter &null() { return raw("null"); }
  JsonWriter &raw(std::string_view value);  // a whole value

  const std::string &text() const { return text_; }

 private:
  void separate();

  std::string text_;
  bool comma_ = false;
};

}  // namespace cli
