#include "api/arguments.h"
#include "file/writer.h"

using namespace tfile;

extern "C" {

tf_status tf_writer_open(tf_writer **out, const char *path, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Writer> writer;
  TFILE_API_TRY(open_writer(writer, path, format, settings));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_status tf_writer_open_sink(tf_writer **out, tf_sink *sink, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(sink, "sink"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Writer> writer;
  TFILE_API_TRY(open_sink_writer(writer, Ref<Sink>::share(sink), format, settings));
  *out = writer.take();
  return TF_STATUS_OK;
}

tf_status tf_writer_declare(tf_writer *writer, const char *name, size_t length, tf_dtype dtype, const int64_t *shape,
                            size_t ndim) {
  return declare_array(writer, "writer", name, length, dtype, shape, ndim);
}

tf_status tf_writer_set_metadata(tf_writer *writer, const tf_dict *metadata) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->set_metadata(metadata).code;
}

tf_status tf_writer_write(tf_writer *writer, const void *src, size_t nbytes) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->write(src, nbytes).code;
}

tf_status tf_writer_finish(tf_writer *writer) {
  TFILE_API_TRY(require(writer, "writer"));
  return writer->finish().code;
}

tf_writer *tf_writer_retain(tf_writer *writer) {
  if (writer != nullptr) writer->retain();
  return writer;
}

void tf_writer_release(tf_writer *writer) {
  if (writer != nullptr) writer->release();
}

}  // extern "C"
