// Opens a path: a single file, or a whole set if the path is its index, one of its parts or its folder.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Opens a path. The index of sharded safetensors opens its set, and a folder the only set in it. With TF_OPTION_PARTS,
// any part of a set opens the whole set. Any other file is opened by itself.
Status open_path(Ref<OpenedFile> &out, const char *path, const Settings &settings);

// Opens a source in the same way. Sets need a source with a path or a resolver, which finds their other files.
Status open_file_source(Ref<OpenedFile> &out, Ref<Source> source, tf_format format, const Settings &settings);

}  // namespace tfile
