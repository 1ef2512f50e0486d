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
  if (!tf_dict_contains(dict, key, length) || tf_dict_find(&index, dict, key, length) != TF_STATUS_OK) return;
  value->kind = tf_dict_kind_at(dict, index);
  switch (value->kind) {
    case TF_KIND_ARRAY:
      if (tf_dict_array_at(&value->array, dict, index) != TF_STATUS_OK) break;
      describe(value->array, &value->info);
      if (scalars && value->info.ndim == 0 && tf_dtype_block_size(value->info.dtype) == 1 &&
          tf_dict_get_scalar(&value->info.dtype, value->scalar, sizeof value->scalar, dict, key, length) == TF_STATUS_OK) {
        value->is_scalar = 1;
        tf_array_release(value->array);
        value->array = NULL;
      }
      break;
    case TF_KIND_STRING:
      (void)tf_dict_string_at((const char **)&value->text.data, &value->text.length, dict, index);
      break;
    case TF_KIND_DICT:
      (void)tf_dict_dict_at(&value->dict, dict, index);
      break;
    default:
      break;
  }
}

/* A list of strings in a dict, or the dict itself, whose keys are listed. */
typedef struct origin {
  const tf_dict *dict;
  size_t index; /* of the list in the dict */
} origin;

typedef void (*get_string)(tf_go_text *text, const origin *from, size_t index);

static void get_key(tf_go_text *text, const origin *from, size_t index) {
  (void)tf_dict_key_at((const char **)&text->data, &text->length, from->dict, index);
}

static void get_item(tf_go_text *text, const origin *from, size_t index) {
  (void)tf_dict_string_list_item_at((const char **)&text->data, &text->length, from->dict, from->index, index);
}

static tf_go_list *make_list(const origin *from, size_t count, get_string get) {
  uint64_t nbytes = 0;
  for (size_t i = 0; i < count; i++) {
    tf_go_text text = {NULL, 0};
    get(&text, from, i);
    nbytes += text.length;
  }
  tf_go_list *list = malloc(sizeof *list + count * sizeof(uint64_t) + nbytes);
  if (list == NULL) return NULL;
  uint64_t *ends = (uint64_t *)(list + 1);
  char *bytes = (char *)(ends + count);
  *list = (tf_go_list){count, ends, bytes, nbytes};
  nbytes = 0;
  for (size_t i = 0; i < count; i++) {
    tf_go_text text = {NULL, 0};
    get(&text, from, i);
    if (text.length > 0) memcpy(bytes + nbytes, text.data, text.length);
    nbytes += text.length;
    ends[i] = nbytes;
  }
  return list;
}

tf_go_list *tf_go_list_keys(uintptr_t handle) {
  const origin from = {(const tf_dict *)handle, 0};
  return make_list(&from, tf_dict_size(from.dict), get_key);
}

tf_go_list *tf_go_list_strings(uintptr_t handle, size_t index) {
  const origin from = {(const tf_dict *)handle, index};
  size_t count = 0;
  if (tf_dict_string_list_size_at(&count, from.dict, index) != TF_STATUS_OK) return NULL;
  return make_list(&from, count, get_item);
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

tf_status tf_go_resolve(void *user, const char *name, tf_source **out) {
  uintptr_t source = 0;
  tf_status status = tensorfileGoResolve((uintptr_t)user, (char *)name, &source, slot());
  *out = (tf_source *)source;
  return status;
}

tf_status tf_go_commit(void *user) { return tensorfileGoCommit((uintptr_t)user, slot()); }

void tf_go_abort(void *user) { tensorfileGoAbort((uintptr_t)user, slot()); }

tf_status tf_go_resolve_sink(void *user, const char *name, tf_sink **out) {
  uintptr_t sink = 0;
  tf_status status = tensorfileGoResolveSink((uintptr_t)user, (char *)name, &sink, slot());
  *out = (tf_sink *)sink;
  return status;
}

tf_status tf_go_complete(void *user, size_t entry) {
  return tensorfileGoComplete((uintptr_t)user, entry, slot());
}

void tf_go_release(void *user) { tensorfileGoRelease((uintptr_t)user); }
