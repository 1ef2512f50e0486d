// Patterns of names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

// True if a name matches a pattern: * matches any text, ? any character, and every other character itself.
bool matches(std::string_view pattern, std::string_view name);

// True if a name matches at least one of the patterns.
bool any_matches(const std::vector<std::string> &patterns, std::string_view name);

}  // namespace cli
