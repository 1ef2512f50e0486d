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
  // Unless place() has succeeded, removes the temporary file and leaves the target as it is. A file that is written in
  // place keeps what was written.
  ~Replacement();

  // find() and open(). *this must outlive the sink's use.
  Status begin(Ref<Sink> &out, const char *path, bool atomic, bool durable);
  // finish(), place(), and sync() if it is durable.
  Status commit();

  // Follows the links of the path, refuses a target that is not a regular file, and writes nothing. `neighbour`, which
  // may be NULL, has found a path in the same folder, and shares its open folder.
  Status find(const char *path, const Replacement *neighbour);
  const Target &target() const;
  // After find(): makes `.NAME.tf-*` beside the target (atomic), or opens and empties the target itself.
  Status open(Ref<Sink> &out, bool atomic, bool durable);
  // Writes what remains in memory, syncs the file if it is durable, and closes it. The sink must not be used any more.
  Status finish();
  // The temporary file, if there is one, takes the target's place.
  Status place();
  // Syncs the target's folder.
  Status sync();

 private:
  struct State;

  Memory &memory_;
  State *state_ = nullptr;
};

}  // namespace tfile
