#include "cli/text_table.h"

#include <algorithm>

#include "cli/output.h"
#include "cli/text.h"

namespace cli {

namespace {

// A longer cell moves the rest of its own row only. Otherwise one long name in a file would make every row as long.
constexpr size_t kWidestColumn = 60;

}  // namespace

void print_table(const std::vector<std::vector<std::string>> &rows) {
  std::vector<size_t> widths(rows.front().size());
  for (const auto &row : rows) {
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::clamp(width(row[i]), widths[i], kWidestColumn);
  }
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += "  " + row[i];
      const size_t columns = width(row[i]);
      if (i + 1 < row.size() && columns < widths[i]) line.append(widths[i] - columns, ' ');
    }
    print(line + "\n");
  }
}

}  // namespace cli
