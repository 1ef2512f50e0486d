/* Measures the cost of embedding: the time of dlopen, and the allocations and peak memory of a load.

   usage: embed_bench LIBRARY FOLDER    prints lines of words for embed.py */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorfile.h>
#include <time.h>

#define FUNCTIONS(X)          \
  X(tf_array_new)             \
  X(tf_array_release)         \
  X(tf_dict_new)              \
  X(tf_dict_release)          \
  X(tf_dict_set_array)        \
  X(tf_error_message)         \
  X(tf_load)                  \
  X(tf_options_new)           \
  X(tf_options_release)       \
  X(tf_options_set)           \
  X(tf_options_set_allocator) \
  X(tf_save_weights)

#define DECLARE(name) static __typeof__(&name) p_##name;
FUNCTIONS(DECLARE)

static void fail(const char *what) {
  fprintf(stderr, "embed_bench: %s\n", what);
  exit(EXIT_FAILURE);
}

static void check(tf_status status) {
  if (status != TF_STATUS_OK) fail(p_tf_error_message());
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a;
  const double y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void time_dlopen(const char *path) {
  double times[101];
  size_t i;
  for (i = 0; i < 101; ++i) {
    const double start = now();
    void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    times[i] = now() - start;
    if (library == NULL) fail(dlerror());
    dlclose(library);
  }
  qsort(times, 101, sizeof(times[0]), by_value);
  printf("dlopen %.0f\n", times[50] * 1e6);
}

/* Not atomic, since TF_OPTION_THREADS is 1. */
struct counts {
  size_t allocations, current, peak;
};

static void *allocate(void *user, size_t size, size_t alignment) {
  struct counts *const counts = user;
  void *memory = NULL;
  if (posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0) return NULL;
  ++counts->allocations;
  counts->current += size;
  if (counts->current > counts->peak) counts->peak = counts->current;
  return memory;
}

static void deallocate(void *user, void *memory, size_t size, size_t alignment) {
  struct counts *const counts = user;
  (void)alignment;
  counts->current -= size;
  free(memory);
}

/* Saves and loads count arrays with the given number of floats. */
static void count_allocations(const char *folder, const char *extension, int count, int64_t floats) {
  struct counts counts = {0, 0, 0};
  char path[4096];
  tf_dict *arrays = NULL;
  tf_options *options = NULL;
  int i;
  snprintf(path, sizeof(path), "%s/bench.%s", folder, extension);
  check(p_tf_dict_new(&arrays));
  for (i = 0; i < count; ++i) {
    char name[64];
    tf_array *array = NULL;
    snprintf(name, sizeof(name), "layers.%d.weight", i);
    check(p_tf_array_new(&array, TF_DTYPE_FLOAT32, &floats, 1));
    check(p_tf_dict_set_array(arrays, name, SIZE_MAX, array));
    p_tf_array_release(array);
  }
  check(p_tf_save_weights(path, arrays, NULL));
  p_tf_dict_release(arrays);
  check(p_tf_options_new(&options));
  check(p_tf_options_set(options, TF_OPTION_THREADS, 1));
  check(p_tf_options_set_allocator(options, allocate, deallocate, NULL, &counts));
  check(p_tf_load(NULL, &arrays, NULL, path, options));
  printf("load %s %d %zu %zu %zu\n", extension, count, counts.allocations, (size_t)count * (size_t)floats * 4,
         counts.peak);
  p_tf_dict_release(arrays);
  p_tf_options_release(options);
  if (counts.current != 0) fail("a load leaked");
  remove(path);
}

int main(int argc, char **argv) {
  static const char *const extensions[] = {"npz", "safetensors", "gguf"};
  void *library;
  size_t i;
  if (argc != 3) fail("usage: embed_bench LIBRARY FOLDER");
  time_dlopen(argv[1]);
  library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail(dlerror());
#define FIND(name)                             \
  {                                            \
    void *const found = dlsym(library, #name); \
    if (found == NULL) fail(dlerror());        \
    memcpy(&p_##name, &found, sizeof(found));  \
  }
  FUNCTIONS(FIND)
  for (i = 0; i < sizeof(extensions) / sizeof(extensions[0]); ++i) {
    count_allocations(argv[2], extensions[i], 1, 16 << 20);
    count_allocations(argv[2], extensions[i], 100, 1000);
    count_allocations(argv[2], extensions[i], 10000, 1000);
  }
  dlclose(library);
  return EXIT_SUCCESS;
}
