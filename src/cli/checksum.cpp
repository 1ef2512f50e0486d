#include "cli/checksum.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "cli/pieces.h"
#include "cli/progress.h"

namespace cli {

namespace {

using Byte = unsigned char;

// Returns the bytes of an array with the bytes of each item in reverse order.
std::vector<Byte> swapped_items(const tensorfile::Array &array, size_t item) {
  const auto *data = static_cast<const Byte *>(array.data());
  std::vector<Byte> out(data, data + array.nbytes());
  for (auto at = out.begin(); at != out.end(); at += static_cast<std::ptrdiff_t>(item)) {
    std::reverse(at, at + static_cast<std::ptrdiff_t>(item));
  }
  return out;
}

// Returns the size of the items to swap on a big-endian machine: half of a complex number; 1 for blocks, which are
// little-endian everywhere.
size_t swapped_bytes(tensorfile::Dtype dtype) {
  const size_t bytes = tensorfile::bits(dtype) / 8;
  const bool is_complex = dtype == tensorfile::Dtype::complex64 || dtype == tensorfile::Dtype::complex128;
  return std::max<size_t>(1, is_complex ? bytes / 2 : bytes);
}

uLong update(uLong crc, const void *bytes, uint64_t count) {
  return crc32_z(crc, static_cast<const Byte *>(bytes), static_cast<z_size_t>(count));
}

}  // namespace

std::string array_crc32(const Entry &entry, Progress &progress) {
  uLong crc = 0;
  Pieces pieces(entry, !reads_in_pieces(entry));
  while (const tensorfile::Array piece = pieces.next()) {
    if (std::endian::native == std::endian::little) {
      crc = update(crc, piece.data(), piece.nbytes());
    } else {
      const std::vector<Byte> bytes = swapped_items(piece, swapped_bytes(piece.dtype()));
      crc = update(crc, bytes.data(), bytes.size());
    }
    progress.advance(piece.nbytes());
  }
  std::string digits;
  for (unsigned shift = 32; shift > 0; shift -= 4)
    digits += "0123456789abcdef"[(crc >> (shift - 4)) & 15U];
  return digits;
}

}  // namespace cli
