// JsonText: writes compact JSON.
#pragma once

#include "base/vec.h"

namespace tfile {

// Appends JSON to `out`. If `out` is NULL, only counts the bytes.
class JsonText {
 public:
  explicit JsonText(Vec<char> *out) : out_(out) {}

  size_t size() const { return size_; }
  // Appends text without escaping.
  Status put(Text text);
  Status number(uint64_t number);
  // Appends a quoted string, with the same escapes as serde_json. The text must be UTF-8; characters beyond ASCII are
  // not escaped.
  Status string(Text text);

 private:
  Status escape(uint8_t byte);

  Vec<char> *out_;
  size_t size_ = 0;
};

}  // namespace tfile
