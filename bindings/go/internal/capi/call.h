/* Shared by SWIG's code and the callbacks. */
#ifndef TENSORFILE_GO_CALL_H
#define TENSORFILE_GO_CALL_H

#include "tensorfile.h"

/* Text that the library owns. */
typedef struct tf_go_text {
  char *data;
  size_t length;
} tf_go_text;

/* A failed call. All its memory is one block from malloc(). */
typedef struct tf_go_failure {
  tf_status status;
  uint64_t offset;
  uintptr_t pending;
  const char *message;
  const char *name;
} tf_go_failure;

/* A call in progress. `pending` is a runtime/cgo.Handle of the error or panic of a callback, or 0. */
typedef struct tf_go_call {
  uintptr_t pending;
} tf_go_call;

tf_go_call tf_go_enter(void);
void tf_go_exit(tf_go_call *call);
/* Returns NULL if the call succeeded and no callback panicked, and otherwise a tf_go_failure for tf_go_free(). */
void *tf_go_result(const tf_go_call *call, tf_status status);
void tf_go_free(tf_go_failure *failure);

/* All getters of an array at once, since a call from Go costs more than the getters do. */
typedef struct tf_go_info {
  tf_dtype dtype;
  int32_t contiguous;
  size_t ndim;
  const int64_t *shape;
  const int64_t *strides;
  int64_t size;
  uint64_t nbytes;
  const void *data;
} tf_go_info;

void tf_go_describe(uintptr_t array, tf_go_info *info);

tf_status tf_go_read_at(void *user, uint64_t offset, void *dst, size_t nbytes);
tf_status tf_go_write(void *user, const void *src, size_t nbytes);
tf_status tf_go_progress(void *user, uint64_t done, uint64_t total);
void tf_go_release(void *user);

#endif
