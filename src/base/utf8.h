// UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include "base/span.h"

namespace tfile {

// Returns the length of the sequence that bytes start with, 1 to 4, or 0 if they do not start with one.
size_t utf8_sequence(Bytes bytes);

// Returns the offset of the first byte that is not UTF-8, or text.size().
size_t utf8_valid_prefix(Text text);

inline bool is_utf8(Text text) {
  return utf8_valid_prefix(text) == text.size();
}

// Returns the code point of a sequence, which is valid.
uint32_t utf8_decode(Bytes sequence);
// Writes a code point, which is not a surrogate, as 1 to 4 bytes, and returns their number.
size_t utf8_encode(char *out, uint32_t code_point);

}  // namespace tfile
