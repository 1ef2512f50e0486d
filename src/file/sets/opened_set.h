// Several files opened as one OpenedFile.
#pragma once

#include "file/opened_file.h"

namespace tfile {

// Makes an OpenedFile without files. `source` is the file that the caller opened.
Status make_opened_set(Ref<OpenedFile> &out, Ref<Source> source, const Format &format, const Settings &settings);
// Opens the next file of a set by its path, which begins with the folder of the set's source, and adds its source to
// set.parts. Call adopt_member() to add its arrays.
Status open_part(Ref<OpenedFile> &out, OpenedFile &set, const Vec<char> &path);
// Adds an array of the file set.parts[part] to the set.
Status adopt_member(OpenedFile &set, const Member &member, size_t part);
// Adds the metadata of a part to the set, except keys that the set already has.
Status adopt_metadata(OpenedFile &set, const OpenedFile &part);

}  // namespace tfile
