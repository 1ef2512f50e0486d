// Standard output: buffered, and every failure noticed.
#pragma once

#include <string_view>

namespace cli {

// Throws OutputError.
void print(std::string_view text);
void flush_output();

}  // namespace cli
