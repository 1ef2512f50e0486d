// The interface of the program's commands. Each command is in its own source file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command_line.h"

namespace cli {

class Command {
 public:
  Command(std::string name, std::string about) : name_(std::move(name)), about_(std::move(about)) {}
  virtual ~Command() = default;
  Command(const Command &) = delete;
  Command &operator=(const Command &) = delete;

  const std::string &name() const { return name_; }
  // Returns a one-sentence description for the help.
  const std::string &about() const { return about_; }
  // Declares the options and arguments, whose values are stored in the command.
  virtual void declare(CommandLine &line) = 0;
  // Runs the command after its command line has been parsed. Returns the exit status.
  virtual int run() = 0;

 private:
  std::string name_;
  std::string about_;
};

std::unique_ptr<Command> make_ls();
std::unique_ptr<Command> make_convert();
std::unique_ptr<Command> make_check();
std::unique_ptr<Command> make_diff();
std::unique_ptr<Command> make_show();
std::unique_ptr<Command> make_stat();
std::unique_ptr<Command> make_report();
std::unique_ptr<Command> make_edit();

}  // namespace cli
