#include "http/failure.h"
#include "http/request_options.h"

using namespace tfhttp;

namespace {

tf_status require_pointer(const void *pointer, const char *name) {
  if (pointer != nullptr) return TF_STATUS_OK;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << name << " is NULL";
}

}  // namespace

extern "C" {

tf_status tf_http_options_new(tf_http_options **out) {
  TFHTTP_TRY(require_pointer(out, "out"));
  *out = make_object<tf_http_options>();
  return *out == nullptr ? out_of_memory() : TF_STATUS_OK;
}

tf_status tf_http_options_set(tf_http_options *options, tf_http_option option, int64_t value) {
  TFHTTP_TRY(require_pointer(options, "options"));
  return set_number(*options, option, value);
}

tf_status tf_http_options_set_string(tf_http_options *options, tf_http_option option, const char *value,
                                     size_t length) {
  TFHTTP_TRY(require_pointer(options, "options"));
  if (length != 0) TFHTTP_TRY(require_pointer(value, "value"));
  return set_string(*options, option, length == 0 ? Text() : length == SIZE_MAX ? Text(value) : Text(value, length));
}

tf_status tf_http_options_add_header(tf_http_options *options, const char *name, const char *value) {
  TFHTTP_TRY(require_pointer(options, "options"));
  TFHTTP_TRY(require_pointer(name, "name"));
  TFHTTP_TRY(require_pointer(value, "value"));
  return add_header(*options, name, value);
}

tf_status tf_http_options_set_cancel(tf_http_options *options, tf_http_cancel_fn cancel, tf_release_fn release,
                                     void *user) {
  Ref<Cancellation> cancellation(make_object<Cancellation>());
  if (!cancellation) {
    if (release != nullptr) release(user);
    return out_of_memory();
  }
  cancellation->cancel = cancel;
  cancellation->release = release;
  cancellation->user = user;
  TFHTTP_TRY(require_pointer(options, "options"));
  options->cancellation = static_cast<Ref<Cancellation> &&>(cancellation);
  return TF_STATUS_OK;
}

tf_http_options *tf_http_options_retain(tf_http_options *options) {
  if (options != nullptr) options->retain();
  return options;
}

void tf_http_options_release(tf_http_options *options) {
  Ref<tf_http_options>(options).reset();
}

}  // extern "C"
