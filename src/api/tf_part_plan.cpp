#include "api/arguments.h"
#include "file/sets/planned_set.h"

using namespace tfile;

extern "C" {

tf_status tf_part_plan_new(tf_part_plan **out, const char *path, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<PlannedSet> plan;
  TFILE_API_TRY(make_planned_set(plan, path, format, settings));
  *out = plan.take();
  return TF_STATUS_OK;
}

tf_status tf_part_plan_declare(tf_part_plan *plan, const char *name, size_t length, tf_dtype dtype,
                               const int64_t *shape, size_t ndim) {
  return declare_array(plan, "plan", name, length, dtype, shape, ndim);
}

tf_status tf_part_plan_declare_all(tf_part_plan *plan, const tf_dict *arrays) {
  TFILE_API_TRY(require(plan, "plan"));
  TFILE_API_TRY(require(arrays, "arrays"));
  return plan->declare_all(*arrays).code;
}

tf_status tf_part_plan_set_metadata(tf_part_plan *plan, const tf_dict *metadata) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->set_metadata(metadata).code;
}

tf_status tf_part_plan_finish(tf_part_plan *plan) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->finish().code;
}

size_t tf_part_plan_count(const tf_part_plan *plan) {
  return is_null(plan, "plan") || !plan->check_finished().ok() ? 0 : plan->plan.count();
}

int32_t tf_part_plan_has_index(const tf_part_plan *plan) {
  return !is_null(plan, "plan") && plan->check_finished().ok() && plan->plan.has_index() ? 1 : 0;
}

tf_status tf_part_plan_part(size_t *first, size_t *count, uint64_t *nbytes, const tf_part_plan *plan, size_t part) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->describe_part(first, count, nbytes, part).code;
}

tf_status tf_part_plan_array(const char **name, size_t *length, const tf_part_plan *plan, size_t index) {
  TFILE_API_TRY(require_text_out(name, length, "name"));
  TFILE_API_TRY(require(plan, "plan"));
  const Span<const NamedArray> arrays = plan->declared.arrays();
  TFILE_API_TRY(check_index(index, arrays.size()));
  return_text(name, length, arrays[index].name);
  return TF_STATUS_OK;
}

tf_status tf_part_plan_path(tf_buffer **out, const tf_part_plan *plan, size_t part) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(plan, "plan"));
  Ref<Buffer> path;
  TFILE_API_TRY(plan->copy_path(path, part));
  *out = path.take();
  return TF_STATUS_OK;
}

tf_status tf_part_plan_metadata(tf_dict **out, const tf_part_plan *plan, size_t part) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(plan, "plan"));
  Ref<Dict> metadata;
  TFILE_API_TRY(plan->make_metadata(metadata, part));
  *out = metadata.take();
  return TF_STATUS_OK;
}

tf_status tf_part_plan_index(tf_buffer **out, const tf_part_plan *plan) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(plan, "plan"));
  Ref<Buffer> text;
  TFILE_API_TRY(plan->copy_index(text));
  *out = text.take();
  return TF_STATUS_OK;
}

tf_status tf_part_plan_save_index(const tf_part_plan *plan, const char *path) {
  TFILE_API_TRY(require(plan, "plan"));
  return plan->save_index(path).code;
}

tf_status tf_part_plan_open_part(tf_writer **out, const tf_part_plan *plan, size_t part, const char *path) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(plan, "plan"));
  Ref<Writer> writer;
  TFILE_API_TRY(plan->open_part(writer, part, path, nullptr));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_status tf_part_plan_open_part_sink(tf_writer **out, const tf_part_plan *plan, size_t part, tf_sink *sink) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(plan, "plan"));
  TFILE_API_TRY(require(sink, "sink"));
  Ref<Writer> writer;
  TFILE_API_TRY(plan->open_part(writer, part, nullptr, sink));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_part_plan *tf_part_plan_retain(tf_part_plan *plan) {
  if (plan != nullptr) plan->retain();
  return plan;
}

void tf_part_plan_release(tf_part_plan *plan) {
  if (plan != nullptr) plan->release();
}

}  // extern "C"
