#include "file/sets/set_replacement.h"

#include <algorithm>

#include "base/error.h"
#include "file/sets/gguf_split.h"
#include "file/sets/safetensors_index.h"

namespace tfile {

namespace {

// Filters the status of reading an existing file to find the parts of the old set. The file may be damaged, or written
// by another program: such an error is ignored, and the old parts, which remain unknown, are not removed. Only a failed
// read or a lack of memory ends the save. `before` is the error record before the file was read.
Status ignore_bad_content(Status status, const ErrorRecord &before) {
  if (status.ok() || status.code == TF_STATUS_IO || status.code == TF_STATUS_OUT_OF_MEMORY) return status;
  error_record() = before;
  return kOk;
}

bool is_before(const FileIdentity &a, const FileIdentity &b) {
  return a.volume != b.volume ? a.volume < b.volume : a.index < b.index;
}

Text text_of(const Vec<char> &terminated) {
  return Text(terminated.data(), terminated.size() - 1);
}

}  // namespace

SetReplacement::~SetReplacement() {
  for (Replacement *other : others_)
    destroy(memory_, other);
}

Status SetReplacement::find_other(const char *path) {
  Replacement *other = nullptr;
  TFILE_TRY(make(&other, memory_, memory_));
  const Status status = others_.push(other);
  if (!status.ok()) return destroy(memory_, other), status;
  return other->find(path, &first_);
}

Status SetReplacement::find_set() {
  Vec<char> path(memory_);
  TFILE_TRY(plan_->part_path(&path, 0));
  TFILE_TRY(first_.find(path.data(), nullptr));
  for (size_t i = 1; i < plan_->count(); ++i) {
    TFILE_TRY(plan_->part_path(&path, i));
    TFILE_TRY(find_other(path.data()));
  }
  if (!plan_->has_index()) return kOk;
  TFILE_TRY(plan_->index_path(&path));
  return find_other(path.data());
}

Status SetReplacement::open(const PartPlan &plan, Span<const NamedArray> arrays) {
  plan_ = &plan;
  atomic_ = plan.settings().on(TF_OPTION_ATOMIC);
  durable_ = plan.settings().on(TF_OPTION_DURABLE);
  TFILE_TRY(is_set() ? find_set() : first_.find(plan.path().data(), nullptr));
  TFILE_TRY(check_not_mapped(arrays));
  return plan.may_split() ? find_old_files() : kOk;
}

// Fails if an array is mapped from a file that will be written in place, because emptying the file destroys the array.
Status SetReplacement::check_not_mapped(Span<const NamedArray> arrays) const {
  struct Mapped {
    FileIdentity file;
    Text array;
  };
  if (atomic_ && (kReplacesMappedFiles || !is_set())) return kOk;
  Vec<Mapped> mapped(memory_);
  for (const NamedArray &named : arrays) {
    const Buffer *const buffer = named.array->buffer.get();
    if (buffer == nullptr || !buffer->file.known) continue;
    if (mapped.empty() || !same_file(mapped.back().file, buffer->file)) {
      TFILE_TRY(mapped.push(Mapped{buffer->file, named.name}));
    }
  }
  for (size_t i = 0; i < file_count(); ++i) {
    const Target &target = file(i).target();
    if (!target.exists) continue;
    for (const Mapped &one : mapped) {
      if (!same_file(one.file, target.identity)) continue;
      Failure failure(TF_STATUS_INVALID_ARGUMENT);
      failure.in(target.label()).array(one.array) << "is mapped from this file, which ";
      if (atomic_) return failure << "cannot be replaced meanwhile; load it without TF_LOAD_MODE_MAP";
      return failure << "TF_OPTION_ATOMIC 0 would overwrite; leave that option 1, or load without TF_LOAD_MODE_MAP";
    }
  }
  return kOk;
}

Status SetReplacement::add_old_file(Text name, OldKind kind) {
  Text copy;
  TFILE_TRY(names_.copy(&copy, name));
  return old_files_.push(OldFile{copy, kind});
}

Status SetReplacement::find_old_files() {
  TFILE_TRY(plan_->format().sets == SetKind::kIndex ? find_old_shards() : find_old_splits());
  return is_set() ? add_old_file(name_of(plan_->path()), OldKind::kOther) : kOk;
}

// True if the new set has a part of this name.
bool SetReplacement::is_new_part(const PartName &name) const {
  return is_set() && name.count == plan_->count() && name.prefix == name_of(plan_->prefix());
}

// Finds the files that an old index lists, unless the index is a link. Files of other formats are not removed, whatever
// the index says, and neither are files in subfolders, because a subfolder may be a link and nothing outside of the
// folder may be removed. Without the index they no longer form a set.
Status SetReplacement::find_old_shards() {
  Vec<char> path(memory_);
  bool regular = false;
  FileIdentity identity;
  TFILE_TRY(plan_->index_path(&path));
  const Text index_name = name_of(text_of(path));
  TFILE_TRY(find_neighbour(&regular, &identity, folder(), index_name.data()));
  if (!regular) return kOk;
  Ref<Source> index;
  Vec<Text> names(memory_);
  const ErrorRecord before = error_record();
  TFILE_TRY(source_from_path(index, memory_, path.data()));
  TFILE_TRY(ignore_bad_content(read_index_files(&names, names_, *index, plan_->settings()), before));
  for (const Text name : names) {
    PartName part;
    const Text extension(plan_->format().extension);
    const bool is_numbered = part.parse_part(name, extension);
    is_listed_ = is_listed_ || (!is_set() && name == name_of(plan_->path()));
    if (!folder_of(name).empty() || !name.ends_with(extension) || (is_numbered && is_new_part(part))) continue;
    const bool is_first = is_numbered && part.number == 1;
    TFILE_TRY(old_files_.push(OldFile{name, is_first ? OldKind::kFirstPart : OldKind::kPart}));
  }
  return is_set() ? kOk : add_old_file(index_name, OldKind::kOther);
}

// Finds the parts of sets that have the same name but another number of parts, which the metadata of each first part
// states.
Status SetReplacement::find_old_splits() {
  Vec<char> start(memory_);
  TFILE_TRY(join(&start, name_of(plan_->prefix()), "-00001-of-", Text()));
  return for_each_neighbour(folder(), text_of(start), plan_->format().extension, add_split, this);
}

Status SetReplacement::add_split(void *context, Text digits) {
  auto &self = *static_cast<SetReplacement *>(context);
  const Text extension(self.plan_->format().extension);
  Vec<char> path(self.memory_);
  TFILE_TRY(join(&path, self.plan_->prefix(), "-00001-of-", digits));
  path.pop();
  TFILE_TRY(path.append(extension.data(), extension.size() + 1));
  PartName part;
  if (!part.parse(text_of(path), extension)) return kOk;
  // Skips the names of the new parts.
  if (self.is_set() && part.count == self.plan_->count()) return kOk;
  bool regular = false;
  FileIdentity identity;
  TFILE_TRY(find_neighbour(&regular, &identity, self.folder(), name_of(text_of(path)).data()));
  if (!regular) return kOk;
  uint64_t count = 0;
  const Format &format = self.plan_->format();
  const ErrorRecord before = error_record();
  TFILE_TRY(ignore_bad_content(read_split_count(&count, path.data(), format, self.plan_->settings()), before));
  for (uint64_t number = 1; number <= count; ++number) {
    TFILE_TRY(make_part_path(&path, name_of(self.plan_->prefix()), number, count, extension));
    TFILE_TRY(self.add_old_file(text_of(path), number == 1 ? OldKind::kFirstPart : OldKind::kPart));
  }
  return kOk;
}

Status SetReplacement::begin_part(Ref<Sink> &out) {
  if (begun_ == 0 && !atomic_) TFILE_TRY(is_set() ? empty_set() : remove_index_of_target());
  return file(begun_++).open(out, atomic_, durable_);
}

Status SetReplacement::end_part() {
  return file(begun_ - 1).finish();
}

// Before a set is written in place, makes the old set unreadable. Empties all parts, because old parts must not be
// mistaken for parts of the new set until they are overwritten.
Status SetReplacement::empty_set() {
  TFILE_TRY(remove_old_set());
  if (plan_->has_index()) TFILE_TRY(remove_target(index().target()));
  TFILE_TRY(sync());
  for (size_t i = 0; i < plan_->count(); ++i) {
    if (!file(i).target().exists) continue;
    File opened;
    TFILE_TRY(open_in_place(&opened, file(i).target(), true));
    close_file(opened);
  }
  return kOk;
}

Status SetReplacement::write_index() {
  Vec<char> text(memory_);
  TFILE_TRY(make_index(&text, *plan_));
  Ref<Sink> sink;
  TFILE_TRY(index().open(sink, atomic_, durable_));
  Output output(*sink, plan_->settings(), 0);
  TFILE_TRY(output.write(text.data(), text.size()));
  TFILE_TRY(output.flush());
  return index().finish();
}

Status SetReplacement::commit() {
  if (plan_->has_index()) TFILE_TRY(write_index());
  if (atomic_) TFILE_TRY(is_set() ? remove_old_set() : remove_index_of_target());
  TFILE_TRY(replace_files());
  return old_files_.empty() ? kOk : remove_all_old_files();
}

// Removes the first part of the old set, so that it no longer loads, then its other parts. Those are not in the way of
// the new set, so that removing them is tried once more at the end before it fails.
Status SetReplacement::remove_old_set() {
  TFILE_TRY(remove_target(first_.target()));
  TFILE_TRY(remove_old_files(OldKind::kFirstPart, {}));
  const ErrorRecord before = error_record();
  if (!remove_old_files(OldKind::kPart, {}).ok()) error_record() = before;
  return sync();
}

// Removes an old index that lists the single file which is replaced: with it, the new file would be a part of the old
// set until the others are removed.
Status SetReplacement::remove_index_of_target() {
  if (!is_listed_) return kOk;
  TFILE_TRY(remove_old_files(OldKind::kOther, {}));
  return sync();
}

// Renames the files to their targets. A durable save syncs the folder between the steps, so that the order also holds
// after a power failure.
Status SetReplacement::replace_files() {
  if (plan_->has_index()) TFILE_TRY(index().move_into_place());
  for (size_t i = 1; i < plan_->count(); ++i)
    TFILE_TRY(file(i).move_into_place());
  if (is_set()) TFILE_TRY(sync());
  TFILE_TRY(first_.move_into_place());
  return sync();
}

// In a durable save, syncs the folders of all files. Files that are reached through links can be in other folders.
Status SetReplacement::sync() {
  if (!durable_) return kOk;
  for (size_t i = 0; i < file_count(); ++i) {
    if (i == 0 || !same_folder(file(i).target(), folder())) TFILE_TRY(file(i).sync());
  }
  return kOk;
}

Status SetReplacement::new_identities(Vec<FileIdentity> *out) {
  for (size_t i = 0; i < file_count(); ++i) {
    FileIdentity identity;
    TFILE_TRY(identify_target(&identity, file(i).target()));
    TFILE_TRY(out->push(identity));
  }
  std::sort(out->begin(), out->end(), is_before);
  return kOk;
}

// Removes the old files of one kind, except those that are kept. If some cannot be removed, removes the others all the
// same.
Status SetReplacement::remove_old_files(OldKind kind, Span<const FileIdentity> kept) {
  Status first = kOk;
  for (const OldFile &old : old_files_) {
    if (old.kind != kind) continue;
    const Status status = remove_old_file(old, kept);
    if (first.ok()) first = status;
  }
  return first;
}

Status SetReplacement::remove_old_file(const OldFile &old, Span<const FileIdentity> kept) {
  bool regular = false;
  FileIdentity identity;
  TFILE_TRY(find_neighbour(&regular, &identity, folder(), old.name.data()));
  if (!regular || std::binary_search(kept.begin(), kept.end(), identity, is_before)) return kOk;
  return remove_neighbour(folder(), old.name.data());
}

// Removes old files that are not files of the new set. Compares identities instead of names, because a file system may
// ignore letter case. First parts are the first, so that an old set that is only partly removed does not load.
Status SetReplacement::remove_all_old_files() {
  Vec<FileIdentity> kept(memory_);
  TFILE_TRY(new_identities(&kept));
  for (const OldKind kind : {OldKind::kFirstPart, OldKind::kPart, OldKind::kOther})
    TFILE_TRY(remove_old_files(kind, kept.span()));
  return sync();
}

}  // namespace tfile
