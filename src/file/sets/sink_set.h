// SinkSet: the sinks of a save that does not go to a path: one, or those of the files of a set.
#pragma once

#include "file/sets/part_plan.h"

namespace tfile {

// A save to one file writes to the caller's sink. The files of a set go to the sinks that its resolver returns: the
// parts in their order, and then the index. They are committed when all have been written: the second part and the
// later ones, the first part, the index, and at last the caller's sink, to which nothing was written. A sink that has
// not been committed is aborted.
class SinkSet {
 public:
  explicit SinkSet(Memory &memory) : parts_(memory) {}
  SinkSet(const SinkSet &) = delete;
  SinkSet &operator=(const SinkSet &) = delete;
  ~SinkSet();

  // Sets the caller's sink.
  void begin(Ref<Sink> sink) { main_ = std::move(sink); }
  // Returns the name from which the names of the files of a set are derived; "" if the sink has no resolver.
  const char *base() const { return main_->name ? static_cast<const char *>(main_->name->data) : ""; }
  // Fails if the sink has been committed or aborted by an earlier save. The plan must outlive *this.
  Status open(const PartPlan &plan);
  // Begins the next part.
  Status begin_part(Ref<Sink> &out);
  // Does nothing, since the sinks are complete when they are committed. SetReplacement has the same functions.
  static Status end_part() { return kOk; }
  // Writes the index, and commits all sinks.
  Status commit();
  // Aborts the sinks that have not been committed. Nothing can be written any more.
  void abort();

 private:
  Status resolve(Sink **out, const Vec<char> &path);
  Status write_index();

  Ref<Sink> main_;
  const PartPlan *plan_ = nullptr;
  Vec<Sink *> parts_;  // the sinks of a set so far, each with a reference
};

}  // namespace tfile
