// Split gguf: NAME-00001-of-00003.gguf and so on, each with its number and the number of files in its metadata.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Replaces an opened part of a split gguf by the whole set; leaves a file that is not split as it is.
Status open_split(Ref<OpenedFile> &file);

// Reads the number of files that the first part of a set says it has: 0 if the file is not the first part of a set of the
// size that its name states.
Status read_split_count(uint64_t *count, const char *path, const Format &format, const Settings &settings);

// The metadata of a part, counted from 0: the first has all of the request's, the others what is needed to read them.
Status make_split_metadata(Ref<Dict> &out, const SaveRequest &request, size_t part, size_t count);

}  // namespace tfile
