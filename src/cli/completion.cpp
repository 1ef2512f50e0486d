#include "cli/completion.h"

#include <algorithm>

#include "cli/input_file.h"
#include "cli/metadata.h"
#include "cli/output.h"
#include "cli/suggestion.h"

namespace cli {

namespace {

using Words = std::vector<std::string>;

// A command line that is being typed.
struct Line {
  std::string option;   // the option whose value the last word is, or ""
  std::string current;  // the last word, without "--option="
  Words arguments;      // the complete words that are no options and no values
  bool options = true;  // "--" does not precede the last word
  bool metadata = false;
};

// Opens the files that the line names so far, and ignores those that cannot be opened.
template <typename NamesOf>
Words names_in_files(const Words &paths, NamesOf &&names_of) {
  Words all;
  for (const std::string &path : paths) {
    if (path == "-") continue;
    try {
      const Words names = names_of(tensorfile::File(path));
      all.insert(all.end(), names.begin(), names.end());
    } catch (const tensorfile::Error &) {
      continue;
    }
  }
  return all;
}

Words keys_in_files(const Words &paths) {
  return names_in_files(paths, [](const tensorfile::File &file) { return keys_of(file.metadata()); });
}

Words followed_by_equals(Words words) {
  for (std::string &word : words)
    word += '=';
  return words;
}

Words format_names() {
  Words names;
  for (const tensorfile::Format format : tensorfile::formats())
    names.emplace_back(tensorfile::name(format));
  return names;
}

Words preset_names() {
  Words names;
  for (const tensorfile::Preset preset : tensorfile::presets())
    names.emplace_back(tensorfile::name(preset));
  return names;
}

// What --tensor-type accepts: the name of an array and "=", then a type.
Words tensor_types(const Line &line) {
  const size_t equals = line.current.rfind('=');
  if (equals == std::string::npos) return followed_by_equals(names_in_files(line.arguments, array_names));
  Words types = encodable_names(false);
  for (std::string &type : types)
    type.insert(0, line.current, 0, equals + 1);
  return types;
}

Words values_of(const Line &line) {
  const std::string &option = line.option;
  if (option == "--only" || option == "--drop" || option == "--name")
    return names_in_files(line.arguments, array_names);
  if (option == "--rename") return followed_by_equals(names_in_files(line.arguments, array_names));
  if (option == "--delete") return keys_in_files(line.arguments);
  if (option == "--set" || option == "--set-file") return followed_by_equals(keys_in_files(line.arguments));
  if (option == "--cast") return dtype_names(false);
  if (option == "--quantize") return encodable_names(true);
  if (option == "--preset") return preset_names();
  if (option == "--tensor-type") return tensor_types(line);
  if (option == "--to") return format_names();
  if (option == "--metadata") return {"keep", "drop", "strings"};
  if (option == "--decode") return {"mlx"};
  if (option != "--format") return {};
  Words names = format_names();
  names.emplace_back("content");
  return names;
}

// Divides the words after the command. After "--" there are no options.
Line parse(const Words &words, const CommandLine &known) {
  Line line;
  bool &options = line.options;
  for (size_t i = 1; i + 1 < words.size(); ++i) {
    const std::string &word = words[i];
    if (options && word == "--") {
      options = false;
    } else if (!options || !word.starts_with('-') || word == "-") {
      line.arguments.push_back(word);
    } else if (known.takes_value(word)) {
      if (i + 2 == words.size()) line.option = word;
      ++i;
    } else {
      line.metadata = line.metadata || word == "--metadata";
    }
  }
  line.current = words.back();
  const size_t equals = line.current.find('=');
  if (options && line.option.empty() && line.current.starts_with("--") && equals != std::string::npos) {
    line.option = line.current.substr(0, equals);
    line.current.erase(0, equals + 1);
  }
  return line;
}

void print_matching(const Words &candidates, const std::string &start, const std::string &prefix) {
  for (const std::string &candidate : candidates) {
    if (!candidate.starts_with(start)) continue;
    print(prefix + candidate);
    print(std::string_view("\0", 1));
  }
}

void complete_command_line(const Words &words, Command &command) {
  CommandLine known(command.about(), command.name());
  command.declare(known);
  const Line line = parse(words, known);
  const std::string prefix = words.back().substr(0, words.back().size() - line.current.size());
  if (!line.option.empty()) {
    print_matching(values_of(line), line.current, prefix);
  } else if (line.options && line.current.starts_with('-')) {
    print_matching(known.option_names(), line.current, "");
  } else if (command.name() == "show" && line.arguments.size() == 1) {
    const Words names = line.metadata ? keys_in_files(line.arguments) : names_in_files(line.arguments, array_names);
    print_matching(names, line.current, "");
  }
}

}  // namespace

void complete(const Arguments &words, const std::vector<std::unique_ptr<Command>> &commands) {
  if (words.empty()) return;
  Words names{"--help", "--version"};
  for (const std::unique_ptr<Command> &command : commands) {
    names.push_back(command->name());
    if (words.size() > 1 && command->name() == words.front()) return complete_command_line(words, *command);
  }
  if (words.size() == 1) print_matching(names, words.front(), "");
}

}  // namespace cli
