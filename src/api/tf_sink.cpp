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

tf_status tf_sink_set_commit(tf_sink *sink, tf_commit_fn commit, tf_abort_fn abort) {
  TFILE_API_TRY(require(sink, "sink"));
  TFILE_API_TRY(require_unused(*sink));
  sink->commit = commit;
  sink->abort = abort;
  return TF_STATUS_OK;
}

tf_status tf_sink_set_resolver(tf_sink *sink, const char *name, size_t length, tf_resolve_sink_fn resolve,
                               tf_release_fn release, void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require(sink, "sink"));
  TFILE_API_TRY(require_unused(*sink));
  Text text;
  TFILE_API_TRY(require_text(&text, name, length, "name"));
  if (resolve != nullptr && text.empty()) TFILE_API_TRY(Failure(TF_STATUS_INVALID_ARGUMENT) << "name is empty");
  return set_sink_resolver(*sink, text, resolve, pending).code;
}

tf_sink *tf_sink_retain(tf_sink *sink) {
  if (sink != nullptr) sink->retain();
  return sink;
}

void tf_sink_release(tf_sink *sink) {
  if (sink != nullptr) sink->release();
}

}  // extern "C"
