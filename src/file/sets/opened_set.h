// Several files opened as one OpenedFile.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Makes an OpenedFile with no files yet; `source` is the one that the caller named.
Status make_opened_set(Ref<OpenedFile> &out, Ref<Source> source, const Format &format, const Settings &settings);
// Opens the next file of a set by its path and adds its source to set.parts. Its arrays are added by adopt_member().
Status open_part(Ref<OpenedFile> &out, OpenedFile &set, const char *path);
// Adds an array of the file set.parts[part] to the set.
Status adopt_member(OpenedFile &set, const Member &member, size_t part);
// Adds those metadata of a part to the set that it does not have yet.
Status adopt_metadata(OpenedFile &set, const OpenedFile &part);

}  // namespace tfile
