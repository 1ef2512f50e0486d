// Buffered standard output. Failures to write are never ignored.
#pragma once

#include <string_view>

namespace cli {

// Both throw OutputError.
void print(std::string_view text);
void flush_output();

}  // namespace cli
