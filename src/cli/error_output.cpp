#include "cli/error_output.h"

#include <cerrno>
#include <cstdio>

#include "cli/colour.h"
#include "cli/output.h"
#include "cli/platform.h"
#include "cli/remote.h"
#include "cli/settings.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Status;

namespace {

Exit exit_of(Status status) {
  switch (status) {
    case Status::format:
    case Status::corrupt:
    case Status::truncated:
    case Status::unsupported:
    case Status::limit:
    case Status::duplicate:
      return kExitBadFile;
    default:
      return kExitIo;
  }
}

// Removes the path, which the library may have shortened to 64 bytes, from the start of a message, because the printed
// line already contains it.
std::string_view without_path(std::string_view message, std::string_view path) {
  if (path == "-" && message.starts_with(kDescriptorFolder)) return message.substr(message.find(": ") + 2);
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

// Replaces the name of the option of a limit, "the limit (max_arrays) of 10", by the flag that sets it.
void name_flag_of_limit(std::string &message) {
  constexpr std::string_view kBefore = "the limit (";
  const size_t before = message.rfind(kBefore);
  if (before == std::string::npos) return;
  const size_t start = before + kBefore.size();
  const size_t end = message.find(')', start);
  if (end != std::string::npos) message.replace(start, end - start, flag_of(message.substr(start, end - start)));
}

std::string with_flags(std::string message) {
  name_flag_of_limit(message);
  for (const WayOut &way : kWaysOut) {
    const size_t at = message.rfind(way.option);
    if (at != std::string::npos) message.replace(at, way.option.size(), way.flag);
  }
  return message;
}

void print_error(std::string_view argument, std::string_view status, std::string_view message, Colour colour) {
  const std::string path = shown_argument(argument);
  print_line("tensorfile: " + escaped(path) + ": " + coloured(std::string(status) + ":", colour, Stream::err) + " " +
             with_flags(std::string(without_path(escaped(message), path))) + "\n");
}

}  // namespace

void throw_system_error(const std::string &what) {
  throw_system_error(what, {errno, std::generic_category()});
}

void throw_system_error(const std::string &what, const std::error_code &error) {
  throw tensorfile::Error(tensorfile::Status::io, what + ": " + error.message(), "", tensorfile::Error::no_offset,
                          error);
}

void stop_if_interrupted() {
  if (const int signal = pending_interrupt(); signal != 0) throw Interrupted{signal};
}

Exit report(std::string_view path, const tensorfile::Error &error) {
  if (error.status() == Status::cancelled) stop_if_interrupted();
  const Status status = error.status() == Status::not_found ? Status::io : error.status();
  print_error(path, tensorfile::name(status), error.what(), Colour::red);
  return exit_of(error.status());
}

void note(std::string_view path, std::string_view text) {
  if (!settings().quiet) print_error(path, "note", text, Colour::yellow);
}

void report_fault(std::string_view path, std::string_view fault, bool excused) {
  const size_t colon = fault.find(": ");
  const std::string status(fault.substr(0, colon));
  if (excused && settings().quiet) return;
  print_error(path, (excused ? "note: excused: " : "") + status, fault.substr(colon + 2),
              excused ? Colour::yellow : Colour::red);
}

}  // namespace cli
