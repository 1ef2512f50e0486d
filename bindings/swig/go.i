/* Go: package capi, which the hand-written package tensorfile alone uses. tf_array_copy_from becomes ArrayCopyFrom.
   Handles are integers to Go (types.go), so that neither the collector nor cgo's checks take C memory for Go's. */
%rename("%(regex:/^tf_([a-z0-9]+)_?([a-z0-9]*)_?([a-z0-9]*)_?([a-z0-9]*)_?([a-z0-9]*)$/\\u\\1\\u\\2\\u\\3\\u\\4\\u\\5/)s",
        %$isfunction) "";

/* Constants of Go are written by hand, since SWIG makes variables of enums; a test compares them with the header. */
%rename("$ignore", %$isenumitem) "";
%rename("$ignore", %$isconstant) "";

/* What the last failure was is read where it failed (call.c): a goroutine may be on another thread in its next call. */
%ignore tf_error_message;
%ignore tf_error_offset;
%ignore tf_error_name;
/* Go cannot give C memory of its own in a callback. */
%ignore tf_options_set_allocator;
/* Goroutines in C hold a thread each, as the library's own do. */
%ignore tf_options_set_executor;
/* Of frameworks within the process, of which Go has none. */
%ignore tf_array_to_dlpack;
%ignore tf_array_to_dlpack_unversioned;
%ignore tf_array_from_dlpack;
%ignore tf_array_from_dlpack_unversioned;
%ignore DLManagedTensor;
%ignore DLManagedTensorVersioned;

%{
#include "call.h"
%}

/* Numbers. */
%typemap(gotype) size_t "int"
%typemap(imtype) size_t "int"
%typemap(gotype) tf_status, tf_dtype, tf_format, tf_kind, tf_option, int32_t "int32"
%typemap(gotype) uint32_t "uint32"
%typemap(gotype) size_t *count, size_t *index "*int"
%typemap(gotype) int32_t *deflated, int32_t *equal "*int32"

/* Handles, and where a call puts one. */
%define HANDLE(TYPE, GO)
%typemap(gotype) TYPE *, const TYPE * "GO"
%typemap(imtype) TYPE *, const TYPE * "uintptr"
%typemap(goin) TYPE *, const TYPE * "$result = uintptr($input)"
%typemap(goout) TYPE *, const TYPE * "$result = GO($1)"
%typemap(in) TYPE *, const TYPE * "$1 = ($1_ltype)$input;"
%typemap(out) TYPE *, const TYPE * "$result = ($1_ltype)$1;"
%typemap(gotype) TYPE ** "*GO"
%typemap(in) TYPE ** "$1 = ($1_ltype)$input;"
%typemap(goin) TYPE ** "$result = $input"
%enddef
HANDLE(tf_array, Array)
HANDLE(tf_dict, Dict)
HANDLE(tf_file, File)
HANDLE(tf_options, Options)
HANDLE(tf_source, Source)
HANDLE(tf_sink, Sink)
HANDLE(tf_buffer, Buffer)
HANDLE(tf_writer, Writer)

/* A list of handles. */
%typemap(gotype) (const tf_array *const *args, size_t nargs) "[]Array"
%typemap(in) (const tf_array *const *args, size_t nargs) {
  $1 = ($1_ltype)$input.array;
  $2 = (size_t)$input.len;
}

/* Memory and text that calls borrow: a Go string is a pointer and a length that cgo need not search for pointers. */
%typemap(gotype) (const void *src, size_t nbytes), (const void *data, size_t nbytes), (const void *head, size_t nbytes),
                 (void *dst, size_t nbytes), (const char *key, size_t length), (const char *name, size_t length),
                 (const char *text, size_t length), (const char *text, size_t text_length) "string"
%typemap(imtype) (const void *src, size_t nbytes), (const void *data, size_t nbytes), (const void *head, size_t nbytes),
                 (void *dst, size_t nbytes), (const char *key, size_t length), (const char *name, size_t length),
                 (const char *text, size_t length), (const char *text, size_t text_length) "string"
%typemap(in) (const void *src, size_t nbytes), (const void *data, size_t nbytes), (const void *head, size_t nbytes),
             (void *dst, size_t nbytes), (const char *key, size_t length), (const char *name, size_t length),
             (const char *text, size_t length), (const char *text, size_t text_length) {
  $1 = $input.n ? ($1_ltype)$input.p : ($1_ltype)"";
  $2 = (size_t)$input.n;
}
%typemap(freearg) (const char *key, size_t length), (const char *name, size_t length), (const char *text, size_t length),
                  (const char *text, size_t text_length) ""

/* Memory and text that the library lends. Not SWIG's strings: `go vet` rejects how they are copied. */
%typemap(gotype) const char *, const void * "*byte"
%typemap(imtype) const char *, const void * "*byte"
%typemap(out) const char *, const void * "$result = (void *)$1;"
%typemap(goout) const char *, const void * "$result = $1"
%typemap(gotype) const char *path, const char *name "string"
%typemap(imtype) const char *path, const char *name "string"
%typemap(gotype) (const char **key, size_t *length), (const char **name, size_t *length),
                 (const char **text, size_t *text_length) "*Text"
%typemap(imtype) (const char **key, size_t *length), (const char **name, size_t *length),
                 (const char **text, size_t *text_length) "*Text"
%typemap(in) (const char **key, size_t *length), (const char **name, size_t *length),
             (const char **text, size_t *text_length) {
  $1 = &((tf_go_text *)$input)->data;
  $2 = &((tf_go_text *)$input)->length;
}
%typemap(gotype) const char **path, void **data "**byte"
%typemap(in) const char **path, void **data "$1 = ($1_ltype)$input;"

/* Memory that an array or a source keeps: Go pins it until the release that a handle stands for. */
%typemap(gotype) (void *data, size_t nbytes) "string"
%typemap(imtype) (void *data, size_t nbytes) "string"
%typemap(in) (void *data, size_t nbytes) {
  $1 = $input.p;
  $2 = (size_t)$input.n;
}
%typemap(gotype) (tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_release_fn release, void *user) {
  $1 = tf_go_release;
  $2 = (void *)$input;
}

/* Callbacks: user is a runtime/cgo.Handle, which the release lets go of. */
%typemap(gotype) (tf_read_at_fn read_at, tf_map_fn map, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_read_at_fn read_at, tf_map_fn map, tf_release_fn release, void *user) {
  $1 = tf_go_read_at;
  $2 = 0;
  $3 = tf_go_release;
  $4 = (void *)$input;
}
%typemap(gotype) (tf_write_fn write, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_write_fn write, tf_release_fn release, void *user) {
  $1 = tf_go_write;
  $2 = tf_go_release;
  $3 = (void *)$input;
}
%typemap(gotype) (tf_progress_fn progress, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_progress_fn progress, tf_release_fn release, void *user) {
  $1 = tf_go_progress;
  $2 = tf_go_release;
  $3 = (void *)$input;
}

/* A failed call gives what is known of it, copied before it returns to Go, and what its callbacks carry. */
%exception %{
  tf_go_call call = tf_go_enter();
  $action
  tf_go_exit(&call);
%}
%typemap(gotype) tf_status "error"
%typemap(imtype) tf_status "*byte"
%typemap(out) tf_status "$result = tf_go_result(&call, $1);"
%typemap(goout) tf_status "$result = failure($1)"
%typemap(gotype) tf_status status "int32"
%typemap(imtype) tf_status status "int32"
