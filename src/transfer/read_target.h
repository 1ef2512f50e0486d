// ReadTarget: an array of a file, or a slice of one, and the memory that receives it.
#pragma once

#include "core/slice.h"
#include "format/format.h"
#include "transfer/walk.h"

namespace tfile {

// How a target is read.
enum class ReadKind : uint8_t {
  kNothing,  // it has no elements
  kStream,   // whole, by one thread from the first byte to the last, or chunk by chunk
  kRun,      // one run of bytes in the file and in memory, in pieces
  kSmall,    // close together in the file: read at once, with its neighbours
  kBands,    // a slice, or memory with strides: in bands of rows, together with the other such targets of the member
  kUnits,    // a slice that cuts through units of a packed or block type, which are decoded
};

// The member, the selection, the destination and the conversion; and, after classify(), the way to read it.
struct ReadTarget {
  const Source *source;
  const Member *member;
  void *to;                          // receives the elements; needs no alignment
  const Dtype *dtype;                // the dtype to cast the elements to; the member's own dtype means no cast
  size_t entry = 0;                  // the number by which the caller knows the target
  const SliceAxis *axes = nullptr;   // the slice; NULL: the whole array
  const int64_t *strides = nullptr;  // of the destination, in bytes; NULL: C order without gaps

  ReadKind kind = ReadKind::kNothing;
  uint64_t start = 0;   // kRun, kSmall: offset in the member of the first byte to read
  uint64_t extent = 0;  // kRun, kSmall: bytes from there to the end of the last element
  uint64_t nbytes = 0;  // bytes of the elements as they are stored
  bool plain = false;   // kRun, kSmall: the bytes in the file are those of the result, before a cast

  bool has_cast() const { return dtype != member->dtype; }
  // True if the bytes in the file can be read to the destination.
  bool is_direct() const { return plain && !has_cast(); }
  // True if every byte of the member is read.
  bool is_all() const { return nbytes == member->nbytes; }
  // Chooses the kind and sets what depends on it.
  void classify();

 private:
  void classify_whole();
};

// True if the stored bytes of the member are not those of its elements in C order.
inline bool is_stream(const Member &member) {
  return member.deflated || member.fortran || member.tail > 0;
}

// True if one thread must read the whole member from its first byte to its last, to inflate it or for its checksum.
inline bool needs_order(const Member &member) {
  return member.deflated || member.tail > 0 || member.has_crc;
}

// The result of a target, or of a part of it: its shape, and where it goes.
struct Destination {
  char *to;  // of the first element
  size_t ndim;
  int64_t counts[kMaxRank];   // in elements
  int64_t strides[kMaxRank];  // in bytes; meaningless if `contiguous` and the dtype is packed or a block type
  bool contiguous;

  explicit Destination(const ReadTarget &target);
  Span<const int64_t> shape() const { return Span<const int64_t>(counts, ndim); }
  uint64_t elements() const;
};

// The walk over the units of a slice of a member, with C-contiguous memory as its destination.
struct UnitSlice {
  int64_t sizes[kMaxRank];  // of the member, in units
  int64_t counts[kMaxRank];
  SliceAxis axes[kMaxRank];

  // Returns false if the slice cuts through a unit of a packed or block type.
  bool resolve(const Member &member, const SliceAxis *slice);
  Span<const int64_t> shape(const Member &member) const { return Span<const int64_t>(counts, member.shape.size()); }
  // Without strides the destination is C-contiguous.
  void walk(Walk *out, const Member &member, void *to, const int64_t *strides = nullptr) const;
};

// Casts elements, which are C-contiguous, to their destination. `first` is the number of the first of them in the
// result, for messages.
Status convert(const Destination &destination, const ReadTarget &target, const void *from, Memory &memory,
               uint64_t first = 0);

}  // namespace tfile
