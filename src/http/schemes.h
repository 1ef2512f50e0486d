// The schemes of URLs that can be opened. This header needs no other one, because the program includes it too: without
// libtensorfile_http it must still know which arguments are URLs.
#pragma once

#include <cstddef>

namespace tfhttp {

enum class Scheme { kHttp, kS3, kHub };

struct SchemeRow {
  const char *prefix;
  Scheme scheme;
  bool secure;  // requests use https, unless an endpoint says otherwise
};

inline constexpr SchemeRow kSchemes[] = {
    {"http://", Scheme::kHttp, false},
    {"https://", Scheme::kHttp, true},
    {"s3://", Scheme::kS3, true},
    {"hf://", Scheme::kHub, true},
};

inline constexpr size_t kSchemeCount = sizeof(kSchemes) / sizeof(kSchemes[0]);

// Returns the row of the scheme that a text begins with, in any letter case, or NULL.
constexpr const SchemeRow *find_row(const char *text, size_t size) {
  for (const SchemeRow &row : kSchemes) {
    size_t same = 0;
    while (same < size && row.prefix[same] != '\0') {
      const char c = text[same];
      if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != row.prefix[same]) break;
      ++same;
    }
    if (row.prefix[same] == '\0') return &row;
  }
  return nullptr;
}

}  // namespace tfhttp
