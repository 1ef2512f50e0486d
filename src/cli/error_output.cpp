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

// Removes the path, which the library may have shortened to 64 bytes, from the start of a message, because the printed
// line already contains it.
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

// Messages of the library name options of its ABI that avoid an error. The program replaces each by the flag that sets
// it.
struct WayOut {
  std::string_view option;
  std::string_view flag;
};
constexpr WayOut kWaysOut[] = {
    {"TF_OPTION_LENIENT", "--lenient"},
    {"TF_OPTION_SKIP_UNSUPPORTED", "--skip-unsupported"},
    {"TF_OPTION_PARTS", "--parts"},
    {"TF_FORMAT_BY_CONTENT", "--format content"},
};

std::string with_flags(std::string message) {
  for (const WayOut &way : kWaysOut) {
    const size_t at = message.rfind(way.option);
    if (at != std::string::npos) message.replace(at, way.option.size(), way.flag);
  }
  return message;
}

void print_error(std::string_view path, std::string_view status, std::string_view message) {
  print_line("tensorfile: " + escaped(path) + ": " + std::string(status) + ": " +
             with_flags(std::string(without_path(message, path))) + "\n");
}

}  // namespace

Exit report(std::string_view path, const tensorfile::Error &error) {
  const tf_status status = error.status() == TF_STATUS_NOT_FOUND ? TF_STATUS_IO : error.status();
  print_error(path, tf_status_name(status), error.what());
  return exit_of(error.status());
}

void note(std::string_view path, std::string_view text) {
  print_error(path, "note", text);
}

void report_fault(std::string_view path, std::string_view fault, bool excused) {
  const size_t colon = fault.find(": ");
  const std::string status(fault.substr(0, colon));
  print_error(path, (excused ? "note: excused: " : "") + status, fault.substr(colon + 2));
}

}  // namespace cli
