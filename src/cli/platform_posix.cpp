#if !defined(_WIN32)

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "cli/error_output.h"
#include "cli/platform.h"

namespace cli {

namespace {

volatile sig_atomic_t interrupt = 0;

void remember(int signal) {
  interrupt = signal;
}

std::string path_of(int descriptor) {
  return std::string(kDescriptorFolder) + std::to_string(descriptor);
}

// Opening the path of a descriptor again starts at the first byte, and needs permission.
bool is_regular_from_start(int descriptor) {
  struct stat status = {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && lseek(descriptor, 0, SEEK_CUR) == 0 &&
         access(path_of(descriptor).c_str(), R_OK) == 0;
}

// The file has no name once it is open, so nothing remains of it, however the program ends. /var/tmp is preferred because
// /tmp is often memory.
int open_unnamed_file() {
  for (const char *const name : {"/var/tmp/tensorfile-XXXXXX", "/tmp/tensorfile-XXXXXX"}) {
    std::string path = name;
    const int descriptor = mkstemp(path.data());
    if (descriptor == -1) continue;
    unlink(path.c_str());
    return descriptor;
  }
  throw_system_error("cannot create a temporary file for standard input");
}

void write_all(int descriptor, const char *data, size_t count) {
  while (count > 0) {
    const ssize_t written = write(descriptor, data, count);
    if (written == -1 && errno != EINTR) throw_system_error("cannot copy standard input to a temporary file");
    stop_if_interrupted();
    if (written == -1) continue;
    data += written;
    count -= static_cast<size_t>(written);
  }
}

int copy_to_unnamed_file(int from) {
  constexpr size_t kBufferBytes = size_t{1} << 20U;
  const int to = open_unnamed_file();
  std::vector<char> buffer(kBufferBytes);
  while (true) {
    const ssize_t count = read(from, buffer.data(), buffer.size());
    if (count == -1 && errno != EINTR) throw_system_error("cannot read standard input");
    stop_if_interrupted();
    if (count == 0) return to;
    if (count > 0) write_all(to, buffer.data(), static_cast<size_t>(count));
  }
}

}  // namespace

std::vector<std::string> program_arguments(int argc, char **argv) {
  return {argv + (argc > 0 ? 1 : 0), argv + argc};
}

bool stdout_is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}

bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) == 1;
}

bool shows_colours(bool standard_output) {
  return standard_output ? stdout_is_terminal() : stderr_is_terminal();
}

std::string standard_input_path() {
  static const std::string path =
      path_of(is_regular_from_start(STDIN_FILENO) ? int{STDIN_FILENO} : copy_to_unnamed_file(STDIN_FILENO));
  return path;
}

// Without SA_RESTART, so that reading standard input ends.
void catch_interrupts() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action = {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = remember;
    sigaction(signal, &action, nullptr);
  }
}

int pending_interrupt() {
  return interrupt;
}

void reserve_standard_streams() {
  // The descriptors are opened for the wrong direction, so that reading or writing still fails.
  for (const int wanted : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(wanted, F_GETFD) == -1) open("/dev/null", wanted == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

std::FILE *open_new_file(const std::filesystem::path &path) {
  return std::fopen(path.c_str(), "wbx");
}

}  // namespace cli

#endif
