// What can go wrong, how it is told on standard error, and the exit status that it makes.
#pragma once

#include <string>
#include <string_view>

#include "tensorfile.h"

namespace cli {

enum Exit : int {
  kExitOk = 0,
  kExitBadFile = 1,  // diff: the files differ
  kExitUsage = 2,
  kExitIo = 3,
};

// A file that cannot be read, trusted, or written.
struct FileError {
  tf_status status;
  std::string text;
};

// A command line that makes no sense.
struct UsageError {
  std::string text;
};

// Standard output does not take what is written.
struct OutputError {
  std::string text;
};

// Throws the library's last failure when the status is one.
void expect(tf_status status);

// "tensorfile: PATH: STATUS: TEXT" on standard error. Gives the exit status.
Exit report(std::string_view path, const FileError &error);

// "tensorfile: PATH: note: TEXT": worth knowing, and no failure.
void note(std::string_view path, std::string_view text);

// Runs work() and reports its FileError as path's. Gives what work gives, or the exit status of the failure.
template <typename Work>
int reporting(std::string_view path, Work &&work) {
  try {
    return work();
  } catch (const FileError &error) {
    return report(path, error);
  }
}

}  // namespace cli
