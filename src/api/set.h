// Sets of files: sharded safetensors with their index, and split gguf; opened as one, and saved in parts.
#pragma once

#include "api/file.h"
#include "api/request.h"

namespace tfile {

// Whether a path is named as the index of sharded safetensors.
bool is_index_path(Text path);

// Opens what an index lists, as one file.
Status open_index(Ref<OpenFile> &out, const Ref<Source> &index, const Settings &settings);

// Opens all parts of a split gguf, of which file is one; a file that is not split stays as it is.
Status open_split(Ref<OpenFile> &file);

// save_to_path(), or, where the settings ask for parts and the format has them, in parts of at most TF_OPTION_PART_BYTES
// of array data when one file would have more.
Status save_whole_or_parts(const char *path, const Format &format, const SaveRequest &request, bool add_extension);

}  // namespace tfile
