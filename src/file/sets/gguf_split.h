// Split gguf files: NAME-00001-of-00003.gguf and so on. The metadata of each contains its number and the number of
// files.
#pragma once

#include "file/opened_file.h"
#include "file/sets/part_name.h"

namespace tfile {

// Returns true and sets the numbers of *part if the metadata of an opened file say that it is one of several parts whose
// numbers a name can have.
bool find_split(PartName *part, const OpenedFile &file);

// Replaces an opened part of a split gguf by the whole set. Does nothing if the file is not split.
Status open_split(Ref<OpenedFile> &file);

// Reads the number of files in a set from the metadata of its first part. The result is 0 if the file is not the first
// part of a set, or if the number differs from the one in its name.
Status read_split_count(uint64_t *count, const char *path, const Format &format, const Settings &settings);

// Makes the metadata of a part; parts are numbered from 0. The first part gets all metadata of the request, the others
// only the keys that are needed to read them.
Status make_split_metadata(Ref<Dict> &out, const SaveRequest &request, size_t part, size_t count);

}  // namespace tfile
