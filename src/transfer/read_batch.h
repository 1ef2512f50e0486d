// Reads many members, or slices of them, at once, on several threads.
#pragma once

#include "base/options.h"
#include "transfer/completions.h"
#include "transfer/read_target.h"

namespace tfile {

// Reads targets on as many threads as the settings and the sources allow, and reports progress. Small targets are read
// together with their neighbours, large ones in pieces, and those of one compressed member in one pass. Sorts the
// targets, which may be in any order. check_cast() must have accepted every cast. The callback is called on the calling
// thread, once for each target; after it no byte of the target changes.
Status read_members(Vec<ReadTarget> &targets, const Settings &settings, CompleteCallback callback = {});

}  // namespace tfile
