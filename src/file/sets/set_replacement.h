// SetReplacement: replaces all files of a save, which are a single file or a set with its index, as a whole.
#pragma once

#include "base/arena.h"
#include "file/sets/part_plan.h"
#include "io/file.h"
#include "io/replace.h"

namespace tfile {

// Every save by path uses it. All files are first written under temporary names, so a failure or a kill during that
// time leaves the old files unchanged. commit() then replaces them in an order that makes it safe to kill the process
// at any moment: the result is the old set, the new set, or a set that does not load because its entry is missing, but
// never a mixture. The steps:
//
//   1. Remove the entries of the old set: its first part, then its index. A set can only be opened by one of them. The
//      index is the last, because a later save finds the other files of the old set in it.
//   2. Rename the new parts to their targets: the second and later ones, then the first part, and the index last.
//   3. Remove the remaining parts of an older set that was divided differently, or the single file that is replaced.
//
// A single file is renamed first, and then the files of an older set are removed. With TF_OPTION_ATOMIC 0 the files are
// written in place: before the first byte of a set is written, the entries are removed and all parts are emptied, so
// that the old set no longer loads.
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
  // A file of an older set, which is removed at the end.
  struct OldFile {
    Text name;      // name in the folder of the set; NUL-terminated
    bool is_entry;  // the set cannot be opened without it
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
  Status add_old_file(Text name, bool is_entry);
  Status check_not_mapped(Span<const NamedArray> arrays) const;
  Status empty_parts();
  Status write_index();
  Status remove_entries();
  Status replace_files();
  Status remove_old_files();
  Status new_identities(Vec<FileIdentity> *out);
  Status sync();

  Memory &memory_;
  const PartPlan *plan_ = nullptr;
  Replacement first_;  // the single file, or the first part
  Vec<Replacement *> others_;
  Arena names_;
  Vec<OldFile> old_files_;  // an index precedes the parts that it lists, and is removed after their first one
  size_t begun_ = 0;
  bool atomic_ = true;
  bool durable_ = false;
};

}  // namespace tfile
