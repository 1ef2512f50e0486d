// A temporary folder that is removed with its contents at the end of a test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#if defined(_WIN32)
#include <windows.h>
#endif

namespace tfile {

class TempFolder {
 public:
  TempFolder() {
    std::random_device random;
    std::error_code error;
    do {
      root_ = std::filesystem::temp_directory_path() / ("tensorfile-" + std::to_string(random()));
    } while (!std::filesystem::create_directory(root_, error) && !error);
    if (error) ADD_FAILURE() << "could not create a temporary folder: " << error.message();
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;

  std::string path() const { return root_.string(); }
  std::string path(const std::string &name) const { return (root_ / name).string(); }

  std::string write(const std::string &name, const std::string &content) const {
    std::ofstream(root_ / name, std::ios::binary) << content;
    return path(name);
  }
  std::string read(const std::string &name) const { return read_whole(path(name)); }
  // Returns the names in the folder, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto &entry : std::filesystem::directory_iterator(root_))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }

  static std::string read_whole(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    EXPECT_TRUE(file.good()) << path;
    return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }

 private:
  std::filesystem::path root_;
};

// Returns the number of files that this process has open; on Windows, of all kinds of handles.
inline size_t open_descriptors() {
#if defined(_WIN32)
  DWORD count = 0;
  EXPECT_NE(GetProcessHandleCount(GetCurrentProcess(), &count), 0);
  return count;
#else
  const auto entries = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
#endif
}

}  // namespace tfile
