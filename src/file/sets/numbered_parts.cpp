#include "file/sets/numbered_parts.h"

#include "file/sets/opened_set.h"

namespace tfile {

Status open_numbered(Ref<OpenedFile> &file) {
  PartName name;
  if (!name.parse_part(file->source->label, file->format->extension)) return kOk;
  Ref<OpenedFile> set;
  TFILE_TRY(open_all_parts(set, *file, name, [](OpenedFile &to, const OpenedFile &part) {
    for (const Member &member : part.listing.members)
      TFILE_TRY(adopt_member(to, member, to.parts.size() - 1));
    return adopt_metadata(to, part);
  }));
  file = std::move(set);
  return kOk;
}

Status note_other_parts(OpenedFile &file) {
  PartName name;
  if (file.format->sets == SetKind::kNone || !has_siblings(*file.source)) return kOk;
  if (!name.parse_part(file.source->label, file.format->extension)) return kOk;
  char buffer[128];
  LineWriter line(buffer, sizeof(buffer));
  line << "this is part " << name.number << " of " << name.count << "; TF_OPTION_PARTS opens all of them";
  return file.listing.note(line.text());
}

}  // namespace tfile
