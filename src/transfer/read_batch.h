// Reads many members at once, on several threads.
#pragma once

#include "format/format.h"

namespace tfile {

// A member to read completely, and the destination of its elements.
struct ReadTarget {
  const Source *source;
  const Member *member;
  void *to;            // receives the elements in C order; needs no alignment
  const Dtype *dtype;  // the dtype to cast the elements to; the member's own dtype means no cast

  bool has_cast() const { return dtype != member->dtype; }
};

// Reads members on as many threads as the settings and the sources allow, and reports progress. Neighbouring small
// members are read together and large ones in pieces. Sorts the targets, which may be in any order. check_cast() must
// have accepted every cast.
Status read_members(Vec<ReadTarget> &targets, const Settings &settings);

}  // namespace tfile
