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
  Status opened = open_beside(source, set.settings.memory(), *set.source, path, folder);
  if (opened.ok()) opened = open_source(out, source, set.format->id, set.settings);
  if (!opened.ok()) return set.settings.collect(opened);
  TFILE_TRY(set.parts.push(source.get()));
  (void)source.take();
  return adopt_remarks(set, *out);
}

Status check_not_replaced(const Source &opened, Memory &memory) {
  const FileIdentity identity = identity_of(opened);
  if (!identity.known || !opened.has_path || opened.resolver) return kOk;
  Vec<char> path(memory);
  Ref<Source> now;
  TFILE_TRY(join(&path, opened.label, Text(), Text()));
  const Status status = source_from_path(now, memory, path.data());
  if (status.ok() && same_file(identity, identity_of(*now))) return kOk;
  if (!status.ok() && status.code != TF_STATUS_NOT_FOUND) return status;
  return Failure(TF_STATUS_IO).in(opened.label) << "was replaced while the set was opened; open the set again";
}

Status check_none_replaced(const OpenedFile &set) {
  for (const Source *part : set.parts)
    TFILE_TRY(check_not_replaced(*part, set.settings.memory()));
  return kOk;
}

Status adopt_member(OpenedFile &set, const Member &member) {
  const size_t part = set.parts.size() - 1;
  Member copy = member;
  copy.part = static_cast<uint32_t>(part);
  TFILE_TRY(set.listing.arena.copy(&copy.name, member.name));
  TFILE_TRY(set.listing.arena.copy(&copy.type, member.type));
  TFILE_TRY(set.listing.arena.copy(&copy.reason, member.reason));
  TFILE_TRY(set.listing.arena.copy(&copy.shape, member.shape));
  const Status added = set.listing.add(*set.parts[part], set.settings, copy, kNoOffset);
  return added.code == TF_STATUS_DUPLICATE ? set.settings.collect(added) : added;
}

Status adopt_members(OpenedFile &set, const OpenedFile &part) {
  for (const Member &member : part.listing.members)
    TFILE_TRY(adopt_member(set, member));
  return kOk;
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
