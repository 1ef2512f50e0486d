// Command lines, by CLI11, with our exit statuses.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace cli {

using Arguments = std::vector<std::string>;

// Parses with app, whose name is the command's. False when there is nothing more to do: help was asked for and printed.
// Throws UsageError.
bool parse(CLI::App &app, const Arguments &arguments);

// `FILE...` and `FILE`: positional, taken as they stand.
void add_paths(CLI::App &app, std::vector<std::string> &paths);
void add_positional(CLI::App &app, const char *name, std::string &value, const char *about, bool required = true);

}  // namespace cli
