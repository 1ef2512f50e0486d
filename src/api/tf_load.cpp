#include "api/arguments.h"
#include "file/load.h"
#include "file/open.h"

using namespace tfile;

extern "C" {

tf_status tf_load(tf_array **array, tf_dict **arrays, tf_dict **metadata, const char *path, const tf_options *options) {
  clear_outs(array, arrays, metadata);
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_path(file, path, settings));
  return load_file({array, arrays, metadata}, *file).code;
}

tf_status tf_load_memory(tf_array **array, tf_dict **arrays, tf_dict **metadata, const void *data, size_t nbytes,
                         tf_format format, const tf_options *options) {
  clear_outs(array, arrays, metadata);
  if (nbytes > 0) TFILE_API_TRY(require(data, "data"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_borrowed_memory(file, data, nbytes, format, settings));
  return load_file({array, arrays, metadata}, *file).code;
}

tf_status tf_load_source(tf_array **array, tf_dict **arrays, tf_dict **metadata, tf_source *source, tf_format format,
                         const tf_options *options) {
  clear_outs(array, arrays, metadata);
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file_source(file, Ref<Source>::share(source), format, settings));
  return load_file({array, arrays, metadata}, *file).code;
}

}  // extern "C"
