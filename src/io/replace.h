// Replacement: a file that is written beside its target and takes its place in one step.
#pragma once

#include "io/sink.h"

namespace tfile {

class Replacement {
 public:
  explicit Replacement(Memory &memory) : memory_(memory) {}
  Replacement(const Replacement &) = delete;
  Replacement &operator=(const Replacement &) = delete;
  // Without commit(): the temporary file is removed and the target stays as it was (in place: what was written stays).
  ~Replacement();

  // Resolves links, refuses a target that is not a regular file, makes `.NAME.tf-*` beside it (atomic) or opens it.
  // Once; *this must outlive the sink's use.
  Status begin(Ref<Sink> &out, const char *path, bool atomic, bool durable);
  Status commit();

 private:
  struct State;

  Memory &memory_;
  State *state_ = nullptr;
};

}  // namespace tfile
