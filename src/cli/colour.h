// Colours on terminals.
#pragma once

#include <string>

namespace cli {

enum class Stream { out, err };
enum class Colour { bold = 1, red = 31, green = 32, yellow = 33 };  // parameters of the escape sequence SGR

// Returns text that appears in a colour if the stream is a terminal and the environment variable NO_COLOR is not set.
std::string coloured(const std::string &text, Colour colour, Stream stream);

}  // namespace cli
