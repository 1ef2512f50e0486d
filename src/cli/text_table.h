// Prints tables.
#pragma once

#include <string>
#include <vector>

namespace cli {

// Prints rows with the same number of cells, indented. Each column but the last is as wide as its widest cell, up to a limit.
void print_table(const std::vector<std::vector<std::string>> &rows);

}  // namespace cli
