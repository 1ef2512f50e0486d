// ReadPlan (tf_read_plan): arrays and slices of a file to read in one go.
#pragma once

#include "file/read.h"
#include "transfer/completions.h"

namespace tfile {

// The caller's memory for one entry.
struct PlannedMemory {
  void *dst;
  const int64_t *strides;  // may be NULL
  size_t nbytes;
};

// An entry that has been checked.
struct PlanEntry {
  const Member *member;
  const Dtype *dtype;
  void *dst;
  size_t axes;     // index of the first of its axes in the plan; kNone: the whole array
  size_t strides;  // index of the first of its strides in the plan; kNone: C order

  static constexpr size_t kNone = SIZE_MAX;
};

}  // namespace tfile

struct tf_read_plan {
  explicit tf_read_plan(tfile::Ref<tfile::OpenedFile> from)
      : file(std::move(from)),
        entries(file->settings.memory()),
        axes(file->settings.memory()),
        strides(file->settings.memory()) {}
  ~tf_read_plan() { drop_callback(); }
  tf_read_plan(const tf_read_plan &) = delete;
  tf_read_plan &operator=(const tf_read_plan &) = delete;

  void retain() { refs.increment(); }
  void release();

  // Checks an entry and adds it. Reads nothing.
  tfile::Status add(const tfile::Member &member, const tfile::SliceBounds *bounds, tf_dtype dtype,
                    const tfile::PlannedMemory &memory);
  tfile::Status set_complete(tfile::CompleteCallback to, tfile::PendingRelease &release);
  tfile::Status run();

  tfile::RefCount refs;
  tfile::Ref<tfile::OpenedFile> file;

 private:
  tfile::Status check_not_run() const;
  void drop_callback();

  tfile::Vec<tfile::PlanEntry> entries;
  tfile::Vec<tfile::SliceAxis> axes;
  tfile::Vec<int64_t> strides;
  tfile::CompleteCallback callback;
  tf_release_fn release_user = nullptr;
  bool has_run = false;
};

namespace tfile {

using ReadPlan = ::tf_read_plan;

Status make_read_plan(Ref<ReadPlan> &out, const OpenedFile &file);

}  // namespace tfile
