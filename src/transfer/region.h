// A whole array of a file, or a slice of it, read for a caller: as stored, cast, or decoded from blocks.
#pragma once

#include "file/open.h"

namespace tfile {

struct Region {
  const Member *member;
  const SliceAxis *axes;  // NULL: whole
  Span<const int64_t> shape;
};

// A slice that the caller asked for: resolved, and the shape of the result.
struct ResolvedSlice {
  SliceAxis axes[kMaxRank];
  int64_t shape[kMaxRank];

  Status resolve(const OpenedFile &file, const Member &member, const int64_t *start, const int64_t *stop,
                 const int64_t *step, size_t ndim);
  Region region(const Member &member) const {
    return Region{&member, axes, Span<const int64_t>(shape, member.shape.size())};
  }
};

// What TF_OPTION_DECODE makes of a member's dtype.
const Dtype &handed_out_as(const Member &member, const Settings &settings);

// A whole member for read_members(), cast to dtype on the way; check_cast() has passed.
ReadTarget make_target(const OpenedFile &file, const Member &member, void *to, const Dtype &dtype);

// The dtype in which a caller wants a member, TF_DTYPE_UNSUPPORTED: as stored.
Status find_read_dtype(const Dtype **out, tf_dtype dtype, const OpenedFile &file, const Member &member);
// That the caller's memory is just what the region needs as dtype.
Status check_destination(const void *dst, size_t nbytes, const Dtype &dtype, const OpenedFile &file,
                         const Region &region);

// An array of memory of its own, decoded where the settings of the file ask for it.
Status read_region(Ref<Array> &out, const OpenedFile &file, const Region &region);

// Into the caller's memory, as dtype (TF_DTYPE_UNSUPPORTED: as stored); nbytes must be just what that takes.
Status read_region_into(void *dst, size_t nbytes, tf_dtype dtype, const OpenedFile &file, const Region &region);

}  // namespace tfile
