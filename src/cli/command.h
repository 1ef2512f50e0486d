// The commands of the program, one file each.
#pragma once

#include "cli/arguments.h"

namespace cli {

// Each is given what stands behind its name, and gives an exit status.
int ls(const Arguments &arguments);
int convert(const Arguments &arguments);
int check(const Arguments &arguments);
int diff(const Arguments &arguments);
int show(const Arguments &arguments);

}  // namespace cli
