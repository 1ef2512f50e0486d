// The directory of a zip archive, for rewriting it without touching what its members contain. The library has validated
// the archives that are read here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// A member of an archive, as its record in the directory describes it.
struct ZipMember {
  std::string name;   // as it is stored
  std::string fixed;  // the part of the record that has a fixed size
  // The extra fields of the record and of the local header, without sizes and padding, which are made anew.
  std::string extra;
  std::string local_extra;
  std::string comment;
  uint64_t stored = 0;  // bytes in the archive
  uint64_t size = 0;    // bytes after inflating
  uint64_t data = 0;    // offset of the stored bytes

  bool is_compressed() const;
  // Sets the name, which is UTF-8.
  void rename(std::string utf8);
};

struct ZipArchive {
  std::vector<ZipMember> members;  // in the order of the directory
  std::string comment;
};

using ReadBytes = std::function<std::string(uint64_t offset, size_t nbytes)>;

// Reads the directory and the local headers of an archive of `size` bytes.
ZipArchive read_zip(uint64_t size, const ReadBytes &read);

// Collects the directory of a new archive.
class ZipDirectory {
 public:
  // Adds a member that begins at an offset of the new archive. Returns the bytes before its stored bytes, which put
  // their byte `head` at a multiple of the alignment.
  std::string add(const ZipMember &member, uint64_t at, uint64_t head, uint64_t alignment);
  // Returns the bytes after the last member, which begin at this offset.
  std::string finish(uint64_t at, const std::string &comment) const;

 private:
  std::string records_;
  uint64_t count_ = 0;
};

}  // namespace cli
