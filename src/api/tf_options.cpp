#include "api/arguments.h"
#include "base/options.h"
#include "format/format.h"

using namespace tfile;

extern "C" {

tf_status tf_options_new(tf_options **out) {
  TFILE_API_TRY(require_out(out, "out"));
  return make(out, default_memory()).code;
}

tf_options *tf_options_retain(tf_options *options) {
  if (options != nullptr) options->retain();
  return options;
}

void tf_options_release(tf_options *options) {
  if (options != nullptr) options->release();
}

tf_status tf_options_set(tf_options *options, tf_option option, int64_t value) {
  TFILE_API_TRY(require(options, "options"));
  const OptionRow *row = nullptr;
  TFILE_API_TRY(find_option(&row, option));
  TFILE_API_TRY(check_value(*row, value, format_value));
  options->settings.set(option, value);
  return TF_STATUS_OK;
}

tf_status tf_options_get(int64_t *value, const tf_options *options, tf_option option) {
  TFILE_API_TRY(require(value, "value"));
  TFILE_API_TRY(require(options, "options"));
  const OptionRow *row = nullptr;
  TFILE_API_TRY(find_option(&row, option));
  *value = options->settings.get(option);
  return TF_STATUS_OK;
}

tf_status tf_options_set_string(tf_options *options, tf_option option, const char *text, size_t length) {
  TFILE_API_TRY(require(options, "options"));
  Text name;
  TFILE_API_TRY(require_text(&name, text, length, "text"));
  const OptionRow *row = nullptr;
  TFILE_API_TRY(find_option(&row, option));
  int64_t value = 0;
  TFILE_API_TRY(find_value(&value, *row, name, format_value));
  options->settings.set(option, value);
  return TF_STATUS_OK;
}

const char *tf_option_name(tf_option option) {
  const OptionRow *row = option_row(option);
  return row != nullptr ? row->name : "unknown";
}

tf_option tf_option_from_name(const char *name) {
  if (is_null(name, "name")) return 0;
  const OptionRow *row = option_row(Text(name));
  return row != nullptr ? row->id : 0;
}

tf_status tf_option_range(int64_t *minimum, int64_t *maximum, int64_t *default_value, tf_option option) {
  const OptionRow *row = nullptr;
  TFILE_API_TRY(find_option(&row, option));
  const OptionRange range = range_of(*row, format_value);
  if (minimum != nullptr) *minimum = range.minimum;
  if (maximum != nullptr) *maximum = range.maximum;
  if (default_value != nullptr) *default_value = row->default_value;
  return TF_STATUS_OK;
}

tf_status tf_options_set_allocator(tf_options *options, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release,
                                   void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require(options, "options"));
  return options->settings.set_allocator(alloc, free, pending).code;
}

tf_status tf_options_set_progress(tf_options *options, tf_progress_fn progress, tf_release_fn release, void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require(options, "options"));
  Ref<ProgressCallback> callback;
  TFILE_API_TRY(make_progress(callback, progress, pending));
  options->settings.set_progress(std::move(callback));
  return TF_STATUS_OK;
}

tf_status tf_options_set_executor(tf_options *options, tf_executor_fn execute, size_t width, tf_release_fn release,
                                  void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require(options, "options"));
  Ref<Executor> executor;
  TFILE_API_TRY(make_executor(executor, execute, width, pending));
  options->settings.set_executor(std::move(executor));
  return TF_STATUS_OK;
}

}  // extern "C"
