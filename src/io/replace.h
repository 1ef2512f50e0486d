// Replacement: a file that is written under a temporary name beside its target and then takes the target's place.
#pragma once

#include "io/sink.h"

namespace tfile {

struct FileIdentity;
struct Target;

// One file goes through begin() and commit(). The files of a set go through the steps that these are made of, so that
// all of them are written before the first takes its place.
class Replacement {
 public:
  explicit Replacement(Memory &memory) : memory_(memory) {}
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
  const Target &target() const;
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
  struct State;

  Memory &memory_;
  State *state_ = nullptr;
};

}  // namespace tfile
