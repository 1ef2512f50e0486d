#include "api/arguments.h"
#include "file/save.h"

using namespace tfile;

extern "C" {

tf_status tf_save(const char *path, const tf_array *array, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(array, "array"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_array(path, *array, settings).code;
}

tf_status tf_save_file(const char *path, const tf_dict *arrays, const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(arrays, "arrays"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_file(path, *arrays, metadata, settings).code;
}

tf_status tf_savez(const char *path, const tf_array *const *positional, size_t count, const tf_dict *named,
                   const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  Span<const Array *const> unnamed;
  TFILE_API_TRY(require_span(&unnamed, positional, count, "positional"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_npz(path, unnamed, named, false, settings).code;
}

tf_status tf_savez_compressed(const char *path, const tf_array *const *positional, size_t count, const tf_dict *named,
                              const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  Span<const Array *const> unnamed;
  TFILE_API_TRY(require_span(&unnamed, positional, count, "positional"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_npz(path, unnamed, named, true, settings).code;
}

tf_status tf_save_safetensors(const char *path, const tf_dict *arrays, const tf_dict *metadata,
                              const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(arrays, "arrays"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_dict(path, "safetensors", *arrays, metadata, settings).code;
}

tf_status tf_save_gguf(const char *path, const tf_dict *arrays, const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(arrays, "arrays"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_dict(path, "gguf", *arrays, metadata, settings).code;
}

tf_status tf_save_memory(tf_buffer **out, tf_format format, const tf_array *array, const tf_dict *arrays,
                         const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Buffer> buffer;
  TFILE_API_TRY(save_to_memory(buffer, format, Content{array, arrays, metadata}, settings));
  *out = buffer.take();
  return TF_STATUS_OK;
}

tf_status tf_save_sink(tf_sink *sink, tf_format format, const tf_array *array, const tf_dict *arrays,
                       const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require(sink, "sink"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_to_sink(*sink, format, Content{array, arrays, metadata}, settings).code;
}

tf_status tf_save_check(tf_dict **report, tf_format format, const tf_dict *arrays, const tf_dict *metadata,
                        const tf_options *options) {
  TFILE_API_TRY(require_out(report, "report"));
  TFILE_API_TRY(require(arrays, "arrays"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> made;
  TFILE_API_TRY(check_save(made, format, *arrays, metadata, settings));
  *report = made.take();
  return TF_STATUS_OK;
}

}  // extern "C"
