#include "cli/json_output.h"

#include <cmath>

#include "cli/elements.h"
#include "cli/text.h"

namespace cli {

namespace {

void append_escape(std::string &out, char32_t code) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  switch (code) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      out += "\\u";
      for (unsigned shift = 16; shift > 0; shift -= 4)
        out += kHexDigits[(code >> (shift - 4)) & 15U];
  }
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Character character = next_character(text);
    if (!character.valid) {
      out += "\xEF\xBF\xBD";
    } else if (is_unsafe(character.code)) {
      append_escape(out, character.code);
    } else {
      if (character.code == '"' || character.code == '\\') out += '\\';
      out += character.bytes;
    }
    text.remove_prefix(character.bytes.size());
  }
  return out + '"';
}

void JsonWriter::separate() {
  if (needs_comma_) text_ += ',';
  needs_comma_ = true;
}

JsonWriter &JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonWriter &JsonWriter::close(char bracket) {
  text_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonWriter &JsonWriter::key(std::string_view name) {
  separate();
  text_ += json_string(name);
  text_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter &JsonWriter::number(double value) {
  return std::isfinite(value) ? raw(element_text(value)) : null();
}

JsonWriter &JsonWriter::raw(std::string_view value) {
  separate();
  text_ += value;
  return *this;
}

}  // namespace cli
