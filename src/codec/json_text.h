// JsonText: writes compact JSON.
#pragma once

#include "base/vec.h"

namespace tfile {

// Writes behind `out`, or, when that is NULL, only counts.
class JsonText {
 public:
  explicit JsonText(Vec<char> *out) : out_(out) {}

  size_t size() const { return size_; }
  // As it is.
  Status put(Text text);
  Status number(uint64_t number);
  // In quotes, escaped as serde_json and Python's json do it; text is UTF-8 and is left so.
  Status string(Text text);

 private:
  Status escape(uint8_t byte);

  Vec<char> *out_;
  size_t size_ = 0;
};

}  // namespace tfile
