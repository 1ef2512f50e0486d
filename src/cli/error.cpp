#include "cli/error.h"

#include <cstdio>

#include "cli/output.h"
#include "cli/text.h"

namespace cli {

namespace {

Exit exit_of(tf_status status) {
  switch (status) {
    case TF_STATUS_FORMAT:
    case TF_STATUS_CORRUPT:
    case TF_STATUS_TRUNCATED:
    case TF_STATUS_UNSUPPORTED:
    case TF_STATUS_LIMIT:
    case TF_STATUS_DUPLICATE:
      return kExitBadFile;
    default:
      return kExitIo;
  }
}

// The library begins its message with the path, whole or cut to 64 bytes; the line has it already.
std::string_view without_path(std::string_view message, std::string_view path) {
  for (const std::string_view shown : {path, path.substr(0, 64)}) {
    const std::string prefix = escaped(shown) + ": ";
    if (message.starts_with(prefix)) return message.substr(prefix.size());
  }
  return message;
}

void print_line(const std::string &line) {
  flush_output();  // so that the lines come in order when both streams go to one place
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void expect(tf_status status) {
  if (status != TF_STATUS_OK) throw FileError{status, tf_error_message()};
}

Exit report(std::string_view path, const FileError &error) {
  tf_status status = error.status;
  if (status == TF_STATUS_NOT_FOUND) status = TF_STATUS_IO;
  print_line("tensorfile: " + escaped(path) + ": " + tf_status_name(status) + ": " +
             std::string(without_path(error.text, path)) + "\n");
  return exit_of(status);
}

void note(std::string_view path, std::string_view text) {
  print_line("tensorfile: " + escaped(path) + ": note: " + std::string(text) + "\n");
}

}  // namespace cli
