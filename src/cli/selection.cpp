#include "cli/selection.h"

#include <memory>
#include <unordered_map>

#include "cli/error_output.h"
#include "cli/pattern.h"
#include "cli/suggestion.h"
#include "cli/text.h"

#if defined(TENSORFILE_HAS_RE2)
#include <re2/re2.h>
#endif

namespace cli {

void SelectionOptions::declare(CommandLine &line) {
  line.begin_group(kSelectionGroup);
  line.options("--only", only, "only arrays whose names match (* and ?); may be repeated", "PATTERN");
  line.options("--drop", drop, "leave out arrays whose names match; may be repeated", "PATTERN");
  line.options("--rename", renames, "give the array OLD the name NEW; may be repeated", "OLD=NEW");
  line.options(
      "--rename-regex", regex_renames,
      "in all names, replace what matches REGEX (RE2's syntax) by NEW, in which \\1 is the first group; may be "
      "repeated",
      "REGEX=NEW");
  line.end_group();
}

#if defined(TENSORFILE_HAS_RE2)

class Selection::Regex {
 public:
  explicit Regex(const std::string &option) {
    const size_t equals = option.rfind('=');
    if (equals == std::string::npos || equals == 0) refuse(option, "expected REGEX=NEW");
    rule_.text = option;
    to_ = option.substr(equals + 1);
    RE2::Options settings;
    settings.set_log_errors(false);
    regex_ = std::make_unique<RE2>(option.substr(0, equals), settings);
    std::string why;
    if (!regex_->ok()) refuse(option, regex_->error());
    if (!regex_->CheckRewriteString(to_, &why)) refuse(option, why);
  }

  void apply(std::string &name) {
    if (RE2::GlobalReplace(&name, *regex_, to_) > 0) ++rule_.count;
  }
  const Rule &rule() const { return rule_; }

 private:
  [[noreturn]] static void refuse(const std::string &option, const std::string &why) {
    throw UsageError{"--rename-regex " + in_quotes(option) + ": " + escaped(why)};
  }

  Rule rule_;
  std::unique_ptr<RE2> regex_;
  std::string to_;
};

#else

class Selection::Regex {
 public:
  explicit Regex(const std::string &) { throw UsageError{"--rename-regex: this program was built without RE2"}; }

  void apply(std::string &) {}
  const Rule &rule() const { return rule_; }

 private:
  Rule rule_;
};

#endif

Selection::Selection(const SelectionOptions &options) {
  for (const std::string &text : options.only)
    only_.push_back({text});
  for (const std::string &text : options.drop)
    drop_.push_back({text});
  for (const std::string &text : options.renames) {
    if (text.find('=', 1) == std::string::npos) throw UsageError{"--rename " + in_quotes(text) + ": expected OLD=NEW"};
    if (!is_utf8(text)) throw UsageError{"--rename " + in_quotes(text) + ": not UTF-8"};
    renames_.push_back({text});
  }
  for (const std::string &text : options.regex_renames)
    regexes_.emplace_back(text);
}

Selection::~Selection() = default;

// Tries all rules, so that each is known to have matched something.
bool Selection::match(std::vector<Rule> &rules, std::string_view name) {
  bool any = false;
  for (Rule &rule : rules) {
    if (!matches(rule.text, name)) continue;
    ++rule.count;
    any = true;
  }
  return any;
}

std::optional<std::string> Selection::apply(std::string_view name) {
  if (!only_.empty() || !drop_.empty() || !renames_.empty()) seen_.emplace_back(name);
  const bool chosen = only_.empty() || match(only_, name);
  const bool dropped = match(drop_, name);
  if (!chosen || dropped) return std::nullopt;
  std::string renamed = rename(name);
  for (Regex &regex : regexes_)
    regex.apply(renamed);
  return renamed;
}

// The old name is known, so that it may contain "=".
std::string Selection::rename(std::string_view name) {
  std::string renamed(name);
  for (Rule &rule : renames_) {
    const std::string_view text = rule.text;
    if (text.size() <= name.size() || text[name.size()] != '=' || !text.starts_with(name)) continue;
    ++rule.count;
    renamed = text.substr(name.size() + 1);
  }
  return renamed;
}

// Suggests a name in place of a pattern without wildcards, or of the old name in OLD=NEW.
std::string Selection::suggestion(std::string_view text) const {
  return did_you_mean(text.substr(0, text.find('=', 1)), seen_);
}

void Selection::require_effect() const {
  const auto require = [this](const char *option, const Rule &rule) {
    if (rule.count > 0) return;
    throw UsageError{std::string(option) + " " + in_quotes(rule.text) + " matches no array" + suggestion(rule.text)};
  };
  for (const Rule &rule : only_)
    require("--only", rule);
  for (const Rule &rule : drop_)
    require("--drop", rule);
  for (const Rule &rule : renames_)
    require("--rename", rule);
  for (const Regex &regex : regexes_)
    require("--rename-regex", regex.rule());
}

void note_left_out(const std::string &path, const Entry &entry) {
  note(path, "left out array " + in_quotes(entry.name()) + " " + type_text(entry));
}

std::vector<SelectedArray> select_arrays(const std::string &path, const tensorfile::File &file, Selection &selection,
                                         const tensorfile::Options &options) {
  const bool skips = options.get(tensorfile::Option::skip_unsupported) != 0;
  std::vector<SelectedArray> selected;
  std::unordered_map<std::string, std::string> old_names;  // by the new name
  for (const Entry &entry : file) {
    std::optional<std::string> name = selection.apply(entry.name());
    if (!name) continue;
    if (skips && entry.dtype() == tensorfile::Dtype::unsupported) {
      note_left_out(path, entry);
      continue;
    }
    const auto [twin, is_new] = old_names.emplace(*name, entry.name());
    if (!is_new) {
      throw tensorfile::Error(tensorfile::Status::duplicate,
                              "arrays " + in_quotes(twin->second) + " and " + in_quotes(entry.name()) +
                                  " would both be named " + in_quotes(*name) +
                                  "; leave one out with --drop, or give it another name with --rename");
    }
    selected.push_back({entry, std::move(*name)});
  }
  return selected;
}

uint64_t total_bytes(const std::vector<SelectedArray> &arrays) {
  uint64_t total = 0;
  for (const SelectedArray &array : arrays)
    total += array.entry.nbytes();
  return total;
}

void require_effect(const SelectionOptions &options, const std::vector<std::string> &paths, const InputOptions &input) {
  Selection selection(options);
  if (options.empty()) return;
  try {
    for (const std::string &path : paths) {
      for (const Entry &entry : open_file(path, library_options(input)))
        selection.apply(entry.name());
    }
  } catch (const tensorfile::Error &) {
    return;
  }
  selection.require_effect();
}

}  // namespace cli
