// The errors of the program, and functions that print them on standard error and choose the exit status.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include "tensorfile.hpp"

namespace cli {

enum Exit : int {
  kExitOk = 0,
  kExitBadFile = 1,  // diff: the files differ
  kExitUsage = 2,
  kExitIo = 3,
  kExitInterrupted = 128,  // plus the number of the signal
};

// Thrown if the command line is invalid.
struct UsageError {
  std::string text;
};

// Thrown if writing to standard output failed.
struct OutputError {
  std::string text;
};

// Thrown after SIGINT or SIGTERM, so that destructors remove temporary files.
struct Interrupted {
  int signal;
};

// Throws a tensorfile::Error with Status::io: what the program could not do, and the system's reason, by default that of
// errno.
[[noreturn]] void throw_system_error(const std::string &what);
[[noreturn]] void throw_system_error(const std::string &what, const std::error_code &error);

// Throws Interrupted if one of these signals has arrived.
void stop_if_interrupted();

// Prints "tensorfile: PATH: STATUS: TEXT" on standard error. Returns the exit status for the error.
Exit report(std::string_view path, const tensorfile::Error &error);

// Prints "tensorfile: PATH: STATUS: TEXT" on standard error for a fault, "STATUS: TEXT", that tf_check() found, or a
// note if it is excused.
void report_fault(std::string_view path, std::string_view fault, bool excused);

// Prints "tensorfile: PATH: note: TEXT" on standard error, for a remark that is not an error.
void note(std::string_view path, std::string_view text);

// Returns the exit status of work(). If work throws a tensorfile::Error, reports it for path and returns its exit
// status.
template <typename Work>
int report_errors(std::string_view path, Work &&work) {
  stop_if_interrupted();
  try {
    return work();
  } catch (const tensorfile::Error &error) {
    return report(path, error);
  }
}

}  // namespace cli
