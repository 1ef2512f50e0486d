// Lists the files of a set without opening them, so that each can be checked by itself.
#pragma once

#include "base/arena.h"
#include "base/options.h"
#include "base/vec.h"

namespace tfile {

// Appends the paths of the files of the set that a path names: a folder with one set, an index, or, with by_part, a
// part of a set. Appends nothing if the path names no set. The paths are NUL-terminated and stored in the arena; the
// files need not exist. Fails without appending anything if the index cannot be read.
Status list_set_files(Vec<Text> *out, Arena &arena, Text path, bool by_part, const Settings &settings);

}  // namespace tfile
