#include "cli/checksum.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <vector>

#include "cli/error.h"
#include "cli/pieces.h"
#include "cli/progress.h"

namespace cli {

namespace {

using Byte = unsigned char;

std::vector<Byte> swapped_items(const tf_array *array, size_t item) {
  const auto *data = static_cast<const Byte *>(tf_array_data(array));
  std::vector<Byte> out(data, data + tf_array_nbytes(array));
  for (auto at = out.begin(); at != out.end(); at += static_cast<std::ptrdiff_t>(item)) {
    std::reverse(at, at + static_cast<std::ptrdiff_t>(item));
  }
  return out;
}

// Bytes of what is swapped as one on a big-endian host; blocks are little-endian on every host.
size_t swapped_bytes(tf_dtype dtype) {
  const size_t bytes = tf_dtype_bits(dtype) / 8;
  const bool is_complex = dtype == TF_DTYPE_COMPLEX64 || dtype == TF_DTYPE_COMPLEX128;
  return std::max<size_t>(1, is_complex ? bytes / 2 : bytes);
}

uLong add(uLong crc, const void *bytes, uint64_t count) {
  return crc32_z(crc, static_cast<const Byte *>(bytes), static_cast<z_size_t>(count));
}

}  // namespace

std::string array_crc32(const tf_file *file, size_t index, Progress &progress) {
  uLong crc = 0;
  Pieces pieces(file, index, !reads_in_pieces(file, index));
  while (const Array piece = pieces.next()) {
    if (std::endian::native == std::endian::little) {
      crc = add(crc, tf_array_data(piece.get()), tf_array_nbytes(piece.get()));
    } else {
      const std::vector<Byte> bytes = swapped_items(piece.get(), swapped_bytes(tf_array_dtype(piece.get())));
      crc = add(crc, bytes.data(), bytes.size());
    }
    progress.advance(tf_array_nbytes(piece.get()));
  }
  std::string digits;
  for (unsigned shift = 32; shift > 0; shift -= 4)
    digits += "0123456789abcdef"[(crc >> (shift - 4)) & 15U];
  return digits;
}

}  // namespace cli
