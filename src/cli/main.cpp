#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/output.h"
#include "cli/platform.h"
#include "cli/text.h"
#include "tensorfile.h"

namespace cli {

namespace {

struct Command {
  std::string_view name;
  std::string_view usage;
  std::string_view about;
  int (*run)(const Arguments &arguments);
};

constexpr std::array<Command, 5> kCommands = {{
    {"ls", "[--json] [--crc32] [--parts] FILE...", "names, dtypes, shapes, sizes, metadata", ls},
    {"convert",
     "[--compress] [--cast DTYPE] [--metadata keep|drop] [--name NAME] [--set KEY=VALUE] [--map] [--parts] IN OUT",
     "write the arrays of one file as another", convert},
    {"check", "[--quiet] [--parts] FILE...", "valid or not, and if not: what, where (reads every byte)", check},
    {"diff", "[--quiet] [--parts] A B", "which arrays differ, in what, by how much", diff},
    {"show", "[--metadata] [--parts] FILE NAME [SLICE]", "the values", show},
}};

std::string help() {
  std::string out = "Named n-dimensional arrays in .npy, .npz, .safetensors and .gguf files.\n\nUsage:\n";
  for (const Command &command : kCommands) {
    out += "  tensorfile " + std::string(command.name) + " " + std::string(command.usage) + "\n      " +
           std::string(command.about) + "\n";
  }
  return out +
         "  tensorfile COMMAND --help\n"
         "  tensorfile --version\n\n"
         "Exit status: 0 good; 1 a file is bad (diff: the files differ); 2 usage; 3 a file could not be read or "
         "written.\n";
}

int run(const Arguments &arguments, std::string &who) {
  if (arguments.empty()) throw UsageError{"a command is needed"};
  const std::string &first = arguments.front();
  if (first == "--help" || first == "-h" || first == "help") {
    print(help());
    return kExitOk;
  }
  if (first == "--version") {
    print("tensorfile " + std::string(tf_version_string()) + "\n");
    return kExitOk;
  }
  const auto command = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const Command &candidate) { return candidate.name == first; });
  if (command == kCommands.end()) throw UsageError{"no such command: " + in_quotes(first)};
  who += " " + first;
  return command->run(Arguments(arguments.begin() + 1, arguments.end()));
}

void complain(const std::string &line) {
  std::fputs((line + "\n").c_str(), stderr);
}

int guarded(const Arguments &arguments) {
  std::string who = "tensorfile";
  try {
    const int exit = run(arguments, who);
    flush_output();
    return exit;
  } catch (const UsageError &error) {
    complain(who + ": " + error.text + "\nTry '" + who + " --help'.");
    return kExitUsage;
  } catch (const OutputError &error) {
    complain("tensorfile: standard output: io: " + error.text);
  } catch (const FileError &error) {
    complain(std::string("tensorfile: ") + tf_status_name(error.status) + ": " + error.text);
  } catch (const std::bad_alloc &) {
    complain("tensorfile: out_of_memory: no memory left");
  }
  return kExitIo;
}

}  // namespace

}  // namespace cli

int main(int argc, char **argv) {
  cli::hold_standard_streams();
  return cli::guarded(cli::program_arguments(argc, argv));
}
