#include "api/arguments.h"
#include "file/read_plan.h"

using namespace tfile;

extern "C" {

tf_status tf_read_plan_new(tf_read_plan **out, const tf_file *file) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  Ref<ReadPlan> plan;
  TFILE_API_TRY(make_read_plan(plan, *file));
  *out = plan.take();
  return TF_STATUS_OK;
}

tf_status tf_read_plan_add(tf_read_plan *plan, size_t index, const int64_t *start, const int64_t *stop,
                           const int64_t *step, size_t ndim, tf_dtype dtype, void *dst, const int64_t *strides,
                           size_t nbytes) {
  TFILE_API_TRY(require(plan, "plan"));
  const Member *member = nullptr;
  TFILE_API_TRY(plan->file->find_member(&member, index));
  const SliceBounds bounds{start, stop, step, ndim};
  return plan->add(*member, ndim == 0 ? nullptr : &bounds, dtype, PlannedMemory{dst, strides, nbytes}).code;
}

tf_status tf_read_plan_set_complete(tf_read_plan *plan, tf_read_complete_fn complete, tf_release_fn release,
                                    void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require(plan, "plan"));
  return plan->set_complete(CompleteCallback{complete, user}, pending).code;
}

tf_status tf_read_plan_run(tf_read_plan *plan) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->run().code;
}

tf_read_plan *tf_read_plan_retain(tf_read_plan *plan) {
  if (plan != nullptr) plan->retain();
  return plan;
}

void tf_read_plan_release(tf_read_plan *plan) {
  if (plan != nullptr) plan->release();
}

}  // extern "C"
