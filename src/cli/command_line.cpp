#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/error_output.h"
#include "cli/format_list.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/settings.h"
#include "cli/size_argument.h"
#include "cli/suggestion.h"
#include "cli/text.h"

namespace cli {

namespace {

// CLI11 parses an argument that begins with '[' as a list. This prefix prevents that, and is removed after parsing.
constexpr char kGuard = '\x01';

std::string guarded(const std::string &argument) {
  const bool needs_guard = argument.starts_with('[') || argument.starts_with(kGuard);
  return needs_guard ? kGuard + argument : argument;
}

std::string unguarded(const std::string &argument) {
  return argument.starts_with(kGuard) ? argument.substr(1) : argument;
}

std::string synopsis_of(const CLI::Option &option) {
  const std::string dots = option.get_items_expected_max() > 1 ? "..." : "";
  if (option.get_positional()) {
    const std::string name = option.get_name(true) + dots;
    return option.get_required() ? name : "[" + name + "]";
  }
  const std::string type = option.get_type_name();
  const std::string text = "--" + option.get_lnames().front() + (type.empty() ? "" : " " + type);
  return (option.get_required() ? text : "[" + text + "]") + dots;
}

int64_t size_of(const std::string &option, const std::string &argument) {
  const std::optional<int64_t> size = parse_size(argument);
  if (!size)
    throw UsageError{option + ": expected a number or a size such as 5GB or 512MiB, not " + in_quotes(argument)};
  return *size;
}

// Returns the group that an option is in, or NULL for an option of the command itself.
const OptionGroup *group_of(const CLI::Option &option) {
  for (const OptionGroup *const group : {&kSelectionGroup, &kCommonGroup}) {
    if (option.get_group() == group->title) return group;
  }
  return nullptr;
}

}  // namespace

CommandLine::CommandLine(const std::string &about, const std::string &name)
    : app_(std::make_unique<CLI::App>(about, name)) {}

CommandLine::~CommandLine() = default;

CLI::Option *CommandLine::grouped(CLI::Option *option) const {
  return group_.empty() ? option : option->group(group_);
}

template <typename Value>
CLI::Option *CommandLine::text(const std::string &name, Value &value, const std::string &about) {
  return grouped(app_->add_option(name, value, about))->transform(unguarded)->type_name("");
}

void CommandLine::flag(const std::string &names, bool &value, const std::string &about) {
  grouped(app_->add_flag(names, value, about));
}

void CommandLine::option(const std::string &name, std::string &value, const std::string &about,
                         const std::string &type) {
  text(name, value, about)->type_name(type);
}

void CommandLine::option(const std::string &name, std::optional<std::string> &value, const std::string &about,
                         const std::string &type) {
  const auto store = [&value](const std::string &argument) { value = unguarded(argument); };
  grouped(app_->add_option_function<std::string>(name, store, about))->type_name(type);
}

void CommandLine::required_option(const std::string &names, std::string &value, const std::string &about,
                                  const std::string &type) {
  text(names, value, about)->required()->type_name(type);
}

void CommandLine::options(const std::string &name, std::vector<std::string> &values, const std::string &about,
                          const std::string &type) {
  text(name, values, about)->allow_extra_args(false)->type_name(type);
}

void CommandLine::size(const std::string &name, int64_t &value, const std::string &about) {
  const auto store = [name, &value](const std::string &argument) {
    value = size_of(name, unguarded(argument));
    if (value == 0) throw UsageError{name + ": expected a size of at least 1"};
  };
  grouped(app_->add_option_function<std::string>(name, store, about))->type_name("SIZE");
}

// Declares the option that sets a number of the library. The library checks its range.
void CommandLine::number(const char *name, const std::string &about, InputOptions &input) {
  const std::string flag = flag_of(name);
  const auto store = [flag, name, &input](const std::string &argument) {
    input.numbers.emplace_back(name, size_of(flag, unguarded(argument)));
  };
  const bool bytes = flag.ends_with("bytes");
  grouped(app_->add_option_function<std::string>(flag, store, about))->type_name(bytes ? "SIZE" : "N");
}

void CommandLine::argument(const std::string &name, std::string &value, const std::string &about) {
  text(name, value, about)->required();
}

// CLI11 cannot leave the last argument to another option.
void CommandLine::inputs_and_output(std::vector<std::string> &inputs, std::string &output) {
  text("IN", inputs, "files to read, followed by OUT, the file to write")->required()->expected(2, -1);
  inputs_ = &inputs;
  output_ = &output;
}

void CommandLine::optional_argument(const std::string &name, std::string &value, const std::string &about) {
  text(name, value, about);
}

void CommandLine::input(InputOptions &input) {
  begin_group(kCommonGroup);
  flag("--parts", input.parts, "open the whole set if a file is one part of it");
  input_ = &input;
  flag("--lenient", input.lenient, "accept faults that the reference readers of the formats accept");
  option("--format", input.format,
         "read files as FORMAT: " + list_formats() + ", or content to ignore their extensions", "FORMAT");
  flag("--skip-unsupported", input.skip_unsupported, "leave out arrays whose types are unknown, and name each of them");
  flag("-q,--quiet", input.quiet, "print no notes and no progress bar");
  number("threads", "use at most N threads (default: one for each core)", input);
  number("max_bytes", "refuse to use more memory than SIZE for a file", input);
  number("max_header_bytes", "refuse a larger header", input);
  number("max_arrays", "refuse more arrays in a file", input);
  number("max_metadata", "refuse more metadata values in a file", input);
  number("max_name_bytes", "refuse longer names and keys", input);
  number("max_rank", "refuse arrays of more dimensions", input);
  number("max_nesting", "refuse deeper nesting of metadata", input);
  end_group();
}

void CommandLine::paths(std::vector<std::string> &paths) {
  text("FILE", paths, "files to read: " + list_extensions())->required();
}

// Suggests an option in place of the first unknown one.
std::string CommandLine::suggestion() const {
  for (const std::string &argument : app_->remaining()) {
    if (argument.starts_with('-')) return did_you_mean(argument.substr(0, argument.find('=')), option_names());
  }
  return "";
}

// Returns what CLI11 says about arguments that were not expected, with each as messages show it.
std::string CommandLine::unexpected_text() const {
  Arguments arguments = app_->remaining();
  std::transform(arguments.begin(), arguments.end(), arguments.begin(), shown_argument);
  return CLI::ExtrasError(std::move(arguments)).what();
}

bool CommandLine::parse(const Arguments &arguments) {
  Arguments reversed;
  std::transform(arguments.rbegin(), arguments.rend(), std::back_inserter(reversed), guarded);
  try {
    app_->parse(std::move(reversed));
  } catch (const CLI::CallForHelp &) {
    std::string help = app_->help();
    if (output_ != nullptr) help.insert(help.find('\n', help.find("Usage:")), " OUT");
    print(help);
    return false;
  } catch (const CLI::ExtrasError &) {
    throw UsageError{escaped(unexpected_text()) + suggestion()};
  } catch (const CLI::ParseError &error) {
    throw UsageError{escaped(error.what())};
  }
  if (input_ != nullptr) settings().quiet = input_->quiet;
  if (output_ != nullptr) {
    *output_ = inputs_->back();
    inputs_->pop_back();
  }
  return true;
}

std::vector<const CLI::Option *> CommandLine::options_of(const OptionGroup &group) const {
  return std::as_const(*app_).get_options(
      [&group](const CLI::Option *option) { return option->get_group() == group.title; });
}

std::vector<std::string> CommandLine::synopsis() const {
  std::vector<std::string> options;
  std::vector<std::string> arguments;
  for (const CLI::Option *option : std::as_const(*app_).get_options()) {
    const OptionGroup *const group = group_of(*option);
    if (option == app_->get_help_ptr() || group != nullptr) continue;
    (option->get_positional() ? arguments : options).push_back(synopsis_of(*option));
  }
  for (const OptionGroup *const group : {&kSelectionGroup, &kCommonGroup}) {
    if (!options_of(*group).empty()) options.push_back(std::string("[") + group->label + "]...");
  }
  options.insert(options.end(), arguments.begin(), arguments.end());
  if (output_ != nullptr) options.emplace_back("OUT");
  return options;
}

std::vector<std::string> CommandLine::option_names() const {
  std::vector<std::string> names;
  for (const CLI::Option *option : std::as_const(*app_).get_options()) {
    for (const std::string &name : option->get_lnames())
      names.push_back("--" + name);
  }
  return names;
}

bool CommandLine::takes_value(const std::string &name) const {
  const CLI::Option *const option = std::as_const(*app_).get_option_no_throw(name);
  return option != nullptr && option->get_items_expected_max() > 0;
}

std::string CommandLine::help_of(const OptionGroup &group) const {
  return CLI::Formatter().make_group(group.title, false, options_of(group));
}

}  // namespace cli
