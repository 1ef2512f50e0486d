#include "api/arguments.h"
#include "core/dict.h"
#include "file/check_file.h"
#include "file/file_listing.h"
#include "file/open.h"
#include "file/read.h"

using namespace tfile;

extern "C" {

tf_status tf_file_open(tf_file **out, const char *path, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_path(file, path, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_status tf_file_open_memory(tf_file **out, const void *data, size_t nbytes, tf_format format,
                              const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  if (nbytes > 0) TFILE_API_TRY(require(data, "data"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_memory_copy(file, data, nbytes, format, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_status tf_file_open_source(tf_file **out, tf_source *source, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<OpenedFile> file;
  TFILE_API_TRY(open_file_source(file, Ref<Source>::share(source), format, settings));
  *out = file.take();
  return TF_STATUS_OK;
}

tf_file *tf_file_retain(tf_file *file) {
  if (file != nullptr) file->retain();
  return file;
}

void tf_file_release(tf_file *file) {
  if (file != nullptr) file->release();
}

tf_format tf_file_format(const tf_file *file) {
  return is_null(file, "file") ? TF_FORMAT_AUTO : file->format->id;
}

size_t tf_file_count(const tf_file *file) {
  return is_null(file, "file") ? 0 : file->listing.members.size();
}

tf_status tf_file_name(const char **name, size_t *length, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_text_out(name, length, "name"));
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  return_text(name, length, member->name);
  return TF_STATUS_OK;
}

tf_status tf_file_find(size_t *index, const tf_file *file, const char *name, size_t length) {
  TFILE_API_TRY(require(index, "index"));
  TFILE_API_TRY(require(file, "file"));
  Text wanted;
  TFILE_API_TRY(require_text(&wanted, name, length, "name"));
  const size_t found = file->listing.names.find(wanted);
  if (found == NameIndex::kNone) {
    const Status status = Failure(TF_STATUS_NOT_FOUND).in(file->source->label).array(wanted) << "is not in the file";
    return status.code;
  }
  *index = found;
  return TF_STATUS_OK;
}

tf_dtype tf_file_dtype(const tf_file *file, size_t index) {
  const Member *member = nullptr;
  if (is_null(file, "file") || !file->find_member(&member, index).ok()) return TF_DTYPE_UNSUPPORTED;
  return member->dtype == nullptr ? TF_DTYPE_UNSUPPORTED : member->dtype->id;
}

tf_status tf_file_type(const char **type, size_t *length, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_text_out(type, length, "type"));
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  return_text(type, length, member->dtype != nullptr ? Text(member->dtype->name) : member->type);
  return TF_STATUS_OK;
}

size_t tf_file_ndim(const tf_file *file, size_t index) {
  const Member *member = nullptr;
  if (is_null(file, "file") || !file->find_member(&member, index).ok()) return 0;
  return member->shape.size();
}

const int64_t *tf_file_shape(const tf_file *file, size_t index) {
  const Member *member = nullptr;
  if (is_null(file, "file") || !file->find_member(&member, index).ok()) return nullptr;
  return member->shape.data();
}

uint64_t tf_file_nbytes(const tf_file *file, size_t index) {
  const Member *member = nullptr;
  if (is_null(file, "file") || !file->find_member(&member, index).ok()) return 0;
  return member->nbytes;
}

int32_t tf_file_is_big_endian(const tf_file *file, size_t index) {
  const Member *member = nullptr;
  if (is_null(file, "file") || !file->find_member(&member, index).ok()) return 0;
  return member->big_endian ? 1 : 0;
}

int32_t tf_file_is_fortran_order(const tf_file *file, size_t index) {
  const Member *member = nullptr;
  if (is_null(file, "file") || !file->find_member(&member, index).ok()) return 0;
  return member->fortran ? 1 : 0;
}

tf_status tf_file_location(const char **path, uint64_t *offset, uint64_t *stored_bytes, int32_t *deflated,
                           const tf_file *file, size_t index) {
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  const Text label = file->source_of(*member).label;
  if (path != nullptr) *path = label.empty() ? "" : label.data();
  if (offset != nullptr) *offset = member->offset;
  if (stored_bytes != nullptr) *stored_bytes = member->stored;
  if (deflated != nullptr) *deflated = member->deflated ? 1 : 0;
  return TF_STATUS_OK;
}

tf_status tf_check(tf_dict **report, const char *path, const tf_options *options) {
  TFILE_API_TRY(require_out(report, "report"));
  TFILE_API_TRY(require(path, "path"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> made;
  TFILE_API_TRY(check_path(made, path, settings));
  *report = made.take();
  return TF_STATUS_OK;
}

tf_status tf_check_source(tf_dict **report, tf_source *source, tf_format format, const tf_options *options) {
  TFILE_API_TRY(require_out(report, "report"));
  TFILE_API_TRY(require(source, "source"));
  Settings settings;
  TFILE_API_TRY(settings_of(settings, options));
  Ref<Dict> made;
  TFILE_API_TRY(check_source(made, Ref<Source>::share(source), format, settings));
  *report = made.take();
  return TF_STATUS_OK;
}

const tf_dict *tf_file_metadata(const tf_file *file) {
  return is_null(file, "file") ? nullptr : file->listing.metadata.get();
}

tf_status tf_file_listing(tf_buffer **out, const tf_file *file) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  Ref<Buffer> made;
  TFILE_API_TRY(make_file_listing(made, *file));
  *out = made.take();
  return TF_STATUS_OK;
}

size_t tf_file_other_count(const tf_file *file) {
  return is_null(file, "file") ? 0 : file->listing.others.size();
}

tf_status tf_file_other_name(const char **name, size_t *length, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_text_out(name, length, "name"));
  TFILE_API_TRY(require(file, "file"));
  TFILE_API_TRY(check_index(index, file->listing.others.size()));
  return_text(name, length, file->listing.others[index].name);
  return TF_STATUS_OK;
}

size_t tf_file_note_count(const tf_file *file) {
  return is_null(file, "file") ? 0 : file->listing.notes.size();
}

tf_status tf_file_note(const char **text, size_t *length, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_text_out(text, length, "text"));
  TFILE_API_TRY(require(file, "file"));
  TFILE_API_TRY(check_index(index, file->listing.notes.size()));
  return_text(text, length, file->listing.notes[index]);
  return TF_STATUS_OK;
}

tf_status tf_file_read(tf_array **out, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  Ref<Array> array;
  TFILE_API_TRY(read_array(array, *file, *member));
  *out = array.take();
  return TF_STATUS_OK;
}

tf_status tf_file_read_raw(tf_array **out, const tf_file *file, size_t index) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  Ref<Array> array;
  TFILE_API_TRY(read_raw(array, *file, *member));
  *out = array.take();
  return TF_STATUS_OK;
}

tf_status tf_file_read_into(const tf_file *file, size_t index, tf_dtype dtype, void *dst, size_t nbytes) {
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  return read_array_into(dst, nbytes, dtype, *file, *member).code;
}

tf_status tf_file_read_slice(tf_array **out, const tf_file *file, size_t index, const int64_t *start,
                             const int64_t *stop, const int64_t *step, size_t ndim) {
  TFILE_API_TRY(require_out(out, "out"));
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  Ref<Array> array;
  TFILE_API_TRY(read_slice(array, *file, *member, SliceBounds{start, stop, step, ndim}));
  *out = array.take();
  return TF_STATUS_OK;
}

tf_status tf_file_read_slice_into(const tf_file *file, size_t index, const int64_t *start, const int64_t *stop,
                                  const int64_t *step, size_t ndim, tf_dtype dtype, void *dst, size_t nbytes) {
  TFILE_API_TRY(require(file, "file"));
  const Member *member = nullptr;
  TFILE_API_TRY(file->find_member(&member, index));
  return read_slice_into(dst, nbytes, dtype, *file, *member, SliceBounds{start, stop, step, ndim}).code;
}

}  // extern "C"
