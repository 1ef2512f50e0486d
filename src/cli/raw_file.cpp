#include "cli/raw_file.h"

namespace cli {

std::string RawFile::read(uint64_t offset, size_t nbytes) const {
  std::string bytes(nbytes, '\0');
  read(offset, bytes.data(), nbytes);
  return bytes;
}

}  // namespace cli
