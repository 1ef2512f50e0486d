// A bar on standard error for work on many bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/handles.h"

namespace cli {

// Shown only on a terminal, and only when there are at least 64 MiB to do; erased by finish(), or when it
// goes out of scope.
class Progress {
 public:
  explicit Progress(std::string_view path);
  ~Progress() { finish(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  // What the library does with these options moves the bar between two calls of advance().
  void watch(tf_options *options);
  void expect_bytes(uint64_t total);
  // So many more bytes are done.
  void advance(uint64_t bytes);
  void finish();

 private:
  static tf_status told(void *user, uint64_t done, uint64_t total);
  void draw(uint64_t done);

  std::string label_;
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  int percent_ = -1;
  size_t columns_ = 0;
};

}  // namespace cli
