// Options that choose arrays by their names and rename them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"

namespace cli {

struct SelectionOptions {
  std::vector<std::string> only;           // patterns; empty means all
  std::vector<std::string> drop;           // patterns
  std::vector<std::string> renames;        // OLD=NEW
  std::vector<std::string> regex_renames;  // REGEX=NEW

  void declare(CommandLine &line);
  // Declares only the options that choose arrays.
  void declare_patterns(CommandLine &line);
};

// Applies the options to the names of arrays, and remembers which options had an effect.
class Selection {
 public:
  // Throws UsageError if an option is not valid.
  explicit Selection(const SelectionOptions &options);
  ~Selection();
  Selection(const Selection &) = delete;
  Selection &operator=(const Selection &) = delete;

  // Returns the new name of an array, or nothing if it is left out. Patterns and --rename see the old name;
  // --rename-regex changes the result of --rename, and several change it one after another.
  std::optional<std::string> apply(std::string_view name);

  // Throws UsageError if an option matched none of the names that apply() was called for.
  void require_effect() const;

 private:
  // An option with the number of names that it matched.
  struct Rule {
    std::string text;
    size_t count = 0;
  };
  class Regex;

  static bool match(std::vector<Rule> &rules, std::string_view name);
  std::string rename(std::string_view name);

  std::vector<Rule> only_;
  std::vector<Rule> drop_;
  std::vector<Rule> renames_;
  std::vector<Regex> regexes_;
};

}  // namespace cli
