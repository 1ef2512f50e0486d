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

// An option or, without dashes, a positional argument, whose value is taken as it stands.
template <typename Value>
CLI::Option *add_text(CLI::App &app, const std::string &name, Value &value, const std::string &about);

// `--parts`
void add_parts(CLI::App &app, bool &parts);

// `FILE...`
void add_paths(CLI::App &app, std::vector<std::string> &paths);

}  // namespace cli
