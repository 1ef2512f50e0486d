// Sets whose files have numbers in their names, NAME-00001-of-00003.safetensors, and neither an index nor metadata about them.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Replaces an opened part by all parts of its set; leaves a file without a number as it is.
Status open_numbered(Ref<OpenedFile> &file);

// Notes that an opened file is one part of several.
Status note_other_parts(OpenedFile &file);

}  // namespace tfile
