// Opens a path: one file, or the set of files that an index or a part of it stands for.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Opens what a path names: the index of sharded safetensors as its set; with TF_OPTION_PARTS any part of a split gguf as
// the whole; any other file by itself.
Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings);

}  // namespace tfile
