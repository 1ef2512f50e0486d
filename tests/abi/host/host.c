/* Opens the library by path: a thousand times, as two copies at the same time, and in another locale.

   usage: host LIBRARY COPY FILE     FILE is a .npz that a call may overwrite */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <dlfcn.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorfile.h"

#define TIMES 1000
#define WARM_UP 20
#define ELEMENTS (1 << 19) /* large enough for a call to create threads */

#define FUNCTIONS(X)    \
  X(tf_array_cast)      \
  X(tf_array_new)       \
  X(tf_array_nbytes)    \
  X(tf_array_release)   \
  X(tf_dict_get_array)  \
  X(tf_dict_new)        \
  X(tf_dict_release)    \
  X(tf_dict_set_double) \
  X(tf_dict_size)       \
  X(tf_error_message)   \
  X(tf_load)            \
  X(tf_load_memory)     \
  X(tf_savez)

struct Library {
  void *handle;
#define DECLARE(name) __typeof__(&name) name;
  FUNCTIONS(DECLARE)
};

static void require(int condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "host: %s\n", what);
  exit(EXIT_FAILURE);
}

/* POSIX allows a function pointer in an object pointer; ISO C has no cast for that. */
static void find(void *handle, const char *name, void *function) {
  void *const found = dlsym(handle, name);
  require(found != NULL, name);
  memcpy(function, &found, sizeof(found));
}

static struct Library open_library(const char *path) {
  struct Library library;
  library.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library.handle == NULL) fprintf(stderr, "host: %s\n", dlerror());
  require(library.handle != NULL, "dlopen");
#define FIND(name) find(library.handle, #name, &library.name);
  FUNCTIONS(FIND)
  return library;
}

static void use(const struct Library *library, const char *path) {
  const int64_t shape[1] = {ELEMENTS};
  tf_array *array = NULL;
  tf_array *half = NULL;
  tf_dict *dict = NULL;
  tf_dict *loaded = NULL;
  require(library->tf_array_new(&array, TF_DTYPE_FLOAT32, shape, 1) == TF_STATUS_OK, "array");
  require(library->tf_array_cast(&half, array, TF_DTYPE_FLOAT16, NULL) == TF_STATUS_OK, "cast");
  require(library->tf_dict_new(&dict) == TF_STATUS_OK, "dict");
  require(library->tf_dict_set_double(dict, "x", SIZE_MAX, 0.5) == TF_STATUS_OK, "set");
  require(library->tf_savez(path, NULL, 0, dict, NULL) == TF_STATUS_OK, library->tf_error_message());
  require(library->tf_load(NULL, &loaded, NULL, path, NULL) == TF_STATUS_OK, library->tf_error_message());
  require(library->tf_dict_size(loaded) == 1, "size");
  require(library->tf_load(NULL, NULL, NULL, "/missing", NULL) == TF_STATUS_NOT_FOUND, "missing");
  require(strcmp(library->tf_error_message(), "/missing: no such file") == 0, "message");
  library->tf_array_release(array);
  library->tf_array_release(half);
  library->tf_dict_release(dict);
  library->tf_dict_release(loaded);
}

static size_t count_lines(const char *path) {
  char line[4096];
  size_t count = 0;
  FILE *const file = fopen(path, "r");
  require(file != NULL, path);
  while (fgets(line, sizeof(line), file) != NULL)
    ++count;
  fclose(file);
  return count;
}

static size_t count_entries(const char *path) {
  size_t count = 0;
  DIR *const folder = opendir(path);
  require(folder != NULL, path);
  while (readdir(folder) != NULL)
    ++count;
  closedir(folder);
  return count;
}

/* Checks that mappings, threads and open files do not increase after the first few rounds. */
static void open_and_close(const char *path, const char *file) {
  size_t mappings = 0;
  size_t threads = 0;
  size_t files = 0;
  int i;
  for (i = 0; i < TIMES; ++i) {
    struct Library library = open_library(path);
    if (i < WARM_UP || i % 50 == 0) use(&library, file);
    require(dlclose(library.handle) == 0, "dlclose");
    if (i != WARM_UP) continue;
    mappings = count_lines("/proc/self/maps");
    threads = count_entries("/proc/self/task");
    files = count_entries("/proc/self/fd");
  }
  /* The C library caches the stacks of threads that have ended, so their number may vary. */
  require(count_lines("/proc/self/maps") <= mappings + 2, "the number of mappings increases");
  require(count_entries("/proc/self/task") == threads, "threads grow");
  require(count_entries("/proc/self/fd") == files, "the number of open files increases");
}

/* Checks that each copy has its own error record, and reads files that the other one wrote. */
static void two_copies(const char *path, const char *copy, const char *file) {
  struct Library one = open_library(path);
  struct Library two = open_library(copy);
  tf_dict *loaded = NULL;
  require((void *)one.handle != (void *)two.handle, "the copy is the same library");
  require(*two.tf_error_message() == '\0', "a copy has an error record before its first failure");
  use(&one, file);
  require(*two.tf_error_message() == '\0', "a failure of one copy changes the error record of the other one");
  require(two.tf_load(NULL, &loaded, NULL, file, NULL) == TF_STATUS_OK, two.tf_error_message());
  require(two.tf_dict_size(loaded) == 1, "size");
  two.tf_dict_release(loaded);
  require(dlclose(one.handle) == 0, "dlclose");
  use(&two, file);
  require(dlclose(two.handle) == 0, "dlclose");
}

/* Checks that numbers in headers do not depend on the locale. */
static void german(const char *path, const char *file) {
  static const char bytes[] = "[";
  struct Library library = open_library(path);
  char text[32];
  require(setlocale(LC_ALL, "de_DE.UTF-8") != NULL, "the locale de_DE.UTF-8 is missing");
  snprintf(text, sizeof(text), "%.1f", 0.5);
  require(strcmp(text, "0,5") == 0, "the locale has no effect");
  use(&library, file);
  require(library.tf_load_memory(NULL, NULL, NULL, bytes, 1, TF_FORMAT_SAFETENSORS, NULL) == TF_STATUS_TRUNCATED,
          "status");
  require(strcmp(library.tf_error_message(), "the file has 1 bytes, a safetensors file at least 8 (byte 1)") == 0,
          library.tf_error_message());
  snprintf(text, sizeof(text), "%.1f", 0.5);
  require(strcmp(text, "0,5") == 0, "the library changed the locale");
  require(dlclose(library.handle) == 0, "dlclose");
}

int main(int argc, char **argv) {
  require(argc == 4, "usage: host LIBRARY COPY FILE");
  open_and_close(argv[1], argv[3]);
  two_copies(argv[1], argv[2], argv[3]);
  german(argv[1], argv[3]);
  return 0;
}
