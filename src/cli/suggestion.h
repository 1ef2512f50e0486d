// Suggests what the user may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

// Returns "; did you mean 'x'?" with the candidate that is most similar to a word, or "" if none is similar.
std::string did_you_mean(std::string_view word, const std::vector<std::string> &candidates);

// Returns the names of all dtypes, or of the block types only.
std::vector<std::string> dtype_names(bool only_blocks);

// Returns the names of those dtypes that floats can be encoded in.
std::vector<std::string> encodable_names(bool only_blocks);

}  // namespace cli
