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

// A block has fields of several sizes, which only the library tells apart: saved, they are little-endian.
std::vector<Byte> saved_blocks(const tf_array *array) {
  Dict arrays;
  Array kept(tf_array_retain(const_cast<tf_array *>(array)));
  expect(tf_dict_new(Out(arrays)));
  expect(tf_dict_set(arrays.get(), "x", 1, kept.get()));
  Buffer buffer;
  expect(tf_save_memory(Out(buffer), TF_FORMAT_GGUF, nullptr, arrays.get(), nullptr, nullptr));
  const auto *bytes = static_cast<const Byte *>(tf_buffer_data(buffer.get()));
  File file;
  expect(tf_file_open_memory(Out(file), bytes, tf_buffer_size(buffer.get()), TF_FORMAT_GGUF, nullptr));
  uint64_t offset = 0;
  uint64_t stored = 0;
  expect(tf_file_location(nullptr, &offset, &stored, nullptr, file.get(), 0));
  return {bytes + offset, bytes + offset + stored};
}

std::vector<Byte> swapped_items(const tf_array *array, size_t item) {
  const auto *data = static_cast<const Byte *>(tf_array_data(array));
  std::vector<Byte> out(data, data + tf_array_nbytes(array));
  for (auto at = out.begin(); at != out.end(); at += static_cast<std::ptrdiff_t>(item)) {
    std::reverse(at, at + static_cast<std::ptrdiff_t>(item));
  }
  return out;
}

std::vector<Byte> little_endian(const tf_array *array) {
  const tf_dtype dtype = tf_array_dtype(array);
  const uint32_t bits = tf_dtype_bits(dtype);
  if (bits == 0) return saved_blocks(array);
  const bool is_complex = dtype == TF_DTYPE_COMPLEX64 || dtype == TF_DTYPE_COMPLEX128;
  return swapped_items(array, std::max<size_t>(1, bits / 8 / (is_complex ? 2 : 1)));
}

uLong add(uLong crc, const void *bytes, size_t count) {
  return crc32_z(crc, static_cast<const Byte *>(bytes), count);
}

}  // namespace

std::string array_crc32(const tf_file *file, size_t index, Progress &progress) {
  uLong crc = 0;
  Pieces pieces(file, index, !reads_in_pieces(file, index));
  while (const Array piece = pieces.next()) {
    if (std::endian::native == std::endian::little) {
      crc = add(crc, tf_array_data(piece.get()), tf_array_nbytes(piece.get()));
    } else {
      const std::vector<Byte> bytes = little_endian(piece.get());
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
