// Text for people: names and paths made harmless, sizes, shapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cli {

// A character at the start of text, which is not empty.
struct Character {
  std::string_view bytes;
  bool valid;     // else bytes are what one U+FFFD stands for, by Unicode's practice of maximal subparts
  char32_t code;  // when valid
};
Character next_character(std::string_view text);

bool is_utf8(std::string_view text);

// Whether a terminal could do more with a character than show it: controls, and those that turn the writing direction.
bool is_unsafe(char32_t character);

// One line that a terminal can be given: control characters and bytes that are not UTF-8 escaped as \n or \xHH.
std::string escaped(std::string_view text);

// 'NAME', escaped.
std::string in_quotes(std::string_view name);

// Characters, as an estimate of the columns that text takes.
size_t width(std::string_view text);

// At most columns characters; what was longer ends in "...".
std::string cut(std::string text, size_t columns);

// (2, 3), (3,), ()
std::string shape_text(std::span<const int64_t> shape);

// "24 B", "1.5 MiB"
std::string bytes_text(uint64_t bytes);

// "1 array", "2 arrays"
std::string count_text(uint64_t count, std::string_view noun);

}  // namespace cli
