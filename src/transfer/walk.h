// Walks: the elements of a slice of a member in the order of the file, and their destinations in memory.
#pragma once

#include "core/slice.h"
#include "transfer/member_stream.h"

namespace tfile {

// A slice in file order: its axes are sorted from the outermost stored axis to the innermost, and all steps in the file
// are positive.
struct Walk {
  size_t ndim = 0;
  uint64_t item = 0;   // bytes of an element, or of a block of a block type
  uint64_t first = 0;  // offset of the first element in the member
  char *to = nullptr;  // destination of the first element
  int64_t counts[kMaxRank];
  int64_t from_strides[kMaxRank];  // strides in the file, in bytes, positive
  int64_t to_strides[kMaxRank];

  // Returns the number of bytes from the first requested element to the end of the last one, for the axes from `axis`
  // on.
  uint64_t extent(size_t axis) const;
  // Returns the number of bytes between two rows of an axis.
  uint64_t gap(size_t axis) const;
  // Returns the first axis from which on all elements are close together and within `most` bytes, so that one read
  // fetches them.
  size_t split_within(uint64_t most, uint64_t max_gap) const;
  // Returns the first axis from which on the elements are one run of bytes, in the file and in memory. *nbytes is its
  // length.
  size_t run_axis(uint64_t *nbytes) const;
};

// The member as a walk sees it: units of `item` bytes, which are elements or blocks.
struct WalkShape {
  Span<const int64_t> sizes;
  uint64_t item;
  bool fortran;
};

// Prepares to read a slice, or the whole member if axes is NULL. `to` is the destination of the slice's first element;
// to_strides are the strides there, in the order of the slice's axes.
void make_walk(Walk *walk, const WalkShape &shape, const SliceAxis *axes, void *to, const int64_t *to_strides);

// Copies all elements of a walk from bytes that begin with its first one.
void copy_walk(const Walk &walk, const char *bytes);

// Reads the elements of walks of one member. Elements that are close together in the file are fetched by one read, and
// bytes that several walks want are read, and inflated, once.
Status read_walks(MemberStream &stream, const Member &member, Span<const Walk> walks, Memory &memory);

}  // namespace tfile
