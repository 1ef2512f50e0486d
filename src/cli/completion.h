// The words that a shell offers to complete a command line: `tensorfile __complete WORD...`, which completions/ calls.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace cli {

constexpr std::string_view kCompleteCommand = "__complete";

// Prints what the last word may become, given the words after the name of the program: commands, options, their values,
// names of arrays and metadata keys. Each is followed by a NUL, because names may contain any other character. Prints
// nothing if a path may follow.
void complete(const Arguments &words, const std::vector<std::unique_ptr<Command>> &commands);

}  // namespace cli
