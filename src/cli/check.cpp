// tensorfile check: whether files are valid, every byte of every array read.
#include <algorithm>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/error.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/pieces.h"
#include "cli/progress.h"
#include "cli/text.h"

namespace cli {

namespace {

void check_file(const std::string &path, bool parts) {
  Progress progress(path);
  const Options options = new_options(parts);
  progress.watch(options.get());
  const File file = open_file(path, options.get());
  progress.expect_bytes(total_bytes(file.get()));
  for (size_t i = 0; i < tf_file_size(file.get()); ++i) {
    Pieces pieces(file.get(), i, !reads_in_pieces(file.get(), i));
    while (const Array piece = pieces.next())
      progress.advance(tf_array_nbytes(piece.get()));
  }
}

}  // namespace

int check(const Arguments &arguments) {
  CommandLine line("Read every byte of files and tell what is wrong with them.", "tensorfile check");
  std::vector<std::string> paths;
  bool parts = false;
  bool quiet = false;
  line.paths(paths);
  line.flag("-q,--quiet", quiet, "say nothing about valid files");
  line.parts(parts);
  if (!line.parse(arguments)) return kExitOk;
  int exit = kExitOk;
  for (const std::string &path : paths) {
    const int status = reporting(path, [&]() -> int {
      check_file(path, parts);
      if (!quiet) print(escaped(path) + ": ok\n");
      return kExitOk;
    });
    exit = std::max(exit, status);
  }
  return exit;
}

}  // namespace cli
