// tensorfile check: reads every byte of files and reports what is wrong with them.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/error_output.h"
#include "cli/input_file.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace cli {

namespace {

void check_file(const std::string &path, bool parts) {
  Progress progress(path);
  tensorfile::Options options = input_options(parts);
  progress.watch(options);
  const tensorfile::File file(path, options);
  progress.expect_bytes(total_bytes(file));
  for (const Entry &entry : file) {
    Pieces pieces(entry, !reads_in_pieces(entry));
    while (const tensorfile::Array piece = pieces.next())
      progress.advance(piece.nbytes());
  }
}

class Check : public Command {
 public:
  Check() : Command("check", "Read every byte of files and report what is wrong with them.") {}

  void declare(CommandLine &line) override {
    line.paths(paths_);
    line.flag("-q,--quiet", quiet_, "print nothing for valid files");
    line.parts(parts_);
  }

  int run() override {
    int exit = kExitOk;
    for (const std::string &path : paths_) {
      const int status = report_errors(path, [&]() -> int {
        check_file(path, parts_);
        if (!quiet_) print(escaped(path) + ": ok\n");
        return kExitOk;
      });
      exit = std::max(exit, status);
    }
    return exit;
  }

 private:
  std::vector<std::string> paths_;
  bool parts_ = false;
  bool quiet_ = false;
};

}  // namespace

std::unique_ptr<Command> make_check() {
  return std::make_unique<Check>();
}

}  // namespace cli
