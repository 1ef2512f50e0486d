// Options that choose arrays by their names and rename them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"
#include "cli/input_file.h"

namespace cli {

struct SelectionOptions {
  std::vector<std::string> only;           // patterns; empty means all
  std::vector<std::string> drop;           // patterns
  std::vector<std::string> renames;        // OLD=NEW
  std::vector<std::string> regex_renames;  // REGEX=NEW

  void declare(CommandLine &line);

  bool empty() const { return only.empty() && drop.empty() && renames.empty() && regex_renames.empty(); }
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

  std::string suggestion(std::string_view text) const;
  static bool match(std::vector<Rule> &rules, std::string_view name);
  std::string rename(std::string_view name);

  std::vector<Rule> only_;
  std::vector<Rule> drop_;
  std::vector<Rule> renames_;
  std::vector<Regex> regexes_;
  std::vector<std::string> seen_;  // the names that apply() was called for, to suggest one of them
};

// An array of a file, and the name that the options give it.
struct SelectedArray {
  Entry entry;
  std::string name;
};

// Returns the arrays of a file that the options choose, in file order. If the library's options leave out arrays of unknown
// types, prints a note about each of them. Throws DUPLICATE if two arrays would get the same name.
std::vector<SelectedArray> select_arrays(const std::string &path, const tensorfile::File &file, Selection &selection,
                                         const tensorfile::Options &options);

// Prints a note that an array of an unknown type is left out.
void note_left_out(const std::string &path, const Entry &entry);

// Returns the total number of bytes of the arrays.
uint64_t total_bytes(const std::vector<SelectedArray> &arrays);

// Throws UsageError if an option matches no array of any of the files, before anything is printed. A file that cannot be
// opened might have had one.
void require_effect(const SelectionOptions &options, const std::vector<std::string> &paths, const InputOptions &input);

}  // namespace cli
