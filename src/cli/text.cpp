#include "cli/text.h"

#include <algorithm>
#include <array>

namespace cli {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// True if a byte may follow a lead byte. This excludes overlong forms, surrogates, and code points above U+10FFFF.
bool may_follow(unsigned char lead, unsigned char byte) {
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  return byte >= low && byte <= high;
}

void append_escape(std::string &out, unsigned char byte) {
  if (byte == '\n') {
    out += "\\n";
  } else if (byte == '\t') {
    out += "\\t";
  } else if (byte == '\r') {
    out += "\\r";
  } else {
    out += {'\\', 'x', kHexDigits[byte >> 4U], kHexDigits[byte & 15U]};
  }
}

}  // namespace

Character next_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  constexpr std::array<unsigned, 5> kLeadMask = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t code = lead & kLeadMask[length];
  size_t used = 1;
  for (; used < length && used < text.size(); ++used) {
    const auto byte = static_cast<unsigned char>(text[used]);
    if (used == 1 ? !may_follow(lead, byte) : !is_continuation(text[used])) break;
    code = (code << 6U) | (byte & 0x3FU);
  }
  return {text.substr(0, used), used == length, code};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Character character = next_character(text);
    if (!character.valid) return false;
    text.remove_prefix(character.bytes.size());
  }
  return true;
}

bool is_unsafe(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return true;
  return c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Character character = next_character(text);
    if (character.valid && !is_unsafe(character.code)) {
      out += character.bytes;
    } else {
      for (const char byte : character.bytes)
        append_escape(out, static_cast<unsigned char>(byte));
    }
    text.remove_prefix(character.bytes.size());
  }
  return out;
}

std::string escaped_lines(std::string_view text) {
  std::string out;
  for (size_t end = text.find_first_of("\n\t"); end != std::string_view::npos; end = text.find_first_of("\n\t")) {
    out.append(escaped(text.substr(0, end))) += text[end];
    text.remove_prefix(end + 1);
  }
  return out + escaped(text);
}

std::string in_quotes(std::string_view name) {
  return "'" + escaped(name) + "'";
}

size_t width(std::string_view text) {
  size_t count = 0;
  for (const char byte : text)
    count += is_continuation(byte) ? 0 : 1;
  return count;
}

std::string cut(std::string text, size_t columns) {
  if (width(text) <= columns) return text;
  size_t end = 0;
  for (size_t count = 0; count + 3 < columns; ++count) {
    do {
      ++end;
    } while (is_continuation(text[end]));
  }
  return text.substr(0, end) + "...";
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string out = "(";
  for (size_t i = 0; i < shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + (shape.size() == 1 ? ",)" : ")");
}

std::string bytes_text(uint64_t bytes) {
  constexpr std::array<const char *, 7> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  size_t unit = 0;
  uint64_t whole = bytes;
  uint64_t tenths = 0;
  for (; whole >= 1024; ++unit) {
    tenths = whole % 1024 * 10 / 1024;
    whole /= 1024;
  }
  const std::string fraction = unit == 0 || whole >= 100 ? "" : "." + std::to_string(tenths);
  return std::to_string(whole) + fraction + " " + kUnits[unit];
}

std::string flag_of(std::string_view option) {
  std::string flag = "--" + std::string(option);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string count_text(uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace cli
