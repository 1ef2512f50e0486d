// Reading the members of a listing: whole, mapped, or a slice; from plain or deflated bytes.
#pragma once

#include "core/slice.h"
#include "format/format.h"

namespace tfile {

// One whole member, in memory of its own, or mapped where the settings ask for it and it can be.
Status read_member(Ref<Array> &out, Source &source, const Member &member, const Settings &settings);
// Into `to`, which has member.nbytes, in C order.
Status read_member_into(void *to, const Source &source, const Member &member, const Settings &settings);
// A slice, C-contiguous, into `to`, which has the bytes that the slice needs.
Status read_slice_into(void *to, const Source &source, const Member &member, const SliceAxis *axes,
                       const Settings &settings);
// Reads every byte of a member and checks what there is to check, keeping nothing.
Status check_readable(const Source &source, const Member &member);

}  // namespace tfile
