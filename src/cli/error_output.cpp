#include "cli/error_output.h"

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

// Removes the path from the start of a message of the library, where it may be cut to 64 bytes: the line already has it.
std::string_view without_path(std::string_view message, std::string_view path) {
  for (const std::string_view shown : {path, path.substr(0, 64)}) {
    const std::string prefix = escaped(shown) + ": ";
    if (message.starts_with(prefix)) return message.substr(prefix.size());
  }
  return message;
}

void print_line(const std::string &line) {
  flush_output();  // keeps the lines in order if both streams go to the same place
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

Exit report(std::string_view path, const tensorfile::Error &error) {
  const tf_status status = error.status() == TF_STATUS_NOT_FOUND ? TF_STATUS_IO : error.status();
  print_line("tensorfile: " + escaped(path) + ": " + tf_status_name(status) + ": " +
             std::string(without_path(error.what(), path)) + "\n");
  return exit_of(error.status());
}

void note(std::string_view path, std::string_view text) {
  print_line("tensorfile: " + escaped(path) + ": note: " + std::string(text) + "\n");
}

}  // namespace cli
