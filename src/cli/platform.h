// What the system gives a program.
#pragma once

#include <string>
#include <vector>

namespace cli {

// The arguments behind the program's name; UTF-8 on Windows, bytes elsewhere.
std::vector<std::string> program_arguments(int argc, char **argv);

bool stderr_is_terminal();

// Makes descriptors 0 to 2 exist, so that no file that is opened later takes the place of a closed standard stream.
void hold_standard_streams();

}  // namespace cli
