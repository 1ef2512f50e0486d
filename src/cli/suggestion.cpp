#include "cli/suggestion.h"

#include <algorithm>
#include <cstdlib>

#include "cli/text.h"
#include "tensorfile.hpp"

namespace cli {

namespace {

// Returns the number of edits (a character inserted, removed, replaced, or exchanged with the next one) between two
// texts, or limit + 1 if there are more. Only three rows of the table of distances are needed.
size_t distance(std::string_view a, std::string_view b, size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(previous);
    previous.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return std::min(row.back(), limit + 1);
}

}  // namespace

std::string did_you_mean(std::string_view word, const std::vector<std::string> &candidates) {
  constexpr size_t kCharactersPerEdit = 3;
  size_t limit = std::max<size_t>(1, word.size() / kCharactersPerEdit);
  const std::string *best = nullptr;
  for (const std::string &candidate : candidates) {
    const size_t edits = distance(word, candidate, limit);
    if (edits > limit || edits >= std::max(word.size(), candidate.size())) continue;
    best = &candidate;
    if (edits == 0) break;
    limit = edits - 1;
  }
  return best == nullptr ? "" : "; did you mean " + in_quotes(*best) + "?";
}

std::vector<std::string> dtype_names(bool only_blocks) {
  constexpr tf_dtype kNumbers = 256;  // no dtype has a larger number
  std::vector<std::string> names;
  for (tf_dtype number = 1; number < kNumbers; ++number) {
    const auto dtype = static_cast<tensorfile::Dtype>(number);
    const std::string name = tensorfile::name(dtype);
    const bool known = dtype != tensorfile::Dtype::unsupported && tensorfile::dtype_from_name(name) == dtype;
    if (known && (!only_blocks || tensorfile::bits(dtype) == 0)) names.push_back(name);
  }
  return names;
}

std::vector<std::string> encodable_names(bool only_blocks) {
  std::vector<std::string> names = dtype_names(only_blocks);
  std::erase_if(names,
                [](const std::string &name) { return !tensorfile::can_encode(tensorfile::dtype_from_name(name)); });
  return names;
}

}  // namespace cli
