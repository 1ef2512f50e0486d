// Settings of the program that all of its parts follow.
#pragma once

#include <cstddef>

namespace cli {

struct Settings {
  bool quiet = false;  // no notes and no progress bars
  size_t threads = 0;  // 0 means one for each core
};

// Returns the settings, which the command line sets before the command runs.
Settings &settings();

}  // namespace cli
