// Paths of the program, which are UTF-8 on every system.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace cli {

inline std::filesystem::path file_path(std::string_view utf8) {
  return {std::u8string(utf8.begin(), utf8.end())};
}

}  // namespace cli
