// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include "base/span.h"

namespace tfile {

// Length of the sequence at the start of bytes, 1 to 4; 0 when there is none.
size_t utf8_sequence(Bytes bytes);

// Position of the first byte that is not UTF-8, or text.size().
size_t utf8_valid_prefix(Text text);

inline bool is_utf8(Text text) {
  return utf8_valid_prefix(text) == text.size();
}

// Writes a code point (not a surrogate) to out, which has room for 4 bytes; the number of bytes written.
size_t utf8_encode(char *out, uint32_t code_point);

}  // namespace tfile
