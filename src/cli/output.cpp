#include "cli/output.h"

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "cli/error_output.h"

namespace cli {

namespace {

[[noreturn]] void fail() {
  stop_if_interrupted();  // a signal ends a write
  throw OutputError{std::generic_category().message(errno)};
}

}  // namespace

void print(std::string_view text) {
  stop_if_interrupted();
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail();
}

void flush_output() {
  if (std::fflush(stdout) != 0) fail();
}

}  // namespace cli
