#if !defined(_WIN32)

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cli/platform.h"

namespace cli {

namespace {

volatile sig_atomic_t interrupt = 0;

void remember(int signal) {
  interrupt = signal;
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
