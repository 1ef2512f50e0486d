#include "cli/pattern.h"

#include <algorithm>

#include "cli/text.h"

namespace cli {

bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;  // the last * so far; after a mismatch it matches one more byte
  size_t from = 0;                       // the byte of name at which the text after * begins
  while (n < name.size()) {
    const size_t step = next_character(name.substr(n)).bytes.size();
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      n += step;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool any_matches(const std::vector<std::string> &patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string &pattern) { return matches(pattern, name); });
}

}  // namespace cli
