#include "file/sets/numbered_parts.h"

#include "file/sets/opened_set.h"
#include "file/sets/part_name.h"

namespace tfile {

Status open_numbered(Ref<OpenedFile> &file) {
  const Text extension(file->format->extension);
  PartName name;
  if (!name.parse_part(file->source->label, extension)) return kOk;
  Ref<OpenedFile> set;
  TFILE_TRY(make_opened_set(set, file->source, *file->format, file->settings));
  Vec<char> path(set->settings.memory());
  for (uint64_t number = 1; number <= name.count; ++number) {
    Ref<OpenedFile> part;
    TFILE_TRY(make_part_path(&path, name.prefix, number, name.count, extension));
    TFILE_TRY(open_part(part, *set, path));
    for (const Member &member : part->listing.members)
      TFILE_TRY(adopt_member(*set, member, set->parts.size() - 1));
    TFILE_TRY(adopt_metadata(*set, *part));
  }
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
