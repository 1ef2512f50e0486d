// Sets of files that are known only by the numbers in their names, NAME-00001-of-00003.safetensors: they have no index
// and no metadata about the set.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Replaces an opened part by the whole set. Does nothing if the name of the file has no number.
Status open_numbered(Ref<OpenedFile> &file);

// Adds a note that the opened file is one of several parts.
Status note_other_parts(OpenedFile &file);

}  // namespace tfile
