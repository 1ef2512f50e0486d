// Files as bytes, for `tensorfile edit`, which saves a header before it changes, and restores it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cli {

// An open regular file. All members but close() and the destructor throw tensorfile::Error with Status::io.
class RawFile {
 public:
  // Opens a file, for reading and writing if `writable`.
  static RawFile open(const std::string &path, bool writable);
  // Creates a file that must not exist yet, with the mode and, if possible, the owner of another file.
  static RawFile create(const std::string &path, const RawFile &like);

  RawFile(RawFile &&other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  RawFile &operator=(RawFile &&other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  RawFile(const RawFile &) = delete;
  RawFile &operator=(const RawFile &) = delete;
  ~RawFile() { close(); }

  uint64_t size() const;
  // Returns how many names the file has.
  uint64_t link_count() const;
  // Reads exactly nbytes.
  void read(uint64_t offset, void *to, size_t nbytes) const;
  std::string read(uint64_t offset, size_t nbytes) const;
  void write(uint64_t offset, std::string_view bytes);
  // Waits until everything is on the disk.
  void sync();
  void close() noexcept;

 private:
  RawFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_ = -1;
};

// Renames a file to a path, whose file is replaced.
void rename_file(const std::string &from, const std::string &to);
void remove_file(const std::string &path);
// Waits until the names in the folder of a path are on the disk.
void sync_folder_of(const std::string &path);

}  // namespace cli
