// What all writers share: arrays in C order (or Fortran's), little-endian, through a bounded piece of memory.
#pragma once

#include "format/format.h"

namespace tfile {

// Takes the bytes of an array piece by piece.
using PieceFn = Status (*)(void *context, const void *bytes, size_t nbytes);

// The elements of an array as a file has them: C order, or Fortran order when asked, little-endian. Contiguous data are
// handed over where they lie; others are copied together in pieces of at most 1 MiB.
Status for_each_piece(const Array &array, bool fortran, Memory &memory, PieceFn take, void *context);

// for_each_piece into output.write_data().
Status write_array(Output &output, const Array &array, bool fortran, Memory &memory);

}  // namespace tfile
