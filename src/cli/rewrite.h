// New contents of a file in which only names, metadata and the choice of arrays change: new headers, and the bytes of the
// arrays as the old file stores them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/raw_file.h"
#include "tensorfile.hpp"

namespace cli {

// A run of bytes of the new file: new bytes, or those at an offset of the old file.
struct Run {
  uint64_t to = 0;  // offset in the new file
  uint64_t nbytes = 0;
  std::string bytes;    // the new bytes; empty for bytes of the old file
  uint64_t offset = 0;  // in the old file

  bool is_new() const { return !bytes.empty(); }
};

class NewFile {
 public:
  void add(std::string bytes);
  void copy(uint64_t offset, uint64_t nbytes);

  uint64_t size() const { return size_; }
  const std::vector<Run> &runs() const { return runs_; }
  // Returns the bytes that have to be written into the old file to make it the new one, or nothing if bytes of the old
  // file would move or its size would change. These bytes are at the start of the file.
  std::optional<std::string_view> patch(uint64_t old_size) const;
  // Reads bytes of the new file, which need not have been written.
  void read(const RawFile &old, uint64_t offset, char *to, size_t nbytes) const;

 private:
  std::vector<Run> runs_;
  uint64_t size_ = 0;
};

// The file to change, and what becomes of it.
struct Rewrite {
  const RawFile &old;
  const tensorfile::File &file;  // the same file, opened by the library
  // The new name of each array; nothing removes the array.
  std::vector<std::optional<std::string>> names;
  tensorfile::Dict metadata;  // all of the new metadata
};

// Lays out the new file.
using RewriteFunction = NewFile (*)(const Rewrite &rewrite);

// Returns the function for the format of a file. Throws UNSUPPORTED if files of this format cannot be edited.
RewriteFunction rewrite_function(const tensorfile::File &file);

NewFile rewritten_safetensors(const Rewrite &rewrite);
NewFile rewritten_gguf(const Rewrite &rewrite);
NewFile rewritten_npz(const Rewrite &rewrite);

// True if the header of files of a format can end in spaces, which a longer header replaces.
bool has_slack(tensorfile::Format format);

// Numbers in little-endian byte order.
uint64_t load_le(std::string_view bytes);
void append_le(std::string &out, uint64_t value, size_t nbytes);

// Rounds up to a multiple.
inline uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace cli
