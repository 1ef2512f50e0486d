// A progress bar on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "tensorfile.hpp"

namespace cli {

// Shows a bar with the rate and the remaining time while work on 64 MiB or more runs, if standard error is a terminal. finish() and the destructor erase it.
class Progress {
 public:
  explicit Progress(std::string_view path);
  ~Progress() { finish(); }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  // Makes library calls with these options move the bar between two calls of advance(). *this must outlive the options
  // and the files opened with them. An interrupt ends these calls and advance() with Interrupted.
  void watch(tensorfile::Options &options);
  // Like watch(), for a single call whose total the library knows.
  void watch_all(tensorfile::Options &options);
  void expect_bytes(uint64_t total);
  // Adds to the number of bytes that are done.
  void advance(uint64_t bytes);
  void finish();

 private:
  void draw(uint64_t done);
  std::string speed(uint64_t done) const;

  std::string label_;
  uint64_t total_ = 0;
  uint64_t done_ = 0;
  int percent_ = -1;
  std::chrono::steady_clock::time_point start_;
  size_t columns_ = 0;
};

}  // namespace cli
