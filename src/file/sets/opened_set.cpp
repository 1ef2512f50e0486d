#include "file/sets/opened_set.h"

#include "base/error.h"
#include "file/sets/part_name.h"

namespace tfile {

namespace {

// Adds the notes and tolerated errors of an opened part to the set. A note is prefixed with the name of the part.
Status adopt_remarks(OpenedFile &set, const OpenedFile &part) {
  for (const Text note : part.listing.notes) {
    char buffer[1024];
    LineWriter line(buffer, sizeof(buffer));
    line << name_of(part.source->label) << ": " << note;
    TFILE_TRY(set.listing.note(line.text()));
  }
  for (const Text message : part.listing.tolerated)
    TFILE_TRY(set.listing.add_tolerated(message));
  return kOk;
}

}  // namespace

Status make_opened_set(Ref<OpenedFile> &out, Ref<Source> source, const Format &format, const Settings &settings) {
  TFILE_TRY(make_opened_file(out, std::move(source), settings));
  out->format = &format;
  return kOk;
}

Status open_part(Ref<OpenedFile> &out, OpenedFile &set, const Vec<char> &path) {
  Ref<Source> source;
  const size_t folder = folder_of(set.source->label).size();
  TFILE_TRY(open_beside(source, set.settings.memory(), *set.source, path, folder));
  TFILE_TRY(open_source(out, source, set.format->id, set.settings));
  TFILE_TRY(set.parts.push(source.get()));
  (void)source.take();
  return adopt_remarks(set, *out);
}

Status adopt_member(OpenedFile &set, const Member &member, size_t part) {
  Member copy = member;
  copy.part = static_cast<uint32_t>(part);
  TFILE_TRY(set.listing.arena.copy(&copy.name, member.name));
  TFILE_TRY(set.listing.arena.copy(&copy.type, member.type));
  TFILE_TRY(set.listing.arena.copy(&copy.reason, member.reason));
  TFILE_TRY(set.listing.arena.copy(&copy.shape, member.shape));
  return set.listing.add(*set.parts[part], set.settings, copy, kNoOffset);
}

Status adopt_metadata(OpenedFile &set, const OpenedFile &part) {
  for (const DictEntry *value : part.listing.metadata->entries) {
    if (set.listing.metadata->find(value->key) == nullptr) {
      TFILE_TRY(set.listing.metadata->set_value(value->key, *value));
    }
  }
  return kOk;
}

}  // namespace tfile
