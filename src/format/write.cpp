#include "format/write.h"

#include "base/endian.h"
#include "core/copy.h"

namespace tfile {

namespace {

constexpr size_t kPiece = size_t{1} << 20;

// Copies the elements together, in C order, a piece at a time.
Status stage_pieces(const Array &array, const Array *whole, Memory &memory, PieceFn take, void *context) {
  const size_t unit = array.dtype->block_bytes;
  const size_t block = array.dtype->block_size;
  const int64_t units = array.size / static_cast<int64_t>(block);
  const auto most = static_cast<int64_t>(kPiece / unit);
  Vec<char> piece(memory);
  TFILE_TRY(piece.resize(static_cast<size_t>(units < most ? units : most) * unit));
  for (int64_t first = 0; first < units; first += most) {
    const int64_t count = units - first < most ? units - first : most;
    const size_t nbytes = static_cast<size_t>(count) * unit;
    if (whole != nullptr) {
      memcpy(piece.data(), whole->data + static_cast<size_t>(first) * unit, nbytes);
    } else {
      copy_elements(piece.data(), array, first, count);
    }
    if (kHostIsBig) (void)swap_bytes(*array.dtype, piece.data(), nbytes);
    TFILE_TRY(take(context, piece.data(), nbytes));
  }
  return kOk;
}

Status to_output(void *context, const void *bytes, size_t nbytes) {
  return static_cast<Output *>(context)->write_data(bytes, nbytes);
}

}  // namespace

Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn take, void *context) {
  if (array.nbytes == 0) return kOk;
  const bool in_order = fortran ? is_fortran_contiguous(array) : is_contiguous(array);
  const bool swapped = kHostIsBig && array.dtype->scalar > 1;  // blocks are little-endian on every host
  if (!in_order || swapped) return stage_pieces(array, in_order ? &array : nullptr, memory, take, context);
  // A piece that a system call or a callback takes well; nbytes fits in memory, because it is there.
  return take(context, array.data, static_cast<size_t>(array.nbytes));
}

Status write_array(Output &output, const Array &array, bool fortran, Memory &memory) {
  return for_each_piece(array, fortran, memory, to_output, &output);
}

}  // namespace tfile
