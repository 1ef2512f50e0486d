#include "file/sets/numbered_parts.h"

#include "file/sets/gguf_split.h"
#include "file/sets/opened_set.h"

namespace tfile {

Status open_numbered(Ref<OpenedFile> &file) {
  PartName name;
  if (!name.parse_part(file->source->label, file->format->extension)) return kOk;
  Ref<OpenedFile> set;
  TFILE_TRY(open_all_parts(set, *file, name, [](OpenedFile &to, const OpenedFile &part, uint64_t) {
    TFILE_TRY(adopt_members(to, part));
    return adopt_metadata(to, part);
  }));
  file = std::move(set);
  return kOk;
}

Status note_other_parts(OpenedFile &file) {
  if (file.format->sets == SetKind::kNone || !has_siblings(*file.source)) return kOk;
  PartName name;
  PartName stated;
  const bool is_numbered = name.parse_part(file.source->label, file.format->extension);
  const bool has_metadata = find_split(&stated, file);
  if (!is_numbered && !has_metadata) return kOk;
  const bool is_renamed = has_metadata && (!is_numbered || stated.number != name.number || stated.count != name.count);
  const PartName &part = is_renamed ? stated : name;
  char buffer[192];
  LineWriter line(buffer, sizeof(buffer));
  line << "this is part " << part.number << " of " << part.count;
  if (!is_renamed) {
    line << "; TF_OPTION_PARTS opens all of them";
    return file.listing.note(line.text());
  }
  Vec<char> ending(file.settings.memory());
  TFILE_TRY(make_part_path(&ending, Text(), part.number, part.count, file.format->extension));
  line << ", as its metadata say; its name would have to end in " << Text(ending.data(), ending.size() - 1)
       << " for TF_OPTION_PARTS to find the others";
  return file.listing.note(line.text());
}

}  // namespace tfile
