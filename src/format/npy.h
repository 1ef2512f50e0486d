// The .npy header, which .npz members have too.
#pragma once

#include "format/format.h"

namespace tfile {

// What a .npy header says.
struct NpyHeader {
  const Dtype *dtype = nullptr;  // NULL: not known; `reason` says what it is
  Text reason;                   // in the arena
  bool fortran = false;          // false also where both orders are the same
  bool big_endian = false;       // false where byte order means nothing
  bool sized = true;             // whether nbytes is known; of a known dtype always
  Span<const int64_t> shape;     // in the arena
  uint64_t size = 0;             // of the header in bytes, magic included: the data begin there
  uint64_t nbytes = 0;           // of the data
};

// Where a header lies, for messages and limits.
struct NpyPlace {
  const Source &source;
  const Settings &settings;
  Text array;           // "" in a file of its own
  uint64_t offset;      // of the header in the source; of an inflated one: of the compressed stream
  bool inflated;        // then every error is at offset
  tf_status too_short;  // TRUNCATED in a file of its own, CORRUPT in an archive, which has its end elsewhere
};

inline constexpr size_t kNpyPrefix = 12;  // enough to tell the length of the header

bool is_npy(Bytes head);
// The length of the whole header, from its first kNpyPrefix bytes, or all there are.
Status npy_header_size(uint64_t *size, const NpyPlace &place, Bytes prefix);
// Parses a whole header, of npy_header_size() bytes.
Status parse_npy_header(NpyHeader *out, Arena &arena, const NpyPlace &place, Bytes header);
// Makes a member of a header and the bytes behind it, `available` of them; fails when they are fewer than the header
// says. The member's name and place in the source are left to the caller.
Status describe_npy(Member *out, const NpyPlace &place, const NpyHeader &header, uint64_t available);

// The header that np.save writes for an array (version 1.0). Elements must be written in Fortran order when *fortran.
Status make_npy_header(Vec<uint8_t> &out, bool *fortran, const Array &array);
// Whether .npy has a dtype string for a dtype.
bool npy_can_hold(const Dtype &dtype);

}  // namespace tfile
