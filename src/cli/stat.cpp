// tensorfile stat: describes the distribution of the values of arrays.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/elements.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/json_output.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/remote.h"
#include "cli/selection.h"
#include "cli/statistics.h"
#include "cli/text.h"
#include "cli/text_table.h"

namespace cli {

namespace {

struct StatRequest {
  std::vector<std::string> paths;
  SelectionOptions selection;
  InputOptions input;
  bool json = false;
  bool fail_on_nan = false;
};

// Returns a number with six significant digits.
std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

std::string share_text(uint64_t part, uint64_t whole) {
  if (part == 0 || whole == 0) return "0";
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  return percent < 0.1 ? "<0.1%" : number_text(std::round(percent * 10) / 10) + "%";
}

// Draws the bins as bars of up to eight eighths. A bin with any value is not empty.
std::string drawing(const Statistics &stats) {
  static const char *const kBars[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                      "\u2585", "\u2586", "\u2587", "\u2588"};
  const uint64_t most = *std::max_element(stats.histogram.begin(), stats.histogram.end());
  std::string bars;
  for (const uint64_t count : stats.histogram) {
    const double height = most == 0 ? 0 : 8 * static_cast<double>(count) / static_cast<double>(most);
    bars += kBars[static_cast<size_t>(std::ceil(height))];
  }
  return bars;
}

std::vector<std::string> row_of(const SelectedArray &array, const Statistics &stats) {
  return {escaped(array.name),
          type_text(array.entry),
          number_text(stats.minimum),
          number_text(stats.maximum),
          number_text(stats.mean),
          number_text(stats.deviation),
          share_text(stats.zeros, stats.count),
          std::to_string(stats.nans),
          std::to_string(stats.infinities),
          drawing(stats)};
}

// The statistics of one file as text and as JSON.
class StatReport {
 public:
  explicit StatReport(const std::string &path) : path_(shown_argument(path)) {
    rows_.push_back({"array", "type", "min", "max", "mean", "std", "zeros", "nan", "inf", "distribution"});
    json_.open('{').key("path").string(path_).key("arrays").open('[');
  }

  void add(const SelectedArray &array, const Statistics &stats) {
    rows_.push_back(row_of(array, stats));
    open(array);
    write_statistics(json_, stats);
    json_.close('}');
  }
  // Adds an array whose values are not real numbers, or cannot be read; the reason for that is `error`.
  void add_without(const SelectedArray &array, std::string_view error) {
    rows_.push_back({escaped(array.name), type_text(array.entry), "-", "-", "-", "-", "-", "-", "-", ""});
    open(array);
    if (!error.empty()) json_.key("error").string(error);
    json_.close('}');
  }

  void print_text() const {
    print(escaped(path_) + ":\n");
    print_table(rows_);
  }
  void print_json() {
    json_.close(']').close('}');
    print(json_.text() + "\n");
  }

 private:
  void open(const SelectedArray &array) {
    const Entry &entry = array.entry;
    json_.open('{').key("name").string(array.name).key("dtype").string(tensorfile::name(entry.dtype()));
    if (entry.dtype() == tensorfile::Dtype::unsupported) json_.key("type").string(entry.type());
  }

  std::string path_;
  std::vector<std::vector<std::string>> rows_;
  JsonWriter json_;
};

// Adds the statistics of an array to a report. An array that cannot be read does not prevent the others from being
// described: its error is appended to `failures`. Returns the number of nans.
uint64_t add_array(StatReport &report, const SelectedArray &array, Progress &progress,
                   std::vector<tensorfile::Error> &failures) {
  if (!has_statistics(array.entry.dtype())) {
    report.add_without(array, "");
    return 0;
  }
  try {
    const Statistics stats = statistics_of(array.entry, progress);
    report.add(array, stats);
    return stats.nans;
  } catch (const tensorfile::Error &error) {
    if (error.status() == tensorfile::Status::out_of_memory) throw;
    report.add_without(array, std::string(tensorfile::name(error.status())) + ": " + error.what());
    failures.push_back(error);
    return 0;
  }
}

int stat_file(const std::string &path, const StatRequest &request, Selection &selection) {
  Progress progress(path);
  tensorfile::Options options = library_options(request.input);
  progress.watch(options);
  const tensorfile::File file = open_file(path, options);
  const std::vector<SelectedArray> arrays = select_arrays(path, file, selection, options);
  progress.expect_bytes(total_bytes(arrays));
  StatReport report(path);
  std::vector<tensorfile::Error> failures;
  uint64_t nans = 0;
  for (const SelectedArray &array : arrays)
    nans += add_array(report, array, progress, failures);
  progress.finish();
  request.json ? report.print_json() : report.print_text();
  print_notes(path, file);
  int exit = kExitOk;
  for (const tensorfile::Error &failure : failures)
    exit = std::max<int>(exit, cli::report(path, failure));
  if (!request.fail_on_nan || nans == 0) return exit;
  note(path, count_text(nans, "value") + (nans == 1 ? " is" : " are") + " nan");
  return std::max<int>(exit, kExitBadFile);
}

class Stat : public Command {
 public:
  Stat() : Command("stat", "Print the range, mean, deviation and distribution of the values of arrays.") {}

  void declare(CommandLine &line) override {
    line.paths(request_.paths);
    line.flag("--json", request_.json, "print one JSON object per file, each on a line");
    line.flag("--fail-on-nan", request_.fail_on_nan, "exit with 1 if a value is nan");
    request_.selection.declare(line);
    line.input(request_.input);
  }

  int run() override {
    require_effect(request_.selection, request_.paths, request_.input);
    Selection selection(request_.selection);
    int exit = kExitOk;
    for (const std::string &path : request_.paths) {
      exit = std::max(exit, report_errors(path, [&]() -> int { return stat_file(path, request_, selection); }));
    }
    return exit;
  }

 private:
  StatRequest request_;
};

}  // namespace

std::unique_ptr<Command> make_stat() {
  return std::make_unique<Stat>();
}

}  // namespace cli
