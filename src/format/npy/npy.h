// The header of .npy files and of the members of an .npz.
#pragma once

#include "format/format.h"

namespace tfile {

// The contents of a .npy header.
struct NpyHeader {
  const Dtype *dtype = nullptr;  // NULL if unknown
  // For an unknown dtype: the descr as written in the file, and the reason why it is not supported. Both are in the
  // arena.
  Text type;
  Text reason;
  bool fortran = false;       // also false if both orders are the same
  bool big_endian = false;    // also false if the dtype has no byte order
  bool sized = true;          // true if nbytes is known, as it always is for a known dtype
  Span<const int64_t> shape;  // allocated in the arena
  uint64_t size = 0;          // size of the header in bytes, from the magic to the first byte of data
  uint64_t nbytes = 0;        // size of the data in bytes
};

// The components of a dtype string such as "<f4", "?" or "float32".
struct NpyDtype {
  Text code;                                // the string without the byte order mark
  const Dtype *dtype = nullptr;             // NULL: unknown
  Checked item_bytes = Checked::invalid();  // size of an element; invalid if the string does not determine it
  bool big_endian = false;                  // the byte order from the mark
};

// The location of a header, for errors and limits.
struct NpyContext {
  const Source &source;
  const Settings &settings;
  Text array;           // name of the array; "" for a .npy file
  uint64_t offset;      // of the header in the source; of an inflated header: of its compressed bytes
  bool inflated;        // true if the header was inflated: then all errors in it are reported at `offset`
  tf_status too_short;  // status if bytes are missing: TRUNCATED for a file; CORRUPT in an archive, whose end is known

  uint64_t offset_of(uint64_t position) const { return inflated ? offset : offset + position; }
};

inline constexpr size_t kNpyPrefix = 12;  // number of bytes at the start of a header that contain its length

// True if the bytes begin with the magic of .npy.
bool is_npy(Bytes head);
// Returns the number of bytes before the text of a header of that major version.
size_t npy_prefix_size(uint8_t major);
// Finds the size of a whole header from its first kNpyPrefix bytes, or from fewer if the file is shorter.
Status npy_header_size(uint64_t *size, const NpyContext &context, Bytes prefix);
// Parses a whole header, whose size is npy_header_size() bytes.
Status parse_npy_header(NpyHeader *out, Arena &arena, const NpyContext &context, Bytes header);
// Fills in a member from its header. Fails if fewer bytes are available after the header than its shape needs. The
// caller sets the member's name and offset.
Status describe_npy(Member *out, const NpyContext &context, const NpyHeader &header, uint64_t available);
// Begins an error about the header.
Failure npy_failure(tf_status status, const NpyContext &context, uint64_t position);

// Appends a header as np.save writes it (version 1.0).
Status put_npy_header(Vec<uint8_t> &out, Text descr, bool fortran, Span<const int64_t> shape);
// Appends the header of an array. Sets *fortran if the elements must follow in Fortran
// order. npy_can_hold() must be true for the dtype.
Status make_npy_header(Vec<uint8_t> &out, bool *fortran, const Array &array);
// No header that put_npy_header() appends is longer.
inline constexpr uint64_t kNpyLongestHeader = 4096;
// Refuses a header of `size` bytes that a load with the same limit would refuse.
void refuse_npy_header(SaveRefusals &refusals, Subject subject, Text name, uint64_t size, uint64_t limit);
// Refuses all such headers of the arrays.
Status check_npy_headers(const SaveRequest &request);
// True if .npy has a dtype string for the dtype.
bool npy_can_hold(const Dtype &dtype);
// Parses a dtype string: every spelling that NumPy accepts for a plain number, and the names of ml_dtypes.
NpyDtype npy_dtype(Text spelled);
// Returns the code to write for a dtype, without a mark of the byte order, or NULL if there is none.
const char *npy_code(tf_dtype dtype);

}  // namespace tfile
