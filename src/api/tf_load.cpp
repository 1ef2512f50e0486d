#include "api/load_outputs.h"
#include "file/open.h"

using namespace tfile;

extern "C" {

tf_status tf_load(tf_array **array, tf_dict **arrays, tf_dict **metadata, const char *path, const tf_options *options) {
  const LoadOutputs outputs(array, arrays, metadata);
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_path(file, path, settings));
  return outputs.load(*file).code;
}

tf_status tf_load_memory(tf_array **array, tf_dict **arrays, tf_dict **metadata, const void *data, size_t nbytes,
                         tf_format format, const tf_options *options) {
  const LoadOutputs outputs(array, arrays, metadata);
  if (nbytes > 0) TFILE_API_TRY(require(data, "data"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  // The caller may free the memory afterwards, so nothing is mapped from it.
  settings.set(TF_OPTION_LOAD_MODE, TF_LOAD_MODE_OWN);
  Ref<Source> source;
  TFILE_API_TRY(source_from_memory(source, settings.memory(), data, nbytes, nullptr, nullptr));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_source(file, std::move(source), format, settings));
  return outputs.load(*file).code;
}

tf_status tf_load_source(tf_array **array, tf_dict **arrays, tf_dict **metadata, tf_source *source, tf_format format,
                         const tf_options *options) {
  const LoadOutputs outputs(array, arrays, metadata);
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file_source(file, Ref<Source>::share(source), format, settings));
  return outputs.load(*file).code;
}

}  // extern "C"
