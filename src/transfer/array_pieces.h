// Converts arrays to the byte layout of files, in pieces of bounded size.
#pragma once

#include "format/format.h"

namespace tfile {

// The size of a piece. It is copied, added to the checksum and written while it is in the cache.
inline constexpr size_t kPiece = size_t{1} << 20;

// Receives the bytes of an array piece by piece. The bytes are borrowed until it returns.
using PieceFn = Status (*)(void *context, const void *bytes, size_t nbytes);

// True if the array's memory has the byte layout of a file: contiguous in the given order, and little-endian.
bool is_in_file_order(const Array &array, bool fortran);

// Passes the elements of an array to `receive`, little-endian, in C order or in Fortran order. An array whose memory
// has that layout is passed in one call without a copy; any other is copied in pieces of at most kPiece bytes.
Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn receive, void *context);

// Passes a part of an array that consists of whole units. Every piece, copied or not, has at most kPiece bytes.
Status for_each_piece_of(const Array &array, bool fortran, uint64_t start, uint64_t nbytes, Memory &memory,
                         PieceFn receive, void *context);

// Calls write(offset, bytes, nbytes) until it has received the zeros of a gap.
template <typename Write>
Status for_each_zeros(uint64_t offset, uint64_t nbytes, const Write &write) {
  static constexpr uint8_t kZeros[4096] = {};
  for (uint64_t done = 0; done < nbytes; done += sizeof(kZeros)) {
    const uint64_t remaining = nbytes - done;
    const size_t count = remaining < sizeof(kZeros) ? static_cast<size_t>(remaining) : sizeof(kZeros);
    TFILE_TRY(write(offset + done, kZeros, count));
  }
  return kOk;
}

}  // namespace tfile
