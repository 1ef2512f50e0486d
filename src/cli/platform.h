// Functions that differ between operating systems.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// Returns the arguments after the program's name: UTF-8 on Windows, bytes elsewhere.
std::vector<std::string> program_arguments(int argc, char **argv);

bool stdout_is_terminal();
bool stderr_is_terminal();

// True if standard output, or else standard error, is a terminal that understands the escape sequences of colours.
bool shows_colours(bool standard_output);

// The start of the path that standard_input_path() returns.
constexpr std::string_view kDescriptorFolder = "/dev/fd/";

// Returns a path by which the bytes of standard input can be read in any order, any number of times. What cannot be read so
// is first copied to a file of mode 0600 without a name. Throws tensorfile::Error with IO.
std::string standard_input_path();

// Makes SIGINT and SIGTERM, unless they are ignored, only set what pending_interrupt() returns: the number of the signal, 0
// if there was none.
void catch_interrupts();
int pending_interrupt();

// Opens the descriptors 0 to 2 if they are closed, so that a file opened later is not used as a standard stream.
void reserve_standard_streams();

// Creates a file and opens it for writing. Returns NULL and sets errno if that fails or if the file exists.
std::FILE *open_new_file(const std::filesystem::path &path);

}  // namespace cli
