// Replacement: a file that is written under a temporary name beside its target and then replaces the target.
#pragma once

#include "io/file.h"
#include "io/sink.h"

namespace tfile {

// One file goes through begin() and commit(). The files of a set go through the steps that these are made of, so that
// all of them are written before the first target is replaced.
class Replacement {
 public:
  explicit Replacement(Memory &memory) : target_(memory) {}
  Replacement(const Replacement &) = delete;
  Replacement &operator=(const Replacement &) = delete;
  // Removes the temporary file, if it still exists, and leaves the target unchanged. A file that is written in place
  // keeps what was written.
  ~Replacement();

  // Calls find() and open(). *this must outlive the use of the sink.
  Status begin(Ref<Sink> &out, const char *path, bool atomic, bool durable);
  // Calls finish(), move_into_place(), and for a durable replacement sync().
  Status commit();

  // Follows the links of the path and refuses a target that is not a regular file. Writes nothing. `neighbour`, which
  // may be NULL, is a Replacement for a path in the same folder, whose open folder is then shared.
  Status find(const char *path, const Replacement *neighbour);
  const Target &target() const { return target_; }
  // Call it after find(). If `atomic`, creates the temporary file `.NAME.tf-*` beside the target; otherwise opens the
  // target itself and empties it.
  Status open(Ref<Sink> &out, bool atomic, bool durable);
  // Writes the bytes that are still buffered, syncs a durable file, and closes the file. The sink must not be used
  // afterwards.
  Status finish();
  // Renames the temporary file, if there is one, to the target.
  Status move_into_place();
  // Syncs the target's folder.
  Status sync();

 private:
  struct OpenFile;

  Memory &memory() const { return target_.path.memory(); }
  Status make_temporary();
  void close();

  // A temporary name contains at most this many bytes of the target's name, because some file systems limit names to
  // 143 bytes.
  static constexpr size_t kLongestStem = 120;
  static constexpr size_t kRandomLetters = 8;

  Target target_;
  OpenFile *open_ = nullptr;
  bool has_temporary_ = false;  // the temporary file exists
  bool durable_ = false;
  char temporary_[1 + kLongestStem + 4 + kRandomLetters + 1];  // its name: ".STEM.tf-" followed by random letters
};

}  // namespace tfile
