#include "api/arguments.h"
#include "io/source.h"

using namespace tfile;

extern "C" {

tf_status tf_source_new(tf_source **out, uint64_t size, int32_t concurrent, tf_read_at_fn read_at, tf_map_fn map,
                        tf_release_fn release, void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(reinterpret_cast<const void *>(read_at), "read_at"));
  Ref<Source> source;
  TFILE_API_TRY(
      source_from_callbacks(source, default_memory(), size, concurrent != 0, read_at, map, pending.disarm(), user));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_path(tf_source **out, const char *path) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Ref<Source> source;
  TFILE_API_TRY(source_from_path(source, default_memory(), path));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_memory(tf_source **out, const void *data, size_t nbytes, tf_release_fn release, void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require_out(out, "out"));
  if (nbytes > 0) TFILE_API_TRY(require(data, "data"));
  Ref<Source> source;
  TFILE_API_TRY(source_from_memory(source, default_memory(), data, nbytes, pending.disarm(), user));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_fd(tf_source **out, int32_t fd, uint64_t offset, uint64_t size) {
  TFILE_API_TRY(require_out(out, "out"));
  Ref<Source> source;
  TFILE_API_TRY(source_from_descriptor(source, default_memory(), fd, offset, size));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_from_part(tf_source **out, tf_source *whole, uint64_t offset, uint64_t size) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(whole, "whole"));
  Ref<Source> source;
  TFILE_API_TRY(source_from_part(source, default_memory(), *whole, offset, size));
  *out = source.take();
  return TF_STATUS_OK;
}

tf_status tf_source_set_name(tf_source *source, const char *name, size_t length) {
  TFILE_API_TRY(require(source, "source"));
  Text text;
  TFILE_API_TRY(require_text(&text, name, length, "name"));
  TFILE_API_TRY(require_unused(*source));
  return name_source(*source, text).code;
}

tf_status tf_source_set_hints(tf_source *source, uint64_t gap, uint64_t piece, uint32_t requests) {
  TFILE_API_TRY(require(source, "source"));
  TFILE_API_TRY(require_unused(*source));
  if (requests > kMaxRequests) {
    const Status status = Failure(TF_STATUS_INVALID_ARGUMENT)
                          << "requests is " << requests << ", more than " << kMaxRequests;
    return status.code;
  }
  set_hints(*source, SourceHints{gap, piece, requests});
  return TF_STATUS_OK;
}

tf_status tf_source_set_resolver(tf_source *source, tf_resolve_source_fn resolve, tf_release_fn release, void *user) {
  PendingRelease pending(release, user);
  TFILE_API_TRY(require(source, "source"));
  TFILE_API_TRY(require_unused(*source));
  return make_resolver(source->resolver, *source->memory, resolve, pending).code;
}

tf_source *tf_source_retain(tf_source *source) {
  if (source != nullptr) source->retain();
  return source;
}

void tf_source_release(tf_source *source) {
  if (source != nullptr) source->release();
}

}  // extern "C"
