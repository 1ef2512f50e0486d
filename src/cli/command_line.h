// Parses command lines with CLI11, and reports errors with the exit statuses of this program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Only command_line.cpp includes CLI11's headers, which take long to compile.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cli {

using Arguments = std::vector<std::string>;

// The options that control how a command opens the files that it reads.
struct InputOptions {
  bool parts = false;
  bool lenient = false;
  bool skip_unsupported = false;
  bool quiet = false;
  std::string format = "auto";
  std::vector<std::pair<std::string, int64_t>> numbers;  // names and values of options of the library
};

// Several commands have the options of a group. The help of the program and the manual describe them once.
struct OptionGroup {
  const char *label;  // in a synopsis, such as "[SELECTION]..."
  const char *title;  // above the options in a help text
};
constexpr OptionGroup kSelectionGroup{"SELECTION", "SELECTION, options that choose and rename arrays"};
constexpr OptionGroup kCommonGroup{"COMMON", "COMMON, options of all commands"};

// The options and arguments of a command. parse() stores their values in the variables passed here.
class CommandLine {
 public:
  // `name` is the program and the command, such as "tensorfile ls".
  CommandLine(const std::string &about, const std::string &name);
  ~CommandLine();
  CommandLine(const CommandLine &) = delete;
  CommandLine &operator=(const CommandLine &) = delete;

  // Adds the options that are declared from now on to a group.
  void begin_group(const OptionGroup &group) { group_ = group.title; }
  void end_group() { group_.clear(); }
  void flag(const std::string &names, bool &value, const std::string &about);
  void option(const std::string &name, std::string &value, const std::string &about, const std::string &type);
  // Declares an option that must be given.
  void required_option(const std::string &names, std::string &value, const std::string &about, const std::string &type);
  // Declares an option with a value. The value stays empty if the option is not given.
  void option(const std::string &name, std::optional<std::string> &value, const std::string &about,
              const std::string &type);
  // Declares an option that may be repeated.
  void options(const std::string &name, std::vector<std::string> &values, const std::string &about,
               const std::string &type);
  // Declares an option whose value is a positive number of bytes, such as 5GB.
  void size(const std::string &name, int64_t &value, const std::string &about);
  void argument(const std::string &name, std::string &value, const std::string &about);
  // Declares the arguments IN... OUT.
  void inputs_and_output(std::vector<std::string> &inputs, std::string &output);
  void optional_argument(const std::string &name, std::string &value, const std::string &about);
  // Declares the options that all commands have.
  void input(InputOptions &input);
  // Declares the arguments FILE...
  void paths(std::vector<std::string> &paths);

  // Returns false if help was requested and has been printed. Throws UsageError.
  bool parse(const Arguments &arguments);

  // Returns the options and arguments for the synopsis: "[--json]", "[--set KEY=VALUE]...", "[COMMON]...", "FILE...".
  std::vector<std::string> synopsis() const;

  // Returns all options that begin with "--".
  std::vector<std::string> option_names() const;
  // True if an option has a value.
  bool takes_value(const std::string &name) const;

  // Returns the help text of the options of a group.
  std::string help_of(const OptionGroup &group) const;

 private:
  std::string suggestion() const;
  std::string unexpected_text() const;
  CLI::Option *grouped(CLI::Option *option) const;
  std::vector<const CLI::Option *> options_of(const OptionGroup &group) const;
  template <typename Value>
  CLI::Option *text(const std::string &name, Value &value, const std::string &about);
  void number(const char *name, const std::string &about, InputOptions &input);

  std::unique_ptr<CLI::App> app_;
  std::string group_;                           // "" is the group of the options of the command itself
  std::vector<std::string> *inputs_ = nullptr;  // of inputs_and_output(); until the end of parse() OUT is its last
  std::string *output_ = nullptr;
  const InputOptions *input_ = nullptr;
};

}  // namespace cli
