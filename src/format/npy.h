// The .npy header, which .npz members have too.
#pragma once

#include "format/format.h"

namespace tfile {

// What a .npy header says.
struct NpyHeader {
  const Dtype *dtype = nullptr;  // NULL: not known; `reason` says what it is
  Text reason;                   // in the arena
  bool fortran = false;
  bool big_endian = false;
  Span<const int64_t> shape;  // in the arena
  uint64_t size = 0;          // of the header in bytes, magic included: the data begin there
  uint64_t nbytes = 0;        // of the data; 0 where the dtype is not known
};

inline constexpr size_t kNpyPrefix = 12;  // enough to tell the length of the header

bool is_npy(Bytes head);
// The length of the whole header, from its first kNpyPrefix bytes (fewer: TRUNCATED). offset is where it lies in
// source.
Status npy_header_size(uint64_t *size, const Source &source, const Settings &settings, Text array, Bytes prefix,
                       uint64_t offset);
// Parses a whole header, of npy_header_size() bytes.
Status parse_npy_header(NpyHeader *out, Arena &arena, const Source &source, const Settings &settings, Text array,
                        Bytes header, uint64_t offset);

// The header that np.save writes for an array (version 1.0). Elements must be written in Fortran order when *fortran.
Status make_npy_header(Vec<uint8_t> &out, bool *fortran, const Array &array);
// Whether .npy has a dtype string for a dtype.
bool npy_can_hold(const Dtype &dtype);

}  // namespace tfile
