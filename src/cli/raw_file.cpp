#include "cli/raw_file.h"

#include <algorithm>

namespace cli {

std::string RawFile::read(uint64_t offset, size_t nbytes) const {
  std::string bytes(nbytes, '\0');
  read(offset, bytes.data(), nbytes);
  return bytes;
}

uint64_t RawFile::copy_through_memory(uint64_t to, const RawFile &from, uint64_t offset, uint64_t nbytes) {
  constexpr uint64_t kPiece = uint64_t{1} << 20U;
  const auto length = static_cast<size_t>(std::min(nbytes, kPiece));
  write(to, from.read(offset, length));
  return length;
}

}  // namespace cli
