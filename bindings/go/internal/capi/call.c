#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

/* How many calls this thread is in, and the error or panic of a callback of the innermost one. */
static _Thread_local int depth;
static _Thread_local uintptr_t pending;

/* Returned if there is no memory for a failure. An offset of UINT64_MAX means that there is none. */
static tf_go_failure no_memory = {TF_STATUS_OUT_OF_MEMORY, UINT64_MAX, 0, 0, "out of memory in a failed call", ""};

tf_go_call tf_go_enter(void) {
  tf_go_call call = {pending};
  pending = 0;
  depth++;
  return call;
}

void tf_go_exit(tf_go_call *call) {
  uintptr_t inner = pending;
  pending = call->pending;
  call->pending = inner;
  depth--;
}

void *tf_go_result(const tf_go_call *call, tf_status status) {
  if (status == TF_STATUS_OK && call->pending == 0) return NULL;
  const char *message = status == TF_STATUS_OK ? "" : tf_error_message();
  const char *name = status == TF_STATUS_OK ? "" : tf_error_name();
  size_t message_size = strlen(message) + 1;
  size_t name_size = strlen(name) + 1;
  tf_go_failure *failure = malloc(sizeof *failure + message_size + name_size);
  if (failure == NULL) return &no_memory;
  char *text = (char *)(failure + 1);
  failure->status = status;
  failure->offset = tf_error_offset();
  failure->system = status == TF_STATUS_OK ? 0 : tf_error_system();
  failure->pending = call->pending;
  failure->message = memcpy(text, message, message_size);
  failure->name = memcpy(text + message_size, name, name_size);
  return failure;
}

void tf_go_free(tf_go_failure *failure) {
  if (failure != &no_memory) free(failure);
}

static void describe(const tf_array *array, tf_go_info *info) {
  info->dtype = tf_array_dtype(array);
  info->contiguous = tf_array_is_contiguous(array);
  info->ndim = tf_array_ndim(array);
  info->shape = tf_array_shape(array);
  info->strides = tf_array_strides(array);
  info->size = tf_array_size(array);
  info->nbytes = tf_array_nbytes(array);
  info->data = tf_array_data(array);
}

void tf_go_describe(uintptr_t array, tf_go_info *info) { describe((const tf_array *)array, info); }

void tf_go_dict_get(uintptr_t handle, const char *key, size_t length, int32_t scalars, tf_go_value *value) {
  const tf_dict *dict = (const tf_dict *)handle;
  size_t index = 0;
  memset(value, 0, sizeof *value);
  if (tf_dict_find(&index, dict, key, length) != TF_STATUS_OK) return;
  value->kind = tf_dict_kind_at(dict, index);
  switch (value->kind) {
    case TF_KIND_ARRAY:
      if (tf_dict_get_array(&value->array, dict, key, length) != TF_STATUS_OK) break;
      describe(value->array, &value->info);
      if (scalars && value->info.ndim == 0 && value->info.nbytes <= sizeof value->scalar) {
        memcpy(value->scalar, value->info.data, value->info.nbytes);
        value->is_scalar = 1;
        tf_array_release(value->array);
        value->array = NULL;
      }
      break;
    case TF_KIND_STRING:
      (void)tf_dict_get_string((const char **)&value->text.data, &value->text.length, dict, key, length);
      break;
    case TF_KIND_DICT:
      (void)tf_dict_get_dict(&value->dict, dict, key, length);
      break;
    default:
      break;
  }
}

/* What tf_go_list_file() and tf_go_list_dict() get of one item. */
typedef struct item {
  const char *name;
  size_t length;
  const int64_t *shape;
  size_t ndim;
  uint64_t nbytes;
  int32_t type;
} item;

static void get_from_file(const void *file, size_t index, item *item) {
  (void)tf_file_name(&item->name, &item->length, file, index);
  item->shape = tf_file_shape(file, index);
  item->ndim = tf_file_ndim(file, index);
  item->nbytes = tf_file_nbytes(file, index);
  item->type = tf_file_dtype(file, index);
}

static void get_from_dict(const void *dict, size_t index, item *item) {
  (void)tf_dict_key_at(&item->name, &item->length, dict, index);
  item->type = tf_dict_kind_at(dict, index);
}

static tf_go_list *make_list(const void *from, size_t count, void (*get)(const void *, size_t, item *)) {
  uint64_t name_bytes = 0;
  uint64_t size_count = 0;
  for (size_t i = 0; i < count; i++) {
    item item = {0};
    get(from, i, &item);
    name_bytes += item.length;
    size_count += item.ndim;
  }
  tf_go_list *list =
      malloc(sizeof *list + count * sizeof(tf_go_entry) + size_count * sizeof(int64_t) + name_bytes);
  if (list == NULL) return NULL;
  tf_go_entry *entries = (tf_go_entry *)(list + 1);
  int64_t *sizes = (int64_t *)(entries + count);
  char *names = (char *)(sizes + size_count);
  *list = (tf_go_list){count, entries, sizes, names, name_bytes, size_count};
  name_bytes = 0;
  size_count = 0;
  for (size_t i = 0; i < count; i++) {
    item item = {0};
    get(from, i, &item);
    if (item.length > 0) memcpy(names + name_bytes, item.name, item.length);
    if (item.ndim > 0) memcpy(sizes + size_count, item.shape, item.ndim * sizeof *sizes);
    name_bytes += item.length;
    size_count += item.ndim;
    entries[i] = (tf_go_entry){name_bytes, size_count, item.nbytes, item.type};
  }
  return list;
}

tf_go_list *tf_go_list_file(uintptr_t file) {
  return make_list((const void *)file, tf_file_count((const tf_file *)file), get_from_file);
}

tf_go_list *tf_go_list_dict(uintptr_t dict) {
  return make_list((const void *)dict, tf_dict_size((const tf_dict *)dict), get_from_dict);
}

void tf_go_free_list(tf_go_list *list) { free(list); }

/* Where a callback stores its error: NULL on a thread that the library created. */
static uintptr_t *slot(void) { return depth > 0 ? &pending : NULL; }

tf_status tf_go_read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
  return tensorfileGoReadAt((uintptr_t)user, offset, dst, nbytes, slot());
}

tf_status tf_go_write(void *user, const void *src, size_t nbytes) {
  return tensorfileGoWrite((uintptr_t)user, (void *)src, nbytes, slot());
}

tf_status tf_go_progress(void *user, uint64_t done, uint64_t total) {
  return tensorfileGoProgress((uintptr_t)user, done, total, slot());
}

void tf_go_release(void *user) { tensorfileGoRelease((uintptr_t)user); }
