/*
 * Sources and sinks whose callbacks are functions of JavaScript. A callback of C is an entry of the table of functions, so
 * these functions of C call the imports. Offsets and sizes are doubles, which are exact below 2^53.
 */
#include <stdint.h>
#include <tensorfile.h>

#define IMPORT(name) __attribute__((import_module("tensorfile"), import_name(name)))

/* Each returns a status. `user` is the number of a source or sink. */
IMPORT("read") extern tf_status js_read(int32_t user, double offset, void *dst, size_t nbytes);
IMPORT("resolve") extern tf_status js_resolve(int32_t user, const char *name, tf_source **out);
IMPORT("write") extern tf_status js_write(int32_t user, const void *src, size_t nbytes);
IMPORT("release") extern void js_release(int32_t user);

static void *pointer_of(int32_t user) {
  return (void *)(intptr_t)user;
}

static int32_t number_of(void *user) {
  return (int32_t)(intptr_t)user;
}

static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
  return js_read(number_of(user), (double)offset, dst, nbytes);
}

static tf_status resolve(void *user, const char *name, tf_source **out) {
  return js_resolve(number_of(user), name, out);
}

static tf_status write_bytes(void *user, const void *src, size_t nbytes) {
  return js_write(number_of(user), src, nbytes);
}

static void release(void *user) {
  js_release(number_of(user));
}

/* Creates a source that calls js_read, and js_release when it is freed or if this call fails. */
tf_status js_source_new(tf_source **out, double size, double gap, int32_t user) {
  const tf_status status = tf_source_new(out, (uint64_t)size, 0, read_at, NULL, release, pointer_of(user));
  if (status != TF_STATUS_OK) return status;
  return tf_source_set_hints(*out, (uint64_t)gap, 0, 1);
}

/* Lets js_resolve find the other files of the set that a source belongs to. Calls js_release as a source does. */
tf_status js_source_set_resolver(tf_source *source, int32_t user) {
  return tf_source_set_resolver(source, resolve, release, pointer_of(user));
}

/* Creates a sink that calls js_write, and js_release as a source does. */
tf_status js_sink_new(tf_sink **out, int32_t user) {
  return tf_sink_new(out, write_bytes, release, pointer_of(user));
}
