#include "cli/arguments.h"

#include <algorithm>

#include "cli/error.h"
#include "cli/output.h"
#include "cli/text.h"

namespace cli {

namespace {

// CLI11 takes "[a,b]" for a list of two. Behind this character it is text like any other.
constexpr char kGuard = '\x01';

std::string guarded(const std::string &argument) {
  const bool needs_guard = argument.starts_with('[') || argument.starts_with(kGuard);
  return needs_guard ? kGuard + argument : argument;
}

std::string unguarded(const std::string &argument) {
  return argument.starts_with(kGuard) ? argument.substr(1) : argument;
}

}  // namespace

bool parse(CLI::App &app, const Arguments &arguments) {
  Arguments reversed;
  std::transform(arguments.rbegin(), arguments.rend(), std::back_inserter(reversed), guarded);
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp &) {
    print(app.help());
    return false;
  } catch (const CLI::ParseError &error) {
    throw UsageError{escaped(error.what())};
  }
  return true;
}

template <typename Value>
CLI::Option *add_text(CLI::App &app, const std::string &name, Value &value, const std::string &about) {
  return app.add_option(name, value, about)->transform(unguarded)->type_name("");
}

template CLI::Option *add_text(CLI::App &, const std::string &, std::string &, const std::string &);
template CLI::Option *add_text(CLI::App &, const std::string &, std::vector<std::string> &, const std::string &);

void add_parts(CLI::App &app, bool &parts) {
  app.add_flag("--parts", parts, "take a .gguf that is one part of several as the whole set");
}

void add_paths(CLI::App &app, std::vector<std::string> &paths) {
  add_text(app, "FILE", paths, "files to read: .npy, .npz, .safetensors, .gguf")->required();
}

}  // namespace cli
