#include "cli/text_output.h"

#include <system_error>

#include "cli/error_output.h"
#include "cli/file_path.h"
#include "cli/output.h"
#include "cli/platform.h"
#include "cli/temporary_path.h"
#include "tensorfile.hpp"

namespace cli {

namespace {

namespace fs = std::filesystem;

// Returns the file that a path leads to, which need not exist.
fs::path followed(fs::path path) {
  constexpr int kMostLinks = 40;
  for (int i = 0; i < kMostLinks; ++i) {
    std::error_code error;
    if (!fs::is_symlink(path, error)) return path;
    const fs::path target = fs::read_symlink(path, error);
    if (error) throw_system_error("could not follow the link", error);
    path = path.parent_path() / target;
  }
  throw_system_error("could not follow the link", std::make_error_code(std::errc::too_many_symbolic_link_levels));
}

}  // namespace

TextOutput::TextOutput(const std::string &path) {
  if (path == "-") return;
  if (path.empty()) throw tensorfile::Error(tensorfile::Status::io, "the path is empty");
  target_ = followed(file_path(path));
  std::error_code error;
  const fs::file_status status = fs::status(target_, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw tensorfile::Error(tensorfile::Status::io, "is not a regular file; '-' writes to standard output");
  }
  const std::u8string target = target_.u8string();
  fs::path temporary = file_path(temporary_path(std::string(target.begin(), target.end())));
  file_.reset(open_new_file(temporary));
  if (!file_) throw_system_error("could not create a temporary file beside it");
  temporary_ = std::move(temporary);
  if (fs::exists(status)) fs::permissions(temporary_, status.permissions(), error);
}

TextOutput::~TextOutput() {
  file_.reset();
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove(temporary_, ignored);
}

void TextOutput::write(std::string_view text) {
  if (!file_) {
    print(text);
  } else if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
    throw_system_error("could not write");
  }
}

void TextOutput::commit() {
  if (!file_) return;
  if (std::fclose(file_.release()) != 0) throw_system_error("could not write");
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error) throw_system_error("could not rename the temporary file to it", error);
  temporary_.clear();
}

}  // namespace cli
