// Several files opened as one OpenedFile.
#pragma once

#include "file/opened_file.h"
#include "file/sets/part_name.h"

namespace tfile {

// Makes an OpenedFile without files. `source` is the file that the caller opened.
Status make_opened_set(Ref<OpenedFile> &out, Ref<Source> source, const Format &format, const Settings &settings);
// Opens the next file of a set by its path, which begins with the folder of the set's source, and adds its source to
// set.parts. Call adopt_members() to add its arrays. If the settings collect the fault that prevents this, `out` stays
// empty.
Status open_part(Ref<OpenedFile> &out, OpenedFile &set, const Vec<char> &path);
// Fails if a file has been replaced since it was opened, because the set may then have files of two saves. Call it for
// each file, when all have been opened.
Status check_not_replaced(const Source &opened, Memory &memory);
// The same for all files of a set.
Status check_none_replaced(const OpenedFile &set);
// Opens all files of the set that an opened file with a numbered name belongs to, in order. Calls
// adopt(set, part, index) for each that can be opened, which adds what the file contains; its source is the last one of
// set.parts.
template <typename Adopt>
Status open_all_parts(Ref<OpenedFile> &out, const OpenedFile &file, const PartName &name, Adopt adopt) {
  Ref<OpenedFile> set;
  TFILE_TRY(make_opened_set(set, file.source, *file.format, file.settings));
  Vec<char> path(set->settings.memory());
  for (uint64_t i = 0; i < name.count; ++i) {
    Ref<OpenedFile> part;
    TFILE_TRY(make_part_path(&path, name.prefix, i + 1, name.count, file.format->extension));
    TFILE_TRY(open_part(part, *set, path));
    if (part) TFILE_TRY(adopt(*set, *part, i));
  }
  TFILE_TRY(check_none_replaced(*set));
  out = std::move(set);
  return kOk;
}
// Adds an array of the file whose source is the last one of set.parts to the set.
Status adopt_member(OpenedFile &set, const Member &member);
// Adds all arrays of that file.
Status adopt_members(OpenedFile &set, const OpenedFile &part);
// Adds the metadata of a part to the set, except keys that the set already has.
Status adopt_metadata(OpenedFile &set, const OpenedFile &part);

}  // namespace tfile
