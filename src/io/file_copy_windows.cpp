// Copies bytes from one file to another. Windows has no function that copies a part of a file.
#include "io/file.h"

#if defined(_WIN32)

namespace tfile {

Status copy_some(uint64_t *copied, const File &to, Text to_path, uint64_t at, const File &from, Text from_path,
                 uint64_t offset, uint64_t nbytes) {
  return copy_through_memory(copied, to, to_path, at, from, from_path, offset, nbytes);
}

}  // namespace tfile

#endif
