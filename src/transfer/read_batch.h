// Reads many members at once, on several threads.
#pragma once

#include "format/format.h"

namespace tfile {

// A member to read whole, and where its elements go.
struct ReadTarget {
  const Source *source;
  const Member *member;
  void *to;            // at any address; receives the elements in C order
  const Dtype *dtype;  // that the elements are cast to; the member's own: none

  bool has_cast() const { return dtype != member->dtype; }
};

// Reads members on as many threads as the settings and the sources allow, and reports progress. Neighbouring small members
// are read together and large ones in pieces. Sorts the targets, which may be in any order. check_cast() must have
// accepted every cast.
Status read_members(Vec<ReadTarget> &targets, const Settings &settings);

}  // namespace tfile
