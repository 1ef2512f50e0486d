#include "call.h"

#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

/* How many calls this thread is in, and the error or panic of a callback of the innermost one. */
static _Thread_local int depth;
static _Thread_local uintptr_t pending;

/* Returned if there is no memory for a failure. An offset of UINT64_MAX means that there is none. */
static tf_go_failure no_memory = {TF_STATUS_OUT_OF_MEMORY, UINT64_MAX, 0, "out of memory in a failed call", ""};

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
  failure->pending = call->pending;
  failure->message = memcpy(text, message, message_size);
  failure->name = memcpy(text + message_size, name, name_size);
  return failure;
}

void tf_go_free(tf_go_failure *failure) {
  if (failure != &no_memory) free(failure);
}

void tf_go_describe(uintptr_t handle, tf_go_info *info) {
  const tf_array *array = (const tf_array *)handle;
  info->dtype = tf_array_dtype(array);
  info->contiguous = tf_array_is_contiguous(array);
  info->ndim = tf_array_ndim(array);
  info->shape = tf_array_shape(array);
  info->strides = tf_array_strides(array);
  info->size = tf_array_size(array);
  info->nbytes = tf_array_nbytes(array);
  info->data = tf_array_data(array);
}

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
