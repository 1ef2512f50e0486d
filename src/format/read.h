// Reading the members of a listing: whole, mapped, or a slice; from plain or deflated bytes.
#pragma once

#include "core/slice.h"
#include "format/format.h"

namespace tfile {

// A whole member, the file that it is in, and where its elements go, in C order: member->nbytes at any address.
struct ReadTarget {
  const Source *source;
  const Member *member;
  void *to;
};

// Reads members on as many threads as the settings and the sources allow, and reports progress.
Status read_members(Span<const ReadTarget> targets, const Settings &settings);

// A slice, C-contiguous, into `to`, which has the bytes that the slice needs.
Status read_slice_into(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                       const Settings &settings);

// An array over the source's own bytes; out stays empty where they cannot serve as they are (see TF_LOAD_MODE_MAP).
Status map_member(Ref<Array> &out, Source &source, const Member &member, Memory &memory);

// UNSUPPORTED when the member is of a type that we do not know.
Status check_known(const Source &source, const Member &member);

}  // namespace tfile
