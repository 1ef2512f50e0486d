/* Opens the library by its soname, saves and loads every format, checks an error, and closes it without a trace. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorfile.h>

#define FUNCTIONS(X)    \
  X(tf_array_copy_from) \
  X(tf_array_equal)     \
  X(tf_array_release)   \
  X(tf_dict_get_array)  \
  X(tf_dict_new)        \
  X(tf_dict_release)    \
  X(tf_dict_set_array)  \
  X(tf_error_message)   \
  X(tf_load)            \
  X(tf_save)            \
  X(tf_save_weights)

#define DECLARE(name) static __typeof__(&name) p_##name;
FUNCTIONS(DECLARE)

static void fail(const char *what) {
  fprintf(stderr, "dlopen: %s\n", what);
  exit(EXIT_FAILURE);
}

/* POSIX allows a function pointer in an object pointer; ISO C has no cast for that. */
static void find(void *library, const char *name, void *function) {
  void *const found = dlsym(library, name);
  if (found == NULL) fail(dlerror());
  memcpy(function, &found, sizeof(found));
}

static void check(tf_status status) {
  if (status != TF_STATUS_OK) fail(p_tf_error_message());
}

static int is_mapped(void) {
  char line[4096];
  int found = 0;
  FILE *const maps = fopen("/proc/self/maps", "r");
  if (maps == NULL) fail("no /proc/self/maps");
  while (fgets(line, sizeof(line), maps) != NULL)
    found = found || strstr(line, "libtensorfile") != NULL;
  fclose(maps);
  return found;
}

static void save_and_load(void) {
  static float values[1 << 21]; /* large enough for a call to create threads */
  static const char *const paths[] = {"dlopen.npz", "dlopen.safetensors", "dlopen.gguf"};
  const int64_t shape[1] = {1 << 21};
  tf_array *array = NULL;
  tf_array *loaded = NULL;
  tf_dict *arrays = NULL;
  int32_t equal = 0;
  size_t i;
  for (i = 0; i < 1 << 21; ++i)
    values[i] = (float)i;
  check(p_tf_array_copy_from(&array, TF_DTYPE_FLOAT32, shape, 1, values, sizeof(values)));
  check(p_tf_save("dlopen.npy", array, NULL));
  check(p_tf_load(&loaded, NULL, NULL, "dlopen.npy", NULL));
  check(p_tf_array_equal(&equal, array, loaded));
  if (!equal) fail("dlopen.npy came back changed");
  p_tf_array_release(loaded);
  for (i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i) {
    check(p_tf_dict_new(&arrays));
    check(p_tf_dict_set_array(arrays, "w", SIZE_MAX, array));
    check(p_tf_save_weights(paths[i], arrays, NULL));
    p_tf_dict_release(arrays);
    check(p_tf_load(NULL, &arrays, NULL, paths[i], NULL));
    check(p_tf_dict_get_array(&loaded, arrays, "w", SIZE_MAX));
    check(p_tf_array_equal(&equal, array, loaded));
    if (!equal) fail("an array came back changed");
    p_tf_array_release(loaded);
    p_tf_dict_release(arrays);
  }
  p_tf_array_release(array);
  if (p_tf_load(NULL, &arrays, NULL, "nowhere.npz", NULL) != TF_STATUS_NOT_FOUND) fail("nowhere.npz was found");
  if (strcmp(p_tf_error_message(), "nowhere.npz: no such file") != 0) fail(p_tf_error_message());
}

/* Makes an error record that outlives dlclose() and is freed when the thread ends. */
static pthread_barrier_t barrier;
static void *work(void *unused) {
  tf_array *array = NULL;
  (void)p_tf_load(&array, NULL, NULL, "nowhere.npy", NULL);
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  return unused;
}

int main(void) {
  int round;
  if (is_mapped()) fail("the library is linked, not opened");
  for (round = 0; round < 3; ++round) {
    pthread_t thread;
    void *const library = dlopen("libtensorfile.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fail(dlerror());
#define FIND(name) find(library, #name, &p_##name);
    FUNCTIONS(FIND)
    save_and_load();
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, work, NULL) != 0) fail("no thread");
    pthread_barrier_wait(&barrier);
    if (dlclose(library) != 0) fail(dlerror());
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&barrier);
    if (is_mapped()) fail("the library stayed");
  }
  return EXIT_SUCCESS;
}
