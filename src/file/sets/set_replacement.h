// SetReplacement: replaces all files of a save, which are a single file or a set with its index, as a whole.
#pragma once

#include "base/arena.h"
#include "file/sets/part_name.h"
#include "file/sets/part_plan.h"
#include "io/file.h"
#include "io/replace.h"

namespace tfile {

// Every save by path uses it. All files are first written under temporary names, so a failure or a kill during that
// time leaves the old files unchanged. commit() then replaces them in an order that makes it safe to kill the process
// at any moment: the result is the old set, the new set, or a set that does not load because its entry is missing, but
// never a mixture. The steps:
//
//   1. Remove the first part of the old set, without which neither set loads, then those other parts of a set that was
//      divided differently.
//   2. Rename the new files to their targets: the index, which replaces the old one, then the second and later parts,
//      and the first part last.
//   3. Remove what could not be removed in step 1, and the single file that the set replaces.
//
// Until step 3, the index lists the parts that exist, so that the save after a killed one removes what that has left. A
// split gguf has no such list but its first part, so that its other parts can remain.
//
// A single file is renamed first, and then the files of an older set are removed; but if the old index lists the single
// file, the index is removed before. With TF_OPTION_ATOMIC 0 the files are
// written in place: before the first byte of a set is written, the first part and the index are removed and all parts
// are emptied, so that the old set no longer loads; the index is written last.
class SetReplacement {
 public:
  explicit SetReplacement(Memory &memory)
      : memory_(memory), first_(memory), others_(memory), names_(memory), old_files_(memory) {}
  SetReplacement(const SetReplacement &) = delete;
  SetReplacement &operator=(const SetReplacement &) = delete;
  // Removes the temporary files, unless commit() has succeeded.
  ~SetReplacement();

  // Finds the target of every file and the files of older saves. Fails if a target cannot be replaced. Writes nothing.
  // The plan must outlive *this.
  Status open(const PartPlan &plan, Span<const NamedArray> arrays);
  // Begins the next part. The sink must not be used after end_part().
  Status begin_part(Ref<Sink> &out);
  Status end_part();
  // Replaces the old files. Call it after the last end_part().
  Status commit();

 private:
  // The order in which old files are removed.
  enum class OldKind : uint8_t { kFirstPart, kPart, kOther };
  // A file of an older save that no new one replaces: a part, an index, or a single file.
  struct OldFile {
    Text name;  // name in the folder of the set; NUL-terminated
    OldKind kind;
  };

  bool is_set() const { return plan_->count() > 1; }
  // The parts in their order, then the index if the set has one.
  size_t file_count() const { return 1 + others_.size(); }
  const Replacement &file(size_t i) const { return i == 0 ? first_ : *others_[i - 1]; }
  Replacement &file(size_t i) { return i == 0 ? first_ : *others_[i - 1]; }
  Replacement &index() { return file(plan_->count()); }
  const Target &folder() const { return first_.target(); }
  Status find_set();
  Status find_other(const char *path);
  Status find_old_files();
  Status find_old_shards();
  Status find_old_splits();
  static Status add_split(void *context, Text digits);
  Status add_old_file(Text name, OldKind kind);
  bool is_new_part(const PartName &name) const;
  Status check_not_mapped(Span<const NamedArray> arrays) const;
  Status write_index();
  Status remove_old_set();
  Status remove_index_of_target();
  Status empty_set();
  Status replace_files();
  Status remove_old_files(OldKind kind, Span<const FileIdentity> kept);
  Status remove_old_file(const OldFile &old, Span<const FileIdentity> kept);
  Status remove_all_old_files();
  Status new_identities(Vec<FileIdentity> *out);
  Status sync();

  Memory &memory_;
  const PartPlan *plan_ = nullptr;
  Replacement first_;  // the single file, or the first part
  Vec<Replacement *> others_;
  Arena names_;
  Vec<OldFile> old_files_;
  size_t begun_ = 0;
  bool is_listed_ = false;  // the single file is a part of an old set, too
  bool atomic_ = true;
  bool durable_ = false;
};

}  // namespace tfile
