#include "api/arguments.h"
#include "io/sink.h"

using namespace tfile;

extern "C" {

tf_status tf_sink_new(tf_sink **out, tf_write_fn write, tf_release_fn release, void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(reinterpret_cast<const void *>(write), "write"));
  Ref<Sink> sink;
  TFILE_API_TRY(sink_from_callback(sink, default_memory(), write, pending.disarm(), user));
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
