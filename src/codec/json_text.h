// JsonText: writes compact JSON.
#pragma once

#include "base/vec.h"

namespace tfile {

// Appends to `out`; if that is NULL, only counts bytes.
class JsonText {
 public:
  explicit JsonText(Vec<char> *out) : out_(out) {}

  size_t size() const { return size_; }
  // Appends a text as it is.
  Status put(Text text);
  Status number(uint64_t number);
  // Appends a string in quotes, escaped as by serde_json. The text must be UTF-8, which is not escaped.
  Status string(Text text);

 private:
  Status escape(uint8_t byte);

  Vec<char> *out_;
  size_t size_ = 0;
};

}  // namespace tfile
