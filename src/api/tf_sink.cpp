#include "io/sink.h"

#include "api/arguments.h"

using namespace tfile;

namespace {

Status check_new(tf_sink **out, tf_write_fn write) {
  TFILE_TRY(require_out(out, "out"));
  return require(reinterpret_cast<const void *>(write), "write");
}

}  // namespace

extern "C" {

tf_status tf_sink_new(tf_sink **out, tf_write_fn write, tf_release_fn release, void *user) {
  if (const Status status = check_new(out, write); !status.ok()) return fail_and_release(status, release, user).code;
  Ref<Sink> sink;
  TFILE_API_TRY(sink_from_callback(sink, default_memory(), write, release, user));
  *out = sink.take();
  return TF_STATUS_OK;
}

tf_sink *tf_sink_retain(tf_sink *sink) {
  if (sink != nullptr) sink->retain();
  return sink;
}

void tf_sink_release(tf_sink *sink) {
  if (sink != nullptr) sink->release();
}

}  // extern "C"
