/* Go: package capi, which only the hand-written package tensorfile uses. tf_array_copy_from becomes ArrayCopyFrom.
   Handles are integers in Go (call.go), so that the garbage collector and cgo do not treat them as Go pointers. */
%rename("%(regex:/^tf_([a-z0-9]+)_?([a-z0-9]*)_?([a-z0-9]*)_?([a-z0-9]*)_?([a-z0-9]*)$/\\u\\1\\u\\2\\u\\3\\u\\4\\u\\5/)s",
        %$isfunction) "";

/* SWIG would generate variables, so constants.py generates the constants. */
%rename("$ignore", %$isenumitem) "";
%rename("$ignore", %$isconstant) "";

/* call.c reads the error record, because the next call of a goroutine may run on another thread. */
%ignore tf_error_message;
%ignore tf_error_offset;
%ignore tf_error_name;
%ignore tf_error_status;
%ignore tf_error_system;
/* A callback of Go returns an error, which the call returns as it is. */
%ignore tf_error_set;
/* A callback in Go must not return Go memory to C. */
%ignore tf_options_set_allocator;
/* A goroutine that runs C code occupies a thread, like the library's own workers. */
%ignore tf_options_set_executor;
/* DLPack connects frameworks in the same process, and Go has none. */
%ignore tf_array_to_dlpack;
%ignore tf_array_to_dlpack_unversioned;
%ignore tf_array_from_dlpack;
%ignore tf_array_from_dlpack_unversioned;
%ignore DLManagedTensor;
%ignore DLManagedTensorVersioned;
%ignore tf_edit_new;
%ignore tf_edit_rename;
%ignore tf_edit_remove;
%ignore tf_edit_set_metadata;
%ignore tf_edit_finish;
%ignore tf_edit_size;
%ignore tf_edit_patch_bytes;
%ignore tf_edit_run_count;
%ignore tf_edit_run;
%ignore tf_edit_save;
%ignore tf_edit_save_sink;
%ignore tf_edit_retain;
%ignore tf_edit_release;

%{
#include "call.h"
%}

/* Numbers. */
%typemap(gotype) size_t "int"
%typemap(imtype) size_t "int"
%typemap(gotype) tf_status, tf_dtype, tf_format, tf_ability, tf_kind, tf_option, tf_preset, int32_t "int32"
%typemap(gotype) uint32_t "uint32"
%typemap(gotype) size_t *count, size_t *index, size_t *first "*int"
%typemap(gotype) int32_t *deflated, int32_t *equal, tf_dtype *dtype "*int32"

/* Handles, and pointers to which a call writes one. */
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
HANDLE(tf_read_plan, ReadPlan)
HANDLE(tf_part_plan, PartPlan)
HANDLE(tf_quant_plan, QuantPlan)

/* A list of handles. */
%typemap(gotype) (const tf_array *const *positional, size_t count) "[]Array"
%typemap(in) (const tf_array *const *positional, size_t count) {
  $1 = ($1_ltype)$input.array;
  $2 = (size_t)$input.len;
}

/* Memory and text that calls borrow, passed as strings: cgo does not search those for Go pointers. */
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

/* Memory and text that belong to the library. `go vet` rejects how SWIG's own typemap copies strings. */
%typemap(gotype) const char *, const void * "*byte"
%typemap(imtype) const char *, const void * "*byte"
%typemap(out) const char *, const void * "$result = (void *)$1;"
%typemap(goout) const char *, const void * "$result = $1"
%typemap(gotype) const char *path, const char *name "string"
%typemap(imtype) const char *path, const char *name "string"
%typemap(gotype) (const char **key, size_t *length), (const char **name, size_t *length),
                 (const char **type, size_t *length), (const char **text, size_t *length),
                 (const char **text, size_t *text_length) "*Text"
%typemap(imtype) (const char **key, size_t *length), (const char **name, size_t *length),
                 (const char **type, size_t *length), (const char **text, size_t *length),
                 (const char **text, size_t *text_length) "*Text"
%typemap(in) (const char **key, size_t *length), (const char **name, size_t *length),
             (const char **type, size_t *length), (const char **text, size_t *length),
             (const char **text, size_t *text_length) {
  $1 = &((tf_go_text *)$input)->data;
  $2 = &((tf_go_text *)$input)->length;
}
/* Memory of the caller without its size, which is another argument. */
%typemap(gotype) void *dst, void *value "*byte"
%typemap(imtype) void *dst, void *value "*byte"
%typemap(in) void *dst, void *value "$1 = $input;"
%typemap(gotype) const char **path, void **data "**byte"
%typemap(in) const char **path, void **data "$1 = ($1_ltype)$input;"

/* Memory that an array or a source retains. Go pins it until the library releases the handle. */
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

/* Callbacks: user is a runtime/cgo.Handle, which the release function deletes. */
%typemap(gotype) (tf_read_at_fn read_at, tf_map_fn map, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_read_at_fn read_at, tf_map_fn map, tf_release_fn release, void *user) {
  $1 = tf_go_read_at;
  $2 = 0;
  $3 = tf_go_release;
  $4 = (void *)$input;
}
%typemap(gotype) (tf_resolve_source_fn resolve, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_resolve_source_fn resolve, tf_release_fn release, void *user) {
  $1 = tf_go_resolve;
  $2 = tf_go_release;
  $3 = (void *)$input;
}
%typemap(gotype) (tf_write_fn write, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_write_fn write, tf_release_fn release, void *user) {
  $1 = tf_go_write;
  $2 = tf_go_release;
  $3 = (void *)$input;
}
%typemap(gotype) (tf_read_complete_fn complete, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_read_complete_fn complete, tf_release_fn release, void *user) {
  $1 = tf_go_complete;
  $2 = tf_go_release;
  $3 = (void *)$input;
}
%typemap(gotype) (tf_resolve_sink_fn resolve, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_resolve_sink_fn resolve, tf_release_fn release, void *user) {
  $1 = tf_go_resolve_sink;
  $2 = tf_go_release;
  $3 = (void *)$input;
}
/* The callbacks of a sink have the argument of its write callback. Go passes 0 for none. */
%typemap(gotype) (tf_commit_fn commit, tf_abort_fn abort) "int32"
%typemap(imtype) (tf_commit_fn commit, tf_abort_fn abort) "int32"
%typemap(in) (tf_commit_fn commit, tf_abort_fn abort) {
  $1 = $input ? tf_go_commit : 0;
  $2 = $input ? tf_go_abort : 0;
}
%typemap(gotype) (tf_progress_fn progress, tf_release_fn release, void *user) "uintptr"
%typemap(in) (tf_progress_fn progress, tf_release_fn release, void *user) {
  $1 = tf_go_progress;
  $2 = tf_go_release;
  $3 = (void *)$input;
}

/* A failed call returns a copy of the error record, and the errors and panics of its callbacks. */
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
