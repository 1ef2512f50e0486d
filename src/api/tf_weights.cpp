#include "api/arguments.h"
#include "file/open.h"
#include "file/weights.h"

using namespace tfile;

extern "C" {

tf_status tf_load_weights(tf_dict **tree, const char *path, const tf_dict *expected, const tf_options *options) {
  TFILE_API_TRY(require_out(tree, "tree"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> loaded;
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_path(file, path, settings));
  TFILE_API_TRY(load_weights(loaded, *file, expected));
  *tree = loaded.take();
  return TF_STATUS_OK;
}

tf_status tf_load_weights_source(tf_dict **tree, tf_source *source, tf_format format, const tf_dict *expected,
                                 const tf_options *options) {
  TFILE_API_TRY(require_out(tree, "tree"));
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> loaded;
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file_source(file, Ref<Source>::share(source), format, settings));
  TFILE_API_TRY(load_weights(loaded, *file, expected));
  *tree = loaded.take();
  return TF_STATUS_OK;
}

tf_status tf_save_weights(const char *path, const tf_dict *tree, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  TFILE_API_TRY(require(tree, "tree"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_weights(path, *tree, settings).code;
}

}  // extern "C"
