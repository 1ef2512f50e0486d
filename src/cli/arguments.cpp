#include "cli/arguments.h"

#include <CLI/CLI.hpp>
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

CommandLine::CommandLine(const std::string &about, const std::string &name)
    : app_(std::make_unique<CLI::App>(about, name)) {}

CommandLine::~CommandLine() = default;

template <typename Value>
CLI::Option *CommandLine::text(const std::string &name, Value &value, const std::string &about) {
  return app_->add_option(name, value, about)->transform(unguarded)->type_name("");
}

void CommandLine::flag(const std::string &names, bool &value, const std::string &about) {
  app_->add_flag(names, value, about);
}

void CommandLine::option(const std::string &name, std::string &value, const std::string &about,
                         const std::string &type) {
  text(name, value, about)->type_name(type);
}

void CommandLine::options(const std::string &name, std::vector<std::string> &values, const std::string &about,
                          const std::string &type) {
  text(name, values, about)->allow_extra_args(false)->type_name(type);
}

void CommandLine::number(const std::string &name, int64_t &value, const std::string &about, const std::string &type) {
  app_->add_option(name, value, about)->check(CLI::PositiveNumber)->type_name(type);
}

void CommandLine::argument(const std::string &name, std::string &value, const std::string &about) {
  text(name, value, about)->required();
}

void CommandLine::optional_argument(const std::string &name, std::string &value, const std::string &about) {
  text(name, value, about);
}

void CommandLine::parts(bool &parts) {
  flag("--parts", parts, "take a .gguf that is one part of several as the whole set");
}

void CommandLine::paths(std::vector<std::string> &paths) {
  text("FILE", paths, "files to read: .npy, .npz, .safetensors, .gguf")->required();
}

bool CommandLine::parse(const Arguments &arguments) {
  Arguments reversed;
  std::transform(arguments.rbegin(), arguments.rend(), std::back_inserter(reversed), guarded);
  try {
    app_->parse(std::move(reversed));
  } catch (const CLI::CallForHelp &) {
    print(app_->help());
    return false;
  } catch (const CLI::ParseError &error) {
    throw UsageError{escaped(error.what())};
  }
  return true;
}

bool CommandLine::has(const std::string &name) const {
  return app_->count(name) > 0;
}

}  // namespace cli
