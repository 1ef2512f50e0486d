/* Saves and loads files of every format: as a whole, by array, in memory and with callbacks. */
#include <stdlib.h>

#include "check.h"

#define BYTES 24

/* {"a": float32 [2, 3], "b": int64 scalar 7} */
static tf_dict *make_arrays(void) {
  const float values[6] = {0, 1, 2, 3, 4, 5};
  const int64_t shape[2] = {2, 3};
  const int64_t vector[1] = {1};
  const int64_t seven[1] = {7};
  tf_array *a = NULL;
  tf_array *b = NULL;
  tf_dict *arrays = NULL;
  CHECK_OK(tf_dict_new(&arrays));
  CHECK_OK(tf_array_copy_from(&a, TF_DTYPE_FLOAT32, shape, 2, values, sizeof(values)));
  CHECK_OK(tf_array_copy_from(&b, TF_DTYPE_INT64, vector, 1, seven, sizeof(seven)));
  CHECK_OK(tf_dict_set_array(arrays, "a", 1, a));
  CHECK_OK(tf_dict_set_array(arrays, "b", 1, b));
  tf_array_release(a);
  tf_array_release(b);
  return arrays;
}

static void check_same(const tf_dict *expected, const tf_dict *found) {
  size_t i;
  CHECK(tf_dict_size(found) == tf_dict_size(expected));
  for (i = 0; i < tf_dict_size(expected); ++i) {
    const char *key = NULL;
    size_t length = 0;
    int32_t equal = 0;
    tf_array *left = NULL;
    tf_array *right = NULL;
    CHECK_OK(tf_dict_key_at(&key, &length, expected, i));
    CHECK_OK(tf_dict_get_array(&left, expected, key, length));
    CHECK_OK(tf_dict_get_array(&right, found, key, length));
    CHECK_OK(tf_array_equal(&equal, left, right));
    CHECK(equal == 1);
    tf_array_release(left);
    tf_array_release(right);
  }
}

static void check_load(const char *path, const tf_dict *expected, const char *author) {
  tf_array *array = (tf_array *)1;
  tf_dict *arrays = NULL;
  tf_dict *metadata = NULL;
  const char *text = NULL;
  size_t length = 0;
  CHECK_OK(tf_load(&array, &arrays, &metadata, path, NULL));
  CHECK(array == NULL);
  check_same(expected, arrays);
  if (author == NULL) {
    CHECK(tf_dict_size(metadata) == 0);
  } else {
    CHECK_OK(tf_dict_get_string(&text, &length, metadata, "author", SIZE_MAX));
    CHECK_TEXT(author, text);
  }
  tf_dict_release(arrays);
  tf_dict_release(metadata);
}

static void test_formats(const tf_dict *arrays) {
  tf_dict *metadata = NULL;
  CHECK_OK(tf_dict_new(&metadata));
  CHECK_OK(tf_dict_set_string(metadata, "author", SIZE_MAX, "tester", SIZE_MAX));
  CHECK_OK(tf_savez("files", NULL, 0, arrays, NULL));
  check_load("files.npz", arrays, NULL);
  CHECK_OK(tf_savez_compressed("deflated", NULL, 0, arrays, NULL));
  check_load("deflated.npz", arrays, NULL);
  CHECK_OK(tf_save_safetensors("files", arrays, metadata, NULL));
  check_load("files.safetensors", arrays, "tester");
  CHECK_OK(tf_save_gguf("files", arrays, metadata, NULL));
  check_load("files.gguf", arrays, "tester");
  tf_dict_release(metadata);
}

static tf_status count_entry(void *user, size_t entry) {
  *(size_t *)user += entry + 1;
  return TF_STATUS_OK;
}

/* Reads both arrays of files.safetensors, and a column of one, at once as float64. */
static void check_read_plan(const tf_file *file, size_t a) {
  const int64_t start[2] = {0, 2};
  const int64_t strides[2] = {16, 8};
  double first[6] = {0};
  double second[1] = {0};
  double column[4] = {0};
  size_t seen = 0;
  tf_read_plan *plan = NULL;
  CHECK_OK(tf_read_plan_new(&plan, file));
  CHECK_OK(tf_read_plan_add(plan, a, NULL, NULL, NULL, 0, TF_DTYPE_FLOAT64, first, NULL, sizeof(first)));
  CHECK_OK(tf_read_plan_add(plan, 1 - a, NULL, NULL, NULL, 0, TF_DTYPE_FLOAT64, second, NULL, sizeof(second)));
  CHECK_OK(tf_read_plan_add(plan, a, start, NULL, NULL, 2, TF_DTYPE_FLOAT64, column, strides, sizeof(column)));
  CHECK(tf_read_plan_add(plan, a, NULL, NULL, NULL, 0, TF_DTYPE_AS_STORED, first, NULL, sizeof(first)) ==
        TF_STATUS_INVALID_ARGUMENT);
  CHECK_OK(tf_read_plan_set_complete(plan, count_entry, NULL, &seen));
  tf_read_plan_release(tf_read_plan_retain(plan));
  CHECK_OK(tf_read_plan_run(plan));
  CHECK(seen == 6);
  CHECK(first[0] == 0.0 && first[5] == 5.0 && second[0] == 7.0);
  CHECK(column[0] == 2.0 && column[1] == 0.0 && column[2] == 5.0);
  CHECK(tf_read_plan_run(plan) == TF_STATUS_INVALID_ARGUMENT);
  tf_read_plan_release(plan);
}

/* Lists both arrays of files.safetensors at once. */
static void check_listing(const tf_file *file, size_t a) {
  tf_buffer *listing = NULL;
  const char *base = NULL;
  const int64_t *head = NULL;
  const int64_t *starts = NULL;
  const int64_t *sizes = NULL;
  const int64_t *names = NULL;
  CHECK_OK(tf_file_listing(&listing, file));
  base = (const char *)tf_buffer_data(listing);
  head = (const int64_t *)tf_buffer_data(listing);
  starts = (const int64_t *)(const void *)(base + head[TF_LISTING_SHAPE_STARTS]);
  sizes = (const int64_t *)(const void *)(base + head[TF_LISTING_SHAPES]);
  names = (const int64_t *)(const void *)(base + head[TF_LISTING_NAME_STARTS]);
  CHECK(head[TF_LISTING_COUNT] == 2 && starts[a + 1] - starts[a] == 2);
  CHECK(sizes[starts[a]] == 2 && sizes[starts[a] + 1] == 3);
  CHECK(names[a + 1] - names[a] == 1 && base[head[TF_LISTING_NAMES] + names[a]] == 'a');
  CHECK(((const tf_dtype *)(const void *)(base + head[TF_LISTING_DTYPES]))[a] == TF_DTYPE_FLOAT32);
  CHECK(((const uint64_t *)(const void *)(base + head[TF_LISTING_NBYTES]))[a] == BYTES);
  CHECK(tf_dict_contains(tf_file_metadata(file), "author", 6) == 1);
  tf_buffer_release(listing);
}

static void test_file(void) {
  const int64_t start[2] = {1, TENSORFILE_SLICE_OMITTED};
  tf_file *file = NULL;
  tf_array *row = NULL;
  double values[6] = {0};
  const char *path = NULL;
  uint64_t offset = 0;
  uint64_t stored = 0;
  int32_t deflated = 1;
  size_t index = 99;

  CHECK_OK(tf_file_open(&file, "files.safetensors", NULL));
  CHECK(tf_file_format(file) == TF_FORMAT_SAFETENSORS && tf_file_count(file) == 2);
  CHECK_OK(tf_file_find(&index, file, "a", 1));
  CHECK(tf_file_dtype(file, index) == TF_DTYPE_FLOAT32 && tf_file_ndim(file, index) == 2);
  CHECK(tf_file_shape(file, index)[1] == 3 && tf_file_nbytes(file, index) == BYTES);
  CHECK_OK(tf_file_location(&path, &offset, &stored, &deflated, file, index));
  CHECK_TEXT("files.safetensors", path);
  CHECK(offset > 0 && stored == BYTES && deflated == 0);
  CHECK(tf_file_is_big_endian(file, index) == 0 && tf_file_is_fortran_order(file, index) == 0);
  CHECK_OK(tf_file_read_into(file, index, TF_DTYPE_FLOAT64, values, sizeof(values)));
  check_listing(file, index);
  check_read_plan(file, index);
  CHECK(values[0] == 0.0 && values[5] == 5.0);
  CHECK_OK(tf_file_read_slice(&row, file, index, start, NULL, NULL, 2));
  CHECK(tf_array_shape(row)[0] == 1 && ((const float *)tf_array_data(row))[0] == 3.0f);
  CHECK(tf_file_dtype(file, 2) == TF_DTYPE_UNSUPPORTED);
  tf_array_release(row);
  tf_file_release(file);
}

static void test_memory(const tf_dict *arrays) {
  const tf_format formats[3] = {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};
  size_t i;
  for (i = 0; i < 3; ++i) {
    tf_buffer *buffer = NULL;
    tf_dict *loaded = NULL;
    CHECK_OK(tf_save_memory(&buffer, formats[i], NULL, arrays, NULL, NULL));
    CHECK_OK(tf_load_memory(NULL, &loaded, NULL, tf_buffer_data(buffer), tf_buffer_size(buffer), TF_FORMAT_AUTO, NULL));
    check_same(arrays, loaded);
    tf_dict_release(loaded);
    loaded = NULL;
    CHECK(tf_load_memory(NULL, &loaded, NULL, tf_buffer_data(buffer), tf_buffer_size(buffer) / 2, formats[i], NULL) !=
          TF_STATUS_OK);
    CHECK(loaded == NULL);
    tf_buffer_release(buffer);
  }
}

/* Memory that callbacks read and write. */
struct store {
  unsigned char bytes[4096];
  size_t size;
  int reads;
  int released;
  tf_status refusal;
};

static tf_status store_write(void *user, const void *src, size_t nbytes) {
  struct store *store = user;
  if (store->refusal != TF_STATUS_OK) return store->refusal;
  if (nbytes > sizeof(store->bytes) - store->size) return TF_STATUS_IO;
  memcpy(store->bytes + store->size, src, nbytes);
  store->size += nbytes;
  return TF_STATUS_OK;
}

static tf_status store_read(void *user, uint64_t offset, void *dst, size_t nbytes) {
  struct store *store = user;
  ++store->reads;
  if (store->refusal != TF_STATUS_OK) return store->refusal;
  if (offset > store->size || nbytes > store->size - offset) return TF_STATUS_IO;
  memcpy(dst, store->bytes + offset, nbytes);
  return TF_STATUS_OK;
}

static void store_release(void *user) {
  ++((struct store *)user)->released;
}

static void test_callbacks(const tf_dict *arrays) {
  static struct store store;
  tf_sink *sink = NULL;
  tf_source *source = NULL;
  tf_dict *loaded = NULL;

  CHECK_OK(tf_sink_new(&sink, store_write, store_release, &store));
  CHECK_OK(tf_save_sink(sink, TF_FORMAT_SAFETENSORS, NULL, arrays, NULL, NULL));
  store.refusal = 1234;
  CHECK_STATUS(1234, tf_save_sink(sink, TF_FORMAT_SAFETENSORS, NULL, arrays, NULL, NULL));
  store.refusal = TF_STATUS_OK;
  tf_sink_release(sink);
  CHECK(store.released == 1);

  CHECK_OK(tf_source_new(&source, store.size, 0, store_read, NULL, store_release, &store));
  CHECK_OK(tf_load_source(NULL, &loaded, NULL, source, TF_FORMAT_AUTO, NULL));
  check_same(arrays, loaded);
  tf_dict_release(loaded);
  CHECK(store.reads > 0);
  tf_dict *report = NULL;
  CHECK_OK(tf_check_source(&report, source, TF_FORMAT_AUTO, NULL));
  CHECK(tf_dict_contains(report, "faults", SIZE_MAX) == 1);
  tf_dict_release(report);
  store.refusal = TF_STATUS_CANCELLED;
  CHECK_STATUS(TF_STATUS_CANCELLED, tf_load_source(NULL, &loaded, NULL, source, TF_FORMAT_SAFETENSORS, NULL));
  CHECK_STATUS(TF_STATUS_CANCELLED, tf_check_source(&report, source, TF_FORMAT_SAFETENSORS, NULL));
  tf_source_release(source);
  CHECK(store.released == 2);
}

static tf_status count_commit(void *user) {
  ++((struct store *)user)->reads;
  return TF_STATUS_OK;
}

static void count_abort(void *user) {
  ((struct store *)user)->released += 100;
}

static tf_status no_source(void *user, const char *name, tf_source **out) {
  (void)user;
  (void)name;
  *out = NULL;
  return TF_STATUS_NOT_FOUND;
}

static tf_status no_sink(void *user, const char *name, tf_sink **out) {
  (void)user;
  (void)name;
  *out = NULL;
  return TF_STATUS_IO;
}

/* A sink that is committed or aborted, and a source with a name, hints and a resolver. */
static void test_settings(const tf_dict *arrays) {
  static struct store store;
  tf_sink *sink = NULL;
  tf_source *source = NULL;
  tf_dict *loaded = NULL;

  CHECK_OK(tf_sink_new(&sink, store_write, store_release, &store));
  CHECK_OK(tf_sink_set_commit(sink, count_commit, count_abort));
  CHECK_OK(tf_sink_set_resolver(sink, "w.safetensors", SIZE_MAX, no_sink, NULL, NULL));
  CHECK_OK(tf_save_sink(sink, TF_FORMAT_SAFETENSORS, NULL, arrays, NULL, NULL));
  CHECK(store.reads == 1);
  tf_sink_release(sink);
  CHECK(store.released == 1);
  CHECK_OK(tf_sink_new(&sink, store_write, store_release, &store));
  CHECK_OK(tf_sink_set_commit(sink, count_commit, count_abort));
  tf_sink_release(sink);
  CHECK(store.released == 102);

  CHECK_OK(tf_source_new(&source, store.size, 0, store_read, NULL, NULL, &store));
  CHECK_OK(tf_source_set_hints(source, 1 << 20, 8 << 20, 16));
  CHECK_OK(tf_source_set_resolver(source, no_source, store_release, &store));
  CHECK_OK(tf_source_set_name(source, "w-00001-of-00002.safetensors", SIZE_MAX));
  CHECK_OK(tf_load_weights_source(&loaded, source, TF_FORMAT_AUTO, arrays, NULL));
  check_same(arrays, loaded);
  tf_dict_release(loaded);
  tf_source_release(source);
  CHECK(store.released == 103);
}

struct counts {
  int blocks;
  int calls;
  int released;
};

static void *count_alloc(void *user, size_t size, size_t alignment) {
  struct counts *counts = user;
  void *block = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (block != NULL) ++counts->blocks;
  ++counts->calls;
  return block;
}

static void count_free(void *user, void *ptr, size_t size, size_t alignment) {
  (void)size;
  (void)alignment;
  --((struct counts *)user)->blocks;
  free(ptr);
}

static void count_release(void *user) {
  ++((struct counts *)user)->released;
}

static void test_allocator(const tf_dict *arrays) {
  struct counts counts = {0, 0, 0};
  tf_options *options = NULL;
  tf_dict *loaded = NULL;

  CHECK_OK(tf_options_new(&options));
  CHECK_OK(tf_options_set(options, TF_OPTION_THREADS, 1));
  CHECK_OK(tf_options_set_allocator(options, count_alloc, count_free, count_release, &counts));
  CHECK_OK(tf_load(NULL, &loaded, NULL, "files.gguf", options));
  tf_options_release(options);
  check_same(arrays, loaded);
  CHECK(counts.calls > 0 && counts.blocks > 0 && counts.released == 0);
  tf_dict_release(loaded);
  CHECK(counts.blocks == 0 && counts.released == 1);
}

static void test_weights(const tf_dict *arrays) {
  tf_dict *tree = NULL;
  tf_dict *model = NULL;
  tf_dict *loaded = NULL;
  tf_dict *layer = NULL;

  CHECK_OK(tf_dict_new(&tree));
  CHECK_OK(tf_dict_unflatten(&layer, arrays));
  CHECK_OK(tf_dict_set_dict(tree, "layer", SIZE_MAX, layer));
  tf_dict_release(layer);
  CHECK_OK(tf_save_weights("weights.safetensors", tree, NULL));
  CHECK_OK(tf_load_weights(&loaded, "weights.safetensors", tree, NULL));
  CHECK_OK(tf_dict_get_dict(&layer, loaded, "layer", SIZE_MAX));
  check_same(arrays, layer);
  tf_dict_release(layer);
  tf_dict_release(loaded);

  CHECK_OK(tf_dict_new(&model));
  CHECK_STATUS(TF_STATUS_MISMATCH, tf_load_weights(&loaded, "weights.safetensors", model, NULL));
  CHECK_CONTAINS("layer.a", tf_error_message());
  CHECK(loaded == NULL);
  tf_dict_release(model);
  tf_dict_release(tree);
}

static void test_save_file(const tf_dict *arrays) {
  tf_dict *metadata = NULL;
  tf_dict *report = NULL;
  const char *text = NULL;
  size_t count = 0;
  CHECK_OK(tf_dict_new(&metadata));
  CHECK_OK(tf_dict_set_string(metadata, "author", SIZE_MAX, "tester", SIZE_MAX));
  CHECK_OK(tf_save_file("saved.safetensors", arrays, metadata, NULL));
  check_load("saved.safetensors", arrays, "tester");
  CHECK_OK(tf_save_file("saved.npz", arrays, metadata, NULL));
  check_load("saved.npz", arrays, "tester");

  CHECK_STATUS(TF_STATUS_UNSUPPORTED, tf_save_file("saved.npy", arrays, metadata, NULL));
  CHECK(tf_error_status() == TF_STATUS_UNSUPPORTED && tf_error_system() == 0);
  CHECK_OK(tf_save_check(&report, TF_FORMAT_NPY, arrays, metadata, NULL));
  CHECK_OK(tf_dict_string_list_size(&count, report, "problem", SIZE_MAX));
  CHECK(count == 2);
  CHECK_OK(tf_dict_string_list_at(&text, NULL, report, "problem", SIZE_MAX, 0));
  CHECK_TEXT("count", text);
  CHECK_OK(tf_dict_string_list_at(&text, NULL, report, "name", SIZE_MAX, 1));
  CHECK_TEXT("author", text);
  tf_dict_release(report);
  tf_dict_release(metadata);
}

static void test_bad_file(void) {
  tf_dict *arrays = NULL;
  CHECK_STATUS(TF_STATUS_CORRUPT,
               tf_load(NULL, &arrays, NULL, TENSORFILE_GOLDEN_DIR "/safetensors/reject_overlap.safetensors", NULL));
  CHECK(arrays == NULL);
  CHECK_CONTAINS("reject_overlap.safetensors", tf_error_message());
  CHECK(tf_error_message()[0] != '\0' && strchr(tf_error_message(), '\n') == NULL);
}

int main(void) {
  tf_dict *arrays = make_arrays();
  test_formats(arrays);
  test_file();
  test_memory(arrays);
  test_callbacks(arrays);
  test_settings(arrays);
  test_allocator(arrays);
  test_weights(arrays);
  test_save_file(arrays);
  test_bad_file();
  tf_dict_release(arrays);
  return check_result();
}
