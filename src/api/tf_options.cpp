#include "base/options.h"

#include "api/arguments.h"
#include "base/error.h"
#include "format/format.h"

namespace tfile {

namespace {

Status find_rule(const OptionRule **out, tf_option option) {
  *out = option_rule(option);
  if (*out != nullptr) return kOk;
  return Failure(TF_STATUS_UNSUPPORTED) << "there is no option " << option << " in this version";
}

Status check_value(const OptionRule &rule, int64_t value) {
  if (value < rule.least || value > rule.most) {
    return Failure(TF_STATUS_INVALID_ARGUMENT)
           << "option " << rule.id << " takes " << rule.least << " to " << rule.most << ", not " << value;
  }
  if (rule.power_of_two && (value & (value - 1)) != 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "option " << rule.id << " takes a power of two or 0, not " << value;
  }
  if (rule.id == TF_OPTION_DECODE && value > TF_DECODE_KEEP && value < TF_DTYPE_FLOAT16) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "option " << rule.id << " takes a floating dtype, not " << value;
  }
  return kOk;
}

// The number that a name stands for.
Status parse_value(int64_t *value, tf_option option, Text name) {
  if (option == TF_OPTION_FORMAT) {
    const Format *const format = find_format(name);
    *value = format == nullptr ? int32_t{TF_FORMAT_AUTO} : format->id;
    if (format != nullptr || name == "auto") return kOk;
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no format ").quoted(name);
  }
  if (option == TF_OPTION_LOAD_MODE) {
    *value = name == "map" ? TF_LOAD_MODE_MAP : TF_LOAD_MODE_OWN;
    if (name == "map" || name == "own") return kOk;
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no load mode ").quoted(name) << "; 'own' and 'map' are";
  }
  if (option == TF_OPTION_DEFLATE) {
    *value = name == "zlib" ? TF_DEFLATE_ZLIB : TF_DEFLATE_AUTO;
    if (name == "zlib" || name == "auto") return kOk;
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no deflate ").quoted(name) << "; 'auto' and 'zlib' are";
  }
  if (option == TF_OPTION_DECODE) {
    const Dtype *const dtype = find_dtype(name);
    *value = name == "mlx" ? TF_DECODE_MLX : dtype != nullptr ? dtype->id : TF_DECODE_KEEP;
    if (name == "keep" || name == "mlx" || dtype != nullptr) return check_value(*option_rule(option), *value);
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no dtype ").quoted(name) << " to decode to";
  }
  return Failure(TF_STATUS_TYPE) << "option " << option << " takes a number, not a name";
}

Status make_progress(Ref<ProgressCallback> &out, tf_progress_fn progress, PendingRelease &release, void *user) {
  ProgressCallback *callback = nullptr;
  TFILE_TRY(make(&callback, default_memory()));
  callback->memory = Ref<Memory>::share(&default_memory());
  callback->report = progress;
  callback->release_user = release.disarm();
  callback->user = user;
  out = Ref<ProgressCallback>::adopt(callback);
  return kOk;
}

Status make_executor(Ref<Executor> &out, tf_executor_fn execute, size_t width, PendingRelease &release, void *user) {
  if (width == 0) return Failure(TF_STATUS_INVALID_ARGUMENT) << "the width of an executor is 1 or more, not 0";
  Executor *executor = nullptr;
  TFILE_TRY(make(&executor, default_memory()));
  executor->memory = Ref<Memory>::share(&default_memory());
  executor->execute = execute;
  executor->width = width;
  executor->release_user = release.disarm();
  executor->user = user;
  out = Ref<Executor>::adopt(executor);
  return kOk;
}

Status set_allocator(Options *options, tf_alloc_fn alloc, tf_free_fn free, PendingRelease &release, void *user) {
  TFILE_TRY(require(options, "options"));
  if ((alloc == nullptr) != (free == nullptr)) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << (alloc == nullptr ? "free without alloc" : "alloc without free");
  }
  auto memory = Ref<Memory>::share(&default_memory());
  if (alloc != nullptr) TFILE_TRY(make_memory(memory, alloc, free, release.disarm(), user));
  options->settings.set_memory(std::move(memory));
  return kOk;
}

}  // namespace

}  // namespace tfile

extern "C" {

tf_status tf_options_new(tf_options **out) {
  TFILE_API_TRY(tfile::require_out(out, "out"));
  return tfile::make(out, tfile::default_memory()).code;
}

tf_options *tf_options_retain(tf_options *options) {
  if (options != nullptr) options->retain();
  return options;
}

void tf_options_release(tf_options *options) {
  if (options != nullptr) options->release();
}

tf_status tf_options_set(tf_options *options, tf_option option, int64_t value) {
  TFILE_API_TRY(tfile::require(options, "options"));
  const tfile::OptionRule *rule = nullptr;
  TFILE_API_TRY(tfile::find_rule(&rule, option));
  TFILE_API_TRY(tfile::check_value(*rule, value));
  options->settings.set(option, value);
  return TF_STATUS_OK;
}

tf_status tf_options_get(int64_t *value, const tf_options *options, tf_option option) {
  TFILE_API_TRY(tfile::require(value, "value"));
  TFILE_API_TRY(tfile::require(options, "options"));
  const tfile::OptionRule *rule = nullptr;
  TFILE_API_TRY(tfile::find_rule(&rule, option));
  *value = options->settings.get(option);
  return TF_STATUS_OK;
}

tf_status tf_options_set_string(tf_options *options, tf_option option, const char *text, size_t length) {
  TFILE_API_TRY(tfile::require(options, "options"));
  tfile::Text name;
  TFILE_API_TRY(tfile::require_text(&name, text, length, "text"));
  const tfile::OptionRule *rule = nullptr;
  TFILE_API_TRY(tfile::find_rule(&rule, option));
  int64_t value = 0;
  TFILE_API_TRY(tfile::parse_value(&value, option, name));
  options->settings.set(option, value);
  return TF_STATUS_OK;
}

tf_status tf_options_set_allocator(tf_options *options, tf_alloc_fn alloc, tf_free_fn free, tf_release_fn release,
                                   void *user) {
  tfile::PendingRelease pending(release, user);
  return tfile::set_allocator(options, alloc, free, pending, user).code;
}

tf_status tf_options_set_progress(tf_options *options, tf_progress_fn progress, tf_release_fn release, void *user) {
  tfile::PendingRelease pending(release, user);
  TFILE_API_TRY(tfile::require(options, "options"));
  tfile::Ref<tfile::ProgressCallback> callback;
  if (progress != nullptr) TFILE_API_TRY(tfile::make_progress(callback, progress, pending, user));
  options->settings.set_progress(std::move(callback));
  return TF_STATUS_OK;
}

tf_status tf_options_set_executor(tf_options *options, tf_executor_fn execute, size_t width, tf_release_fn release,
                                  void *user) {
  tfile::PendingRelease pending(release, user);
  TFILE_API_TRY(tfile::require(options, "options"));
  tfile::Ref<tfile::Executor> executor;
  if (execute != nullptr) TFILE_API_TRY(tfile::make_executor(executor, execute, width, pending, user));
  options->settings.set_executor(std::move(executor));
  return TF_STATUS_OK;
}

}  // extern "C"
