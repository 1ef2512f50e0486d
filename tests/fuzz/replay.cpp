// Replaces libFuzzer: runs a target once on each input of packed corpora (FILE.pack) and on each file of folders.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz.h"

namespace {

namespace fs = std::filesystem;

std::string read(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  FUZZ_CHECK(file.good());
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void run(const std::string &bytes) {
  (void)LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}

// Runs the inputs of a pack, which pack.py makes: for each input, its length and its bytes.
size_t run_pack(const std::string &pack) {
  size_t count = 0;
  for (size_t at = 0; at < pack.size(); ++count) {
    FUZZ_CHECK(pack.size() - at >= 4);
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i)
      length |= size_t{static_cast<uint8_t>(pack[at + i])} << 8 * i;
    FUZZ_CHECK(length <= pack.size() - at - 4);
    run(pack.substr(at + 4, length));
    at += 4 + length;
  }
  return count;
}

size_t run_folder(const fs::path &folder) {
  std::vector<fs::path> paths;
  for (const auto &entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const fs::path &path : paths)
    run(read(path));
  return paths.size();
}

}  // namespace

int main(int argc, char **argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i)
    count += fs::is_directory(argv[i]) ? run_folder(argv[i]) : run_pack(read(argv[i]));
  std::printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
