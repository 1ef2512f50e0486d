#include "file/read_plan.h"

#include "core/copy.h"
#include "core/foreign.h"
#include "quant/cast.h"
#include "transfer/read_batch.h"

namespace tfile {

namespace {

// Fails if a slice needs part of a unit of a packed or block type and is not decoded.
Status check_units(const Member &member, const Dtype &to, const SliceAxis *axes) {
  UnitSlice units;
  if (axes == nullptr || to.addressable() || units.resolve(member, axes)) return kOk;
  const auto ignore = [](void *, uint64_t, uint64_t) -> Status { return kOk; };
  return for_each_unit_run(*member.dtype, member.shape, axes, ignore, nullptr);
}

// True if the strides are those of C order, as far as they are used.
bool is_c_order(const int64_t *strides, const Dtype &dtype, Span<const int64_t> shape) {
  int64_t expected[kMaxRank];
  contiguous_strides(expected, shape, dtype.block_bytes);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] > 1 && strides[i] != expected[i]) return false;
  }
  return true;
}

}  // namespace

Status make_read_plan(Ref<ReadPlan> &out, const OpenedFile &file) {
  ReadPlan *made = nullptr;
  // Reading from a file, and keeping it open, does not change it.
  TFILE_TRY(make(&made, file.settings.memory(), Ref<OpenedFile>::share(const_cast<OpenedFile *>(&file))));
  out = Ref<ReadPlan>::adopt(made);
  return kOk;
}

}  // namespace tfile

using namespace tfile;

void tf_read_plan::release() {
  if (!refs.decrement()) return;
  const Ref<OpenedFile> kept = file;
  destroy(kept->settings.memory(), this);
}

void tf_read_plan::drop_callback() {
  if (release_user != nullptr) release_user(callback.user);
  release_user = nullptr;
  callback = CompleteCallback();
}

Status tf_read_plan::check_not_run() const {
  if (!has_run) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "the plan has run; make another one";
}

Status tf_read_plan::add(const Member &member, const SliceBounds *bounds, tf_dtype dtype, const PlannedMemory &memory) {
  TFILE_TRY(check_not_run());
  const StoredArray stored = file->stored(member);
  const Dtype *to = nullptr;
  TFILE_TRY(find_read_dtype(&to, dtype, stored));
  ResolvedSlice slice;
  if (bounds != nullptr) TFILE_TRY(slice.resolve(stored, bounds->start, bounds->stop, bounds->step, bounds->ndim));
  const Region region = bounds != nullptr ? slice.region() : Region::whole(member);
  if (memory.strides == nullptr) {
    TFILE_TRY(check_destination(memory.dst, memory.nbytes, *to, stored, region));
  } else {
    Form form;
    TFILE_TRY(form.read(to->id, region.shape.data(), region.shape.size()));
    TFILE_TRY(check_target(form, memory.dst, memory.nbytes, memory.strides));
  }
  TFILE_TRY(check_cast(*member.dtype, *to));
  TFILE_TRY(check_units(member, *to, region.axes));
  PlanEntry entry{&member, to, memory.dst, PlanEntry::kNone, PlanEntry::kNone};
  // Memory for everything first, so that a failure changes nothing.
  TFILE_TRY(entries.push(entry));
  const size_t ndim = region.shape.size();
  const bool strided = memory.strides != nullptr && !is_c_order(memory.strides, *to, region.shape);
  Status status = kOk;
  if (region.axes != nullptr) {
    entries.back().axes = axes.size();
    status = axes.append(region.axes, ndim);
  }
  if (status.ok() && strided) {
    entries.back().strides = strides.size();
    status = strides.append(memory.strides, ndim);
  }
  if (!status.ok()) entries.pop();
  return status;
}

Status tf_read_plan::set_complete(CompleteCallback to, PendingRelease &release) {
  TFILE_TRY(check_not_run());
  drop_callback();
  callback = to;
  release_user = release.disarm();
  return kOk;
}

Status tf_read_plan::run() {
  TFILE_TRY(check_not_run());
  has_run = true;
  Vec<ReadTarget> targets(file->settings.memory());
  TFILE_TRY(targets.reserve(entries.size()));
  for (size_t i = 0; i < entries.size(); ++i) {
    const PlanEntry &entry = entries[i];
    ReadTarget target{&file->source_of(*entry.member), entry.member, entry.dst, entry.dtype};
    target.entry = i;
    if (entry.axes != PlanEntry::kNone) target.axes = axes.data() + entry.axes;
    if (entry.strides != PlanEntry::kNone) target.strides = strides.data() + entry.strides;
    TFILE_TRY(targets.push(target));
  }
  return read_members(targets, file->settings, callback);
}
