// FileIdentity: identifies a file of the system, so that two open files, or a file and mapped memory, can be compared.
#pragma once

#include <cstdint>

namespace tfile {

struct FileIdentity {
  uint64_t volume = 0;  // POSIX: the device; Windows: the volume's serial number
  uint64_t index = 0;   // the file's number on that volume
  bool known = false;   // false if the bytes do not come from a file of the system
};

// True if both are known and name the same file, whatever paths and links led to it.
inline bool same_file(const FileIdentity &a, const FileIdentity &b) {
  return a.known && b.known && a.volume == b.volume && a.index == b.index;
}

}  // namespace tfile
