// Writes JSON on one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cli {

// Returns text as a JSON string. Bytes that are not UTF-8 become U+FFFD, and characters that could control a terminal
// are escaped.
std::string json_string(std::string_view text);

// Builds a JSON value. The writer inserts commas and colons; the caller opens and closes objects and arrays.
class JsonWriter {
 public:
  JsonWriter &open(char bracket);  // '{' or '['
  JsonWriter &close(char bracket);
  JsonWriter &key(std::string_view name);
  JsonWriter &string(std::string_view text) { return raw(json_string(text)); }
  JsonWriter &number(uint64_t value) { return raw(std::to_string(value)); }
  JsonWriter &number(int64_t value) { return raw(std::to_string(value)); }
  // Writes null for nan and infinities, which JSON cannot express.
  JsonWriter &number(double value);
  JsonWriter &null() { return raw("null"); }
  JsonWriter &raw(std::string_view value);  // writes a complete JSON value without changes

  const std::string &text() const { return text_; }
  // Returns what was written since the last call, so that a large value can be written in pieces.
  std::string take() { return std::exchange(text_, {}); }

 private:
  void separate();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace cli
