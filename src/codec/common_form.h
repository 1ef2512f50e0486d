// CommonForm: a fast path for text in the exact form that nearly every writer produces. If the text differs from that
// form, the functions return false and the caller uses a full parser instead.
#pragma once

#include "base/span.h"

namespace tfile {

class CommonForm {
 public:
  explicit CommonForm(Text text) : at_(text.data()), end_(text.data() + text.size()) {}

  const char *at() const { return at_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  template <size_t kSize>
  bool literal(const char (&text)[kSize]) {
    if (remaining() < kSize - 1 || memcmp(at_, text, kSize - 1) != 0) return false;
    at_ += kSize - 1;
    return true;
  }
  bool character(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  // Reads a short word of plain characters and the closing quote.
  bool word(Text *out, char quote) {
    constexpr size_t kMaxWord = 16;
    const auto plain = [quote](char c) { return c > ' ' && c <= '~' && c != quote && c != '\\'; };
    const char *const begin = at_;
    while (at_ < end_ && plain(*at_) && static_cast<size_t>(at_ - begin) < kMaxWord)
      ++at_;
    *out = Text(begin, static_cast<size_t>(at_ - begin));
    return character(quote);
  }
  // Reads a decimal number below 10^18 without a leading zero.
  bool number(uint64_t *out) {
    constexpr size_t kMaxDigits = 18;
    const char *const begin = at_;
    uint64_t value = 0;
    for (; at_ < end_ && *at_ >= '0' && *at_ <= '9'; ++at_)
      value = value * 10 +
              static_cast<uint64_t>(*at_ - '0');  // overflows only if there are too many digits, which is checked below
    const auto digits = static_cast<size_t>(at_ - begin);
    *out = value;
    return digits > 0 && digits <= kMaxDigits && (*begin != '0' || digits == 1);
  }

 private:
  const char *at_;
  const char *end_;
};

}  // namespace tfile
