// The program tensorfile: runs the command that its first argument names.
#include <cstdio>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/error_output.h"
#include "cli/format_list.h"
#include "cli/output.h"
#include "cli/platform.h"
#include "cli/remote.h"
#include "cli/selection.h"
#include "cli/suggestion.h"
#include "cli/text.h"

namespace cli {

namespace {

constexpr size_t kHelpColumns = 80;

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_ls());
  commands.push_back(make_convert());
  commands.push_back(make_edit());
  commands.push_back(make_check());
  commands.push_back(make_diff());
  commands.push_back(make_show());
  commands.push_back(make_stat());
  commands.push_back(make_report());
  return commands;
}

std::string full_name(const Command &command) {
  return "tensorfile " + command.name();
}

// Joins words with spaces and wraps them at kHelpColumns. Lines after the first are indented.
std::string wrapped(std::string first, size_t indentation, const std::vector<std::string> &words) {
  std::string out;
  std::string line = std::move(first);
  for (const std::string &word : words) {
    if (line.size() + 1 + word.size() > kHelpColumns) {
      out += line + "\n";
      line = std::string(indentation - 1, ' ');
    }
    line += " " + word;
  }
  return out + line + "\n";
}

std::string help_of(Command &command) {
  CommandLine line(command.about(), full_name(command));
  command.declare(line);
  const std::string start = "  " + full_name(command);
  return wrapped(start, start.size() + 1, line.synopsis()) + "      " + command.about() + "\n";
}

// Describes the options that several commands have.
std::string help_of_groups() {
  CommandLine line("", "");
  SelectionOptions selection;
  InputOptions input;
  selection.declare(line);
  line.input(input);
  return line.help_of(kSelectionGroup) + line.help_of(kCommonGroup);
}

std::string help() {
  std::string out =
      "Lists, converts, edits, checks, compares, shows and describes files of named\n"
      "n-dimensional arrays: " +
      list_extensions(" and ") + ".\n\nUsage:\n";
  for (const std::unique_ptr<Command> &command : all_commands())
    out += help_of(*command);
  return out +
         "  tensorfile COMMAND --help\n"
         "      Describe the options of a command.\n"
         "  tensorfile --version\n"
         "      Print the version.\n" +
         help_of_groups() +
         "\n"
         "Exit status: 0 success; 1 a file is invalid (diff: the files differ); 2 the\n"
         "command line is invalid; 3 a file could not be read or written.\n";
}

int run_command(Command &command, const Arguments &arguments) {
  CommandLine line(command.about(), full_name(command));
  command.declare(line);
  return line.parse(arguments) ? command.run() : int{kExitOk};
}

// Runs a command. Sets `who` to the program and the command, for the message of a UsageError.
int run(const Arguments &arguments, std::string &who) {
  if (arguments.empty()) throw UsageError{"expected a command"};
  const std::string &first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") {
    print(help());
    return kExitOk;
  }
  if (first == "--version") {
    print("tensorfile " + std::string(tf_version_string()) + "\n");
    return kExitOk;
  }
  if (first == kCompleteCommand) {
    complete(Arguments(arguments.begin() + 1, arguments.end()), all_commands());
    return kExitOk;
  }
  std::vector<std::string> names;
  for (const std::unique_ptr<Command> &command : all_commands()) {
    names.push_back(command->name());
    if (command->name() != first) continue;
    who = full_name(*command);
    return run_command(*command, Arguments(arguments.begin() + 1, arguments.end()));
  }
  throw UsageError{"unknown command " + in_quotes(shown_argument(first)) + did_you_mean(first, names)};
}

void print_error(const std::string &line) {
  std::fputs((line + "\n").c_str(), stderr);
}

// Runs the program, and reports the errors that no command has reported.
int run_and_report(const Arguments &arguments) {
  std::string who = "tensorfile";
  try {
    const int exit = run(arguments, who);
    flush_output();
    return exit;
  } catch (const UsageError &error) {
    print_error(who + ": " + error.text + "\nTry '" + who + " --help'.");
    return kExitUsage;
  } catch (const OutputError &error) {
    print_error("tensorfile: standard output: io: " + error.text);
  } catch (const tensorfile::Error &error) {
    print_error(std::string("tensorfile: ") + tensorfile::name(error.status()) + ": " + escaped(error.what()));
  } catch (const Interrupted &interrupt) {
    return kExitInterrupted + interrupt.signal;
  } catch (const std::bad_alloc &) {
    print_error("tensorfile: out_of_memory: out of memory");
  }
  return kExitIo;
}

}  // namespace

}  // namespace cli

int main(int argc, char **argv) {
  cli::reserve_standard_streams();
  cli::catch_interrupts();
  return cli::run_and_report(cli::program_arguments(argc, argv));
}
