// Opens a path: one file, or the set of files that an index, a part of it or its folder stands for.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Opens what a path names: the index of sharded safetensors as its set; a folder as the only set of files in it; with
// TF_OPTION_PARTS any part of a set as the whole; any other file by itself.
Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings);

}  // namespace tfile
