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
  int64_t system; /* number of the system's error, or 0 */
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

/* What a name in a dict refers to. */
typedef struct tf_go_value {
  tf_kind kind;
  int32_t is_scalar;   /* whether scalar has the element of a 0-d array; array is NULL then */
  tf_array *array;     /* a new reference */
  tf_go_info info;     /* of array */
  tf_dict *dict;       /* a new reference */
  tf_go_text text;     /* borrowed from the dict */
  unsigned char scalar[16];
} tf_go_value;

/* Gets a value of any kind, or the kind TF_KIND_NONE if the dict has no such name. 0-d arrays are returned as scalars if
   scalars is not 0 and the elements are at most 16 bytes long. */
void tf_go_dict_get(uintptr_t dict, const char *key, size_t length, int32_t scalars, tf_go_value *value);

/* Strings in one block of memory: string i ends before byte ends[i]. */
typedef struct tf_go_list {
  size_t count;
  const uint64_t *ends;
  const char *bytes;
  uint64_t nbytes;
} tf_go_list;

/* All keys of a dict. Returns NULL if there is not enough memory. */
tf_go_list *tf_go_list_keys(uintptr_t dict);
/* The list of strings at an index of a dict. Returns NULL if there is not enough memory, or no such list. */
tf_go_list *tf_go_list_strings(uintptr_t dict, size_t index);
void tf_go_free_list(tf_go_list *list);

tf_status tf_go_read_at(void *user, uint64_t offset, void *dst, size_t nbytes);
tf_status tf_go_write(void *user, const void *src, size_t nbytes);
tf_status tf_go_progress(void *user, uint64_t done, uint64_t total);
tf_status tf_go_resolve(void *user, const char *name, tf_source **out);
tf_status tf_go_commit(void *user);
void tf_go_abort(void *user);
tf_status tf_go_resolve_sink(void *user, const char *name, tf_sink **out);
tf_status tf_go_complete(void *user, size_t entry);
void tf_go_release(void *user);

#endif
