#include "cli/temporary_path.h"

#include <filesystem>
#include <random>

#include "cli/file_path.h"
#include "cli/text.h"

namespace cli {

namespace {

constexpr size_t kLongestName = 120;  // some file systems limit names to 143 bytes
constexpr size_t kLongestCharacter = 4;

// Shortens a name, but not in the middle of a character.
std::string shortened(std::string name) {
  if (name.size() <= kLongestName) return name;
  name.resize(kLongestName);
  while (!is_utf8(name) && name.size() > kLongestName - kLongestCharacter)
    name.pop_back();
  return name;
}

}  // namespace

std::string temporary_path(const std::string &path) {
  const std::filesystem::path target = file_path(path);
  const std::u8string name = target.filename().u8string();
  std::random_device random;
  std::string letters;
  while (letters.size() < 8)
    letters += "abcdefghijklmnopqrstuvwxyz234567"[random() % 32];
  const std::string temporary = "." + shortened(std::string(name.begin(), name.end())) + ".tf-" + letters;
  return path.substr(0, path.size() - name.size()) + temporary;
}

}  // namespace cli
