#include "transfer/array_pieces.h"

#include "base/endian.h"
#include "core/copy.h"

namespace tfile {

namespace {

// Copies `count` units, starting at unit `first`, to the byte layout of a file.
void copy_units(char *to, const Array &array, bool fortran, int64_t first, int64_t count) {
  const size_t unit = array.dtype->block_bytes;
  const size_t nbytes = static_cast<size_t>(count) * unit;
  if (fortran || is_contiguous(array)) {
    memcpy(to, array.data + static_cast<size_t>(first) * unit, nbytes);
  } else {
    copy_elements(to, array, first, count);
  }
  if (kHostIsBig && array.dtype->scalar > 1) (void)swap_bytes(*array.dtype, to, nbytes);
}

}  // namespace

bool is_in_file_order(const Array &array, bool fortran) {
  const bool in_order = fortran ? is_fortran_contiguous(array) : is_contiguous(array);
  // Blocks are little-endian on every host.
  return in_order && !(kHostIsBig && array.dtype->scalar > 1);
}

Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn receive, void *context) {
  if (array.nbytes == 0) return kOk;
  // The array is in memory, so nbytes fits in size_t.
  if (is_in_file_order(array, fortran)) return receive(context, array.data, static_cast<size_t>(array.nbytes));
  return for_each_piece_of(array, fortran, 0, array.nbytes, memory, receive, context);
}

Status for_each_piece_of(const Array &array, bool fortran, uint64_t start, uint64_t nbytes, Memory &memory,
                         PieceFn receive, void *context) {
  const uint64_t unit = array.dtype->block_bytes;
  const uint64_t most = kPiece / unit * unit;
  const bool copies = !is_in_file_order(array, fortran);
  Vec<char> copied(memory);
  if (copies) TFILE_TRY(copied.resize(static_cast<size_t>(nbytes < most ? nbytes : most)));
  for (uint64_t done = 0; done < nbytes; done += most) {
    const uint64_t count = nbytes - done < most ? nbytes - done : most;
    const uint64_t at = start + done;
    if (copies) {
      copy_units(copied.data(), array, fortran, static_cast<int64_t>(at / unit), static_cast<int64_t>(count / unit));
    }
    TFILE_TRY(receive(context, copies ? copied.data() : array.data + at, static_cast<size_t>(count)));
  }
  return kOk;
}

}  // namespace tfile
