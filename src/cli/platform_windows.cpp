#if defined(_WIN32)

#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#include <windows.h>
// shellapi.h must be included after windows.h.
#include <shellapi.h>

#include <csignal>
#include <cstdio>

#include "cli/platform.h"
#include "tensorfile.hpp"

namespace cli {

namespace {

volatile sig_atomic_t interrupt = 0;

void remember(int signal) {
  interrupt = signal;
}

std::string utf8(const wchar_t *text) {
  const int length = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
  std::string out(static_cast<size_t>(length > 0 ? length : 1), '\0');
  WideCharToMultiByte(CP_UTF8, 0, text, -1, out.data(), length, nullptr, nullptr);
  out.pop_back();
  return out;
}

}  // namespace

std::vector<std::string> program_arguments(int, char **) {
  int count = 0;
  wchar_t **const wide = CommandLineToArgvW(GetCommandLineW(), &count);
  std::vector<std::string> out;
  for (int i = 1; i < count; ++i)
    out.push_back(utf8(wide[i]));
  LocalFree(wide);
  return out;
}

bool stdout_is_terminal() {
  return _isatty(_fileno(stdout)) != 0;
}

bool shows_colours(bool) {
  return false;
}

std::string standard_input_path() {
  throw tensorfile::Error(tensorfile::Status::unsupported, "standard input cannot be read on Windows; name a file");
}

bool stderr_is_terminal() {
  return _isatty(_fileno(stderr)) != 0;
}

void catch_interrupts() {
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

int pending_interrupt() {
  return interrupt;
}

// Sets binary mode, in which lines end in \n as on other systems. No descriptor needs to be reserved, because the
// library opens handles, which cannot be mistaken for standard streams.
void reserve_standard_streams() {
  _setmode(_fileno(stdout), _O_BINARY);
  _setmode(_fileno(stderr), _O_BINARY);
}

std::FILE *open_new_file(const std::filesystem::path &path) {
  const int descriptor = _wopen(path.c_str(), _O_WRONLY | _O_CREAT | _O_EXCL | _O_BINARY, _S_IREAD | _S_IWRITE);
  return descriptor == -1 ? nullptr : _fdopen(descriptor, "wb");
}

}  // namespace cli

#endif
