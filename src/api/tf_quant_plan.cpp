#include "api/arguments.h"
#include "quant/quant_plan.h"

using namespace tfile;

extern "C" {

tf_status tf_quant_plan_new(tf_quant_plan **out, tf_preset preset, const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(metadata, "metadata"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<QuantPlan> plan;
  TFILE_API_TRY(make_quant_plan(plan, preset, *metadata, settings));
  *out = plan.take();
  return TF_STATUS_OK;
}

tf_status tf_quant_plan_declare(tf_quant_plan *plan, const char *name, size_t length, tf_dtype dtype,
                                const int64_t *shape, size_t ndim) {
  return declare_array(plan, "plan", name, length, dtype, shape, ndim);
}

tf_status tf_quant_plan_set_dtype(tf_quant_plan *plan, size_t index, tf_dtype dtype) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->set_dtype(index, dtype).code;
}

tf_status tf_quant_plan_set_weighted(tf_quant_plan *plan, int32_t weighted) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->set_weighted(weighted).code;
}

tf_status tf_quant_plan_finish(tf_quant_plan *plan) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->finish().code;
}

tf_status tf_quant_plan_dtype(tf_dtype *dtype, const tf_quant_plan *plan, size_t index) {
  TFILE_API_TRY(require(dtype, "dtype"));
  TFILE_API_TRY(require(plan, "plan"));
  return plan->get_dtype(dtype, index).code;
}

tf_quant_plan *tf_quant_plan_retain(tf_quant_plan *plan) {
  if (plan != nullptr) plan->retain();
  return plan;
}

void tf_quant_plan_release(tf_quant_plan *plan) {
  if (plan != nullptr) plan->release();
}

}  // extern "C"
