// SetReplacement: replaces the files of one save - a single file, or a set with its index - all together.
#pragma once

#include "base/arena.h"
#include "file/sets/part_plan.h"
#include "io/file.h"
#include "io/replace.h"

namespace tfile {

// Every save by path goes through it. All files are written under temporary names first, so that a failure or a kill until
// then leaves the old files as they were. commit() then works in an order in which a kill at any moment leaves the old
// set, the new set, or one that does not load because its entry is missing, and never a mixture of both:
//
//   1. The entries of the old set are removed: its index and its first part. Every way to open a set needs one of them.
//   2. The new parts from the second on take their places, then the first part, and the index last.
//   3. What remains of an older set that was cut differently, or the single file that a set replaces, is removed.
//
// A single file takes its place first, and then what remains of an older set is removed. With TF_OPTION_ATOMIC 0 the files
// are written in place: before the first byte of a set is written, the entries are removed and all parts are emptied, so
// that they do not load.
class SetReplacement {
 public:
  explicit SetReplacement(Memory &memory) : memory_(memory), files_(memory), names_(memory), old_files_(memory) {}
  SetReplacement(const SetReplacement &) = delete;
  SetReplacement &operator=(const SetReplacement &) = delete;
  // Without commit(), removes the temporary files.
  ~SetReplacement();

  // Finds where every file goes and what an older save left there, and refuses what cannot be replaced. Writes nothing.
  // The plan must outlive *this.
  Status open(const PartPlan &plan, Span<const NamedArray> arrays);
  // Begins the next part. The sink must not be used after end_part().
  Status begin_part(Ref<Sink> &out);
  Status end_part();
  // The number of parts that were begun.
  size_t begun() const { return begun_; }
  // After the last part.
  Status commit();

 private:
  // A file of an older set, which is removed at the end.
  struct OldFile {
    Text name;      // in the folder of the set; NUL-terminated
    bool is_entry;  // the set cannot be opened without it
  };

  bool is_set() const { return plan_->count() > 1; }
  Replacement &part(size_t i) { return *files_[i]; }
  const Target &folder() const { return files_[0]->target(); }
  Status add_file(const char *path);
  Status find_old_files();
  Status find_old_shards();
  Status find_old_splits();
  static Status add_split(void *context, Text digits);
  Status add_old_file(Text name, bool is_entry);
  Status check_not_mapped(Span<const NamedArray> arrays) const;
  Status empty_parts();
  Status write_index();
  Status remove_entries();
  Status place_files();
  Status remove_old_files();
  Status new_identities(Vec<FileIdentity> *out);
  Status sync();

  Memory &memory_;
  const PartPlan *plan_ = nullptr;
  Vec<Replacement *> files_;  // the parts in their order, then the index if the set has one
  Arena names_;
  Vec<OldFile> old_files_;
  size_t begun_ = 0;
  bool atomic_ = true;
  bool durable_ = false;
};

}  // namespace tfile
