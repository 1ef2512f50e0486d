#include "cli/output_file.h"

#include <cerrno>
#include <random>
#include <system_error>

#include "cli/input_set.h"
#include "cli/output.h"
#include "cli/platform.h"
#include "tensorfile.hpp"

namespace cli {

namespace {

namespace fs = std::filesystem;

constexpr size_t kRandomLetters = 8;

[[noreturn]] void fail(const std::string &what, const std::error_code &error) {
  throw tensorfile::Error(tensorfile::Status::io, what + ": " + error.message(), "", tensorfile::Error::no_offset,
                          error);
}

std::error_code last_error() {
  return {errno, std::generic_category()};
}

// Returns a name beside the target that no other file has.
fs::path temporary_beside(const fs::path &target) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::uniform_int_distribution<size_t> letter(0, kLetters.size() - 1);
  std::string name = ".tf-";
  for (size_t i = 0; i < kRandomLetters; ++i)
    name += kLetters[letter(random)];
  return target.parent_path() / name;
}

}  // namespace

OutputFile::OutputFile(const std::string &path) {
  if (path == "-") return;
  target_ = resolved_path(path);
  std::error_code error;
  const fs::file_status status = fs::status(target_, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw tensorfile::Error(tensorfile::Status::io, "is not a regular file; '-' writes to standard output");
  }
  fs::path temporary = temporary_beside(target_);
  file_.reset(open_new_file(temporary));
  if (!file_) fail("cannot create a temporary file beside it", last_error());
  temporary_ = std::move(temporary);
  if (fs::exists(status)) fs::permissions(temporary_, status.permissions(), error);
}

OutputFile::~OutputFile() {
  file_.reset();
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove(temporary_, ignored);
}

void OutputFile::write(std::string_view text) {
  if (!file_) {
    print(text);
  } else if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
    fail("writing failed", last_error());
  }
}

void OutputFile::commit() {
  if (!file_) return;
  if (std::fclose(file_.release()) != 0) fail("writing failed", last_error());
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error) fail("the temporary file cannot be renamed to it", error);
  temporary_.clear();
}

}  // namespace cli
