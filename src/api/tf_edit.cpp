#include "api/arguments.h"
#include "file/header_edit.h"

using namespace tfile;

extern "C" {

tf_status tf_edit_new(tf_edit **out, const tf_file *file) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  Ref<Edit> edit;
  TFILE_API_TRY(make_edit(edit, *file));
  *out = edit.take();
  return TF_STATUS_OK;
}

tf_status tf_edit_rename(tf_edit *edit, size_t index, const char *name, size_t length) {
  TFILE_API_TRY(require(edit, "edit"));
  Text text;
  TFILE_API_TRY(require_text(&text, name, length, "name"));
  return edit->rename(index, text).code;
}

tf_status tf_edit_remove(tf_edit *edit, size_t index) {
  TFILE_API_TRY(require(edit, "edit"));
  return edit->remove(index).code;
}

tf_status tf_edit_set_metadata(tf_edit *edit, const tf_dict *metadata) {
  TFILE_API_TRY(require(edit, "edit"));
  return edit->set_metadata(metadata).code;
}

tf_status tf_edit_finish(tf_edit *edit) {
  TFILE_API_TRY(require(edit, "edit"));
  return edit->finish().code;
}

uint64_t tf_edit_size(const tf_edit *edit) {
  return is_null(edit, "edit") || !edit->check_finished().ok() ? 0 : edit->splice.size;
}

uint64_t tf_edit_patch_bytes(const tf_edit *edit) {
  return is_null(edit, "edit") || !edit->check_finished().ok() ? 0 : edit->patch_bytes();
}

size_t tf_edit_run_count(const tf_edit *edit) {
  return is_null(edit, "edit") || !edit->check_finished().ok() ? 0 : edit->splice.runs.size();
}

tf_status tf_edit_run(const void **bytes, uint64_t *offset, uint64_t *nbytes, const tf_edit *edit, size_t index) {
  TFILE_API_TRY(require(bytes, "bytes"));
  *bytes = nullptr;
  TFILE_API_TRY(require(offset, "offset"));
  TFILE_API_TRY(require(nbytes, "nbytes"));
  TFILE_API_TRY(require(edit, "edit"));
  return edit->describe_run(bytes, offset, nbytes, index).code;
}

tf_status tf_edit_save(const tf_edit *edit, const char *path, const tf_options *options) {
  TFILE_API_TRY(require(edit, "edit"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return edit->save(path, settings).code;
}

tf_status tf_edit_save_sink(const tf_edit *edit, tf_sink *sink, const tf_options *options) {
  TFILE_API_TRY(require(edit, "edit"));
  TFILE_API_TRY(require(sink, "sink"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return edit->save(*sink, settings).code;
}

tf_edit *tf_edit_retain(tf_edit *edit) {
  if (edit != nullptr) edit->retain();
  return edit;
}

void tf_edit_release(tf_edit *edit) {
  if (edit != nullptr) edit->release();
}

tf_status tf_save_metadata(const char *path, const tf_dict *metadata, const tf_options *options) {
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  return save_metadata(path, metadata, settings).code;
}

}  // extern "C"
