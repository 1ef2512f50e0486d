// Reads slices of packed and block types, whose elements have no addresses of their own.
#pragma once

#include "core/slice.h"
#include "format/format.h"

namespace tfile {

// Reads the units that contain a slice, casts them to an addressable dtype, and takes the slice from the result.
// check_cast() must have accepted the cast. The settings say how many threads cast.
Status read_units_as(void *dst, const Dtype &to, const Source &source, const Member &member, const SliceAxis *axes,
                     const Settings &settings);

}  // namespace tfile
