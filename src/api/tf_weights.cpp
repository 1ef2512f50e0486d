#include "api/arguments.h"
#include "file/weights.h"

using namespace tfile;

extern "C" {

tf_status tf_load_weights(tf_dict **tree, const char *path, const tf_dict *expected, const tf_options *options) {
  TFILE_API_TRY(require_out(tree, "tree"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> loaded;
  TFILE_API_TRY(load_weights(loaded, path, expected, settings));
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
