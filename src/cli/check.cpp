// tensorfile check: reads every byte of files and reports what is wrong with them.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace cli {

namespace {

class Check : public Command {
 public:
  Check() : Command("check", "Read every byte of files and report everything that is wrong with them.") {}

  void declare(CommandLine &line) override {
    line.paths(paths_);
    line.flag("-q,--quiet", quiet_, "print nothing for valid files");
    line.flag("--skip-unsupported", skip_unsupported_, "excuse arrays whose types are unknown");
    line.input(input_);
  }

  int run() override {
    int exit = kExitOk;
    for (const std::string &path : paths_)
      exit = std::max(exit, report_errors(path, [&] { return check_file(path); }));
    return exit;
  }

 private:
  int check_file(const std::string &path) const {
    Progress progress(path);
    tensorfile::Options options = library_options(input_);
    options.set(tensorfile::Option::skip_unsupported, skip_unsupported_ ? 1 : 0);
    progress.watch_all(options);
    const tensorfile::CheckReport found = tensorfile::check(path, options);
    progress.finish();
    const bool valid = found.faults.empty();
    for (const std::string &fault : found.faults)
      report_fault(path, fault, false);
    if (valid && quiet_) return kExitOk;
    for (const std::string &fault : found.excused)
      report_fault(path, fault, true);
    for (const std::string &text : found.notes)
      note(path, text);
    if (valid) print(escaped(path) + ": ok\n");
    return valid ? kExitOk : kExitBadFile;
  }

  std::vector<std::string> paths_;
  InputOptions input_;
  bool skip_unsupported_ = false;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check() {
  return std::make_unique<Check>();
}

}  // namespace cli
