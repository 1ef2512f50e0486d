// Command lines, by CLI11, with our exit statuses.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

// Only arguments.cpp needs its headers, which take long to compile.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cli {

using Arguments = std::vector<std::string>;

// What a command takes. Values are taken as they stand, and are there after parse().
class CommandLine {
 public:
  // name: as it is called, "tensorfile ls".
  CommandLine(const std::string &about, const std::string &name);
  ~CommandLine();
  CommandLine(const CommandLine &) = delete;
  CommandLine &operator=(const CommandLine &) = delete;

  void flag(const std::string &names, bool &value, const std::string &about);
  void option(const std::string &name, std::string &value, const std::string &about, const std::string &type);
  // May stand several times.
  void options(const std::string &name, std::vector<std::string> &values, const std::string &about,
               const std::string &type);
  // A number from 1.
  void number(const std::string &name, int64_t &value, const std::string &about, const std::string &type);
  void argument(const std::string &name, std::string &value, const std::string &about);
  void optional_argument(const std::string &name, std::string &value, const std::string &about);
  // `--parts`
  void parts(bool &parts);
  // `FILE...`
  void paths(std::vector<std::string> &paths);

  // False when there is nothing more to do: help was asked for and printed. Throws UsageError.
  bool parse(const Arguments &arguments);
  // After parse(): whether an option was given.
  bool has(const std::string &name) const;

 private:
  template <typename Value>
  CLI::Option *text(const std::string &name, Value &value, const std::string &about);

  std::unique_ptr<CLI::App> app_;
};

}  // namespace cli
