#include "cli/arguments.h"

#include <algorithm>

#include "cli/error.h"
#include "cli/output.h"

namespace cli {

bool parse(CLI::App &app, const Arguments &arguments) {
  try {
    app.parse(Arguments(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp &) {
    print(app.help());
    return false;
  } catch (const CLI::ParseError &error) {
    throw UsageError{error.what()};
  }
  return true;
}

void add_paths(CLI::App &app, std::vector<std::string> &paths) {
  app.add_option("FILE", paths, "files to read: .npy, .npz, .safetensors, .gguf")->required()->type_name("");
}

void add_positional(CLI::App &app, const char *name, std::string &value, const char *about, bool required) {
  app.add_option(name, value, about)->required(required)->type_name("");
}

}  // namespace cli
