#include "cli/checksum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
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

// kTables[n][byte] is the remainder of the byte followed by n zero bytes, for the reflected polynomial of zip and gzip.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t remainder = byte;
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ ((remainder & 1U) != 0 ? 0xEDB88320U : 0U);
    tables[0][byte] = remainder;
  }
  for (size_t zeros = 1; zeros < tables.size(); ++zeros) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t shorter = tables[zeros - 1][byte];
      tables[zeros][byte] = (shorter >> 8) ^ tables[0][shorter & 255U];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

// Continues a CRC-32, eight bytes at a time: each byte of a group is followed by as many zero bytes as it is before the
// end of the group, and the remainders of the bytes add up to that of the group.
uint32_t update_crc32(uint32_t crc, const void *bytes, uint64_t count) {
  const auto *at = static_cast<const Byte *>(bytes);
  crc = ~crc;
  for (; count >= kTables.size(); count -= kTables.size(), at += kTables.size()) {
    uint32_t group = 0;
    for (size_t i = 0; i < kTables.size(); ++i) {
      const uint32_t previous = i < sizeof(crc) ? crc >> (8 * i) : 0;
      group ^= kTables[kTables.size() - 1 - i][(previous ^ at[i]) & 255U];
    }
    crc = group;
  }
  for (; count > 0; --count, ++at)
    crc = (crc >> 8) ^ kTables[0][(crc ^ *at) & 255U];
  return ~crc;
}

std::string array_crc32(const Entry &entry, Progress &progress) {
  uint32_t crc = 0;
  Pieces pieces(entry, !reads_in_pieces(entry));
  while (const tensorfile::Array piece = pieces.next()) {
    if (std::endian::native == std::endian::little) {
      crc = update_crc32(crc, piece.data(), piece.nbytes());
    } else {
      const std::vector<Byte> bytes = swapped_items(piece, swapped_bytes(piece.dtype()));
      crc = update_crc32(crc, bytes.data(), bytes.size());
    }
    progress.advance(piece.nbytes());
  }
  std::string digits;
  for (unsigned shift = 32; shift > 0; shift -= 4)
    digits += "0123456789abcdef"[(crc >> (shift - 4)) & 15U];
  return digits;
}

}  // namespace cli
