// Formats names, paths, sizes and shapes for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cli {

// The first character of a text.
struct Character {
  std::string_view bytes;
  bool valid;     // if false, the bytes are replaced by one U+FFFD, following Unicode's practice of maximal subparts
  char32_t code;  // the code point, if valid
};
// The text must not be empty.
Character next_character(std::string_view text);

bool is_utf8(std::string_view text);

// True for characters that can do more to a terminal than appear on it: control characters, and those that change the
// writing direction.
bool is_unsafe(char32_t character);

// Returns text as one line that is safe to print on a terminal: unsafe characters, and bytes that are not UTF-8, are
// escaped as \n or \xHH.
std::string escaped(std::string_view text);

// Like escaped(), but keeps newlines and tabs.
std::string escaped_lines(std::string_view text);

// Returns a name escaped and in single quotes.
std::string in_quotes(std::string_view name);

// Returns the number of characters, as an estimate of the terminal columns that text needs.
size_t width(std::string_view text);

// Shortens text to at most this many characters. Shortened text ends in "...".
std::string cut(std::string text, size_t columns);

// Returns a shape as Python writes it: (2, 3), (3,), ().
std::string shape_text(std::span<const int64_t> shape);

// Returns a size with its unit: "24 B", "1.5 MiB".
std::string bytes_text(uint64_t bytes);

// Returns the option of the program that sets an option of the library: "--max-arrays" for "max_arrays".
std::string flag_of(std::string_view option);

// Returns a number with a noun in singular or plural: "1 array", "2 arrays".
std::string count_text(uint64_t count, std::string_view noun);

}  // namespace cli
