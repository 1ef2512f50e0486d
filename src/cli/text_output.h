// A file of text that is written all or nothing.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace cli {

// Writes a temporary file beside the target, and replaces the target at the end. All failures are thrown as
// tensorfile::Error with IO.
class TextOutput {
 public:
  // "-" is standard output. Links are followed. A target that exists must be a regular file.
  explicit TextOutput(const std::string &path);
  // Removes the temporary file, if it still exists, and leaves the target unchanged.
  ~TextOutput();
  TextOutput(const TextOutput &) = delete;
  TextOutput &operator=(const TextOutput &) = delete;

  void write(std::string_view text);
  void commit();

 private:
  struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };

  std::filesystem::path target_;     // empty for standard output
  std::filesystem::path temporary_;  // empty if there is none
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace cli
