/* Arrays, dicts and options. */
#include "check.h"

static int releases = 0;

static void count_release(void *user) {
  ++*(int *)user;
}

static void test_library(void) {
  CHECK(tf_version_number() ==
        TENSORFILE_VERSION_MAJOR * 10000u + TENSORFILE_VERSION_MINOR * 100u + TENSORFILE_VERSION_PATCH);
  CHECK_TEXT(TENSORFILE_VERSION_STRING, tf_version_string());
  CHECK_TEXT("corrupt", tf_status_name(TF_STATUS_CORRUPT));
  CHECK_TEXT("unknown", tf_status_name(-1));
  CHECK_TEXT("bfloat16", tf_dtype_name(TF_DTYPE_BFLOAT16));
  CHECK(tf_dtype_from_name("Q4_K") == TF_DTYPE_Q4_K);
  CHECK(tf_dtype_from_name("float128") == TF_DTYPE_UNSUPPORTED);
  CHECK(tf_dtype_bits(TF_DTYPE_FLOAT4_E2M1FN) == 4);
  CHECK(tf_dtype_block_size(TF_DTYPE_Q4_0) == 32 && tf_dtype_block_bytes(TF_DTYPE_Q4_0) == 18);
  CHECK(tf_dtype_kind(TF_DTYPE_Q4_0) == TF_DTYPE_KIND_BLOCK && tf_dtype_kind(-1) == TF_DTYPE_KIND_NONE);
  CHECK(tf_dtype_can_encode(TF_DTYPE_Q4_0) == 1 && tf_dtype_can_encode(TF_DTYPE_IQ1_S) == 0);
  CHECK(tf_format_at(0) == TF_FORMAT_NPY && tf_format_at(99) == TF_FORMAT_AUTO);
  CHECK_TEXT(".gguf", tf_format_extension(TF_FORMAT_GGUF));
  CHECK(tf_format_ability(TF_FORMAT_GGUF, TF_ABILITY_METADATA) == TF_METADATA_TYPED);
  CHECK(tf_format_from_path("A.NPZ") == TF_FORMAT_NPZ);
  CHECK(tf_format_from_path("a.txt") == TF_FORMAT_AUTO);
  CHECK(tf_format_probe("GGUF\3\0\0\0\0\0\0\0\0\0\0\0", 16) == TF_FORMAT_GGUF);
}

static void test_views(void) {
  int32_t values[6] = {0, 1, 2, 3, 4, 5};
  const int64_t shape[2] = {2, 3};
  const int64_t start[2] = {TENSORFILE_SLICE_OMITTED, 2};
  const int64_t stop[2] = {TENSORFILE_SLICE_OMITTED, TENSORFILE_SLICE_OMITTED};
  const int64_t step[2] = {-1, -2};
  const int64_t index[2] = {0, -1};
  const int64_t outside[2] = {2, 0};
  tf_array *array = NULL;
  tf_array *turned = NULL;
  tf_array *part = NULL;
  tf_array *dense = NULL;
  void *data = NULL;
  int64_t item = -1;

  releases = 0;
  CHECK_OK(tf_array_wrap(&array, TF_DTYPE_INT32, shape, 2, NULL, values, sizeof(values), 1, count_release, &releases));
  CHECK_OK(tf_array_transpose(&turned, array, NULL, 0));
  CHECK(tf_array_shape(turned)[0] == 3 && tf_array_strides(turned)[0] == 4 && tf_array_strides(turned)[1] == 12);
  CHECK(tf_array_is_contiguous(array) == 1 && tf_array_is_contiguous(turned) == 0);
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_array_data_mut(&data, array));

  CHECK_OK(tf_array_slice(&part, array, start, stop, step, 2));
  CHECK(tf_array_size(part) == 4 && tf_array_data(part) == &values[5]);
  CHECK_OK(tf_array_item_int64(&item, part, index, 2));
  CHECK(item == 3);
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_array_item_int64(&item, part, outside, 2));

  CHECK_OK(tf_array_contiguous(&dense, turned));
  CHECK(((const int32_t *)tf_array_data(dense))[1] == 3);
  tf_array_release(turned);
  tf_array_release(part);
  CHECK_OK(tf_array_data_mut(&data, array));
  CHECK(data == values && releases == 0);
  tf_array_release(array);
  CHECK(releases == 1);
  tf_array_release(dense);
}

static void test_casts(void) {
  const double values[4] = {0.1, -2.5, 1e300, 65504.0};
  const int64_t shape[1] = {4};
  const int64_t last[1] = {3};
  const int64_t first[1] = {0};
  tf_array *array = NULL;
  tf_array *half = NULL;
  tf_array *complex_array = NULL;
  tf_array *refused = NULL;
  double item = 0;

  CHECK_OK(tf_array_copy_from(&array, TF_DTYPE_FLOAT64, shape, 1, values, sizeof(values)));
  CHECK_OK(tf_array_cast(&half, array, TF_DTYPE_FLOAT16, NULL));
  CHECK(tf_array_nbytes(half) == 8);
  CHECK_OK(tf_array_item_double(&item, half, last, 1));
  CHECK(item == 65504.0);
  CHECK_OK(tf_array_item_double(&item, half, first, 1));
  CHECK(item == 0.0999755859375);
  CHECK_OK(tf_array_new(&complex_array, TF_DTYPE_COMPLEX64, shape, 1));
  CHECK_STATUS(TF_STATUS_TYPE, tf_array_cast(&refused, complex_array, TF_DTYPE_FLOAT32, NULL));
  CHECK(refused == NULL);
  tf_array_release(array);
  tf_array_release(half);
  tf_array_release(complex_array);
}

static void test_refused_arrays(void) {
  const int64_t negative[1] = {-1};
  const int64_t huge[2] = {INT64_MAX, 2};
  int32_t value = 0;
  tf_array *array = NULL;

  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_array_new(&array, TF_DTYPE_INT8, negative, 1));
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_array_new(&array, TF_DTYPE_INT8, huge, 2));
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_array_new(NULL, TF_DTYPE_INT8, NULL, 0));
  releases = 0;
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_array_wrap(&array, TF_DTYPE_INT32, negative, 1, NULL, &value,
                                                         sizeof(value), 0, count_release, &releases));
  CHECK(array == NULL && releases == 1);
  CHECK(tf_array_ndim(NULL) == 0 && tf_array_shape(NULL) == NULL);
}

static void test_dicts(void) {
  tf_dict *tree = NULL;
  tf_dict *layer = NULL;
  tf_dict *flat = NULL;
  const char *text = NULL;
  size_t length = 0;
  size_t index = 99;
  int64_t number = 0;

  CHECK_OK(tf_dict_new(&tree));
  CHECK_OK(tf_dict_new(&layer));
  CHECK_OK(tf_dict_set_int64(layer, "units", SIZE_MAX, 42));
  CHECK_OK(tf_dict_set_string(tree, "name", 4, "a\0b", 3));
  CHECK_OK(tf_dict_set_dict(tree, "layer", SIZE_MAX, layer));
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_dict_set_dict(layer, "loop", SIZE_MAX, tree));
  CHECK_OK(tf_dict_set_string_list(tree, "words", SIZE_MAX));
  CHECK_OK(tf_dict_string_list_append(tree, "words", SIZE_MAX, "one", SIZE_MAX));

  CHECK(tf_dict_size(tree) == 3 && tf_dict_kind_at(tree, 1) == TF_KIND_DICT);
  CHECK_OK(tf_dict_get_string(&text, &length, tree, "name", SIZE_MAX));
  CHECK(length == 3 && memcmp(text, "a\0b", 4) == 0);
  CHECK_OK(tf_dict_string_list_at(&text, &length, tree, "words", SIZE_MAX, 0));
  CHECK_TEXT("one", text);
  CHECK_STATUS(TF_STATUS_TYPE, tf_dict_get_int64(&number, tree, "name", SIZE_MAX));
  CHECK_STATUS(TF_STATUS_NOT_FOUND, tf_dict_find(&index, tree, "unknown", SIZE_MAX));
  CHECK_TEXT("unknown", tf_error_name());

  CHECK_OK(tf_dict_flatten(&flat, tree));
  CHECK_OK(tf_dict_get_int64(&number, flat, "layer.units", SIZE_MAX));
  CHECK(number == 42);
  tf_dict_release(flat);
  tf_dict_release(layer);
  tf_dict_release(tree);
}

/* Keeps a scalar's dtype, reads values by index, and asks for keys without a failure. */
static void test_dict_values(void) {
  const uint32_t count = 7;
  int32_t equal = 0;
  uint32_t found = 0;
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;
  tf_dict *dict = NULL;
  tf_dict *inner = NULL;
  tf_dict *copy = NULL;
  tf_array *array = NULL;
  const char *text = NULL;
  size_t length = 0;

  CHECK_OK(tf_dict_new(&dict));
  CHECK_OK(tf_dict_new(&inner));
  CHECK_OK(tf_dict_set_scalar(dict, "count", SIZE_MAX, TF_DTYPE_UINT32, &count));
  CHECK_OK(tf_dict_set_string(dict, "name", SIZE_MAX, "text", SIZE_MAX));
  CHECK_OK(tf_dict_set_string_list(dict, "words", SIZE_MAX));
  CHECK_OK(tf_dict_string_list_append(dict, "words", SIZE_MAX, "one", SIZE_MAX));
  CHECK_OK(tf_dict_set_dict(dict, "inner", SIZE_MAX, inner));
  CHECK_OK(tf_dict_copy(&copy, dict));
  CHECK_OK(tf_dict_equal(&equal, copy, dict));
  CHECK(equal == 1);
  tf_dict_release(inner);
  tf_dict_release(dict);

  CHECK_OK(tf_dict_get_scalar(&dtype, &found, sizeof(found), copy, "count", SIZE_MAX));
  CHECK(dtype == TF_DTYPE_UINT32 && found == count);
  CHECK(tf_dict_contains(copy, "words", 5) == 1 && tf_dict_contains(copy, "other", 5) == 0);
  CHECK(tf_dict_kind(copy, "inner", 5) == TF_KIND_DICT && tf_dict_kind(copy, "other", 5) == TF_KIND_NONE);
  CHECK_OK(tf_dict_array_at(&array, copy, 0));
  CHECK(tf_array_dtype(array) == TF_DTYPE_UINT32);
  CHECK_OK(tf_dict_string_at(&text, &length, copy, 1));
  CHECK_TEXT("text", text);
  CHECK_OK(tf_dict_string_list_size_at(&length, copy, 2));
  CHECK(length == 1);
  CHECK_OK(tf_dict_string_list_item_at(&text, &length, copy, 2, 0));
  CHECK_TEXT("one", text);
  CHECK_OK(tf_dict_dict_at(&inner, copy, 3));
  CHECK(tf_dict_size(inner) == 0);
  tf_dict_release(inner);
  tf_array_release(array);
  tf_dict_release(copy);
}

/* Reshapes an array, sets elements, and copies it to memory with other strides and another dtype. */
static void test_elements(void) {
  const int64_t shape[2] = {2, 3};
  const int64_t flat[1] = {-1};
  const int64_t first[2] = {0, 0};
  const int64_t last[2] = {-1, -1};
  const int64_t turned[2] = {8, 16};
  double values[6] = {0};
  tf_array *array = NULL;
  tf_array *view = NULL;

  CHECK_OK(tf_array_new(&array, TF_DTYPE_INT16, shape, 2));
  CHECK_OK(tf_array_set_item_int64(array, last, 2, 300));
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_array_set_item_int64(array, last, 2, 40000));
  CHECK_OK(tf_array_set_item_double(array, first, 2, -5));
  CHECK_OK(tf_array_reshape(&view, array, flat, 1));
  CHECK(tf_array_ndim(view) == 1 && tf_array_shape(view)[0] == 6 && tf_array_data(view) == tf_array_data(array));
  CHECK_OK(tf_array_copy_to(array, TF_DTYPE_FLOAT64, values, turned, sizeof(values)));
  CHECK(values[0] == -5.0 && values[5] == 300.0 && values[4] == 0.0);
  tf_array_release(view);
  tf_array_release(array);
}

static void test_options(void) {
  tf_options *options = NULL;
  int64_t value = 0;

  CHECK_OK(tf_options_new(&options));
  CHECK_OK(tf_options_set(options, TF_OPTION_THREADS, 4));
  CHECK_OK(tf_options_get(&value, options, TF_OPTION_THREADS));
  CHECK(value == 4);
  CHECK_OK(tf_options_set_string(options, TF_OPTION_LOAD_MODE, "map", SIZE_MAX));
  CHECK_OK(tf_options_get(&value, options, TF_OPTION_LOAD_MODE));
  CHECK(value == TF_LOAD_MODE_MAP);
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_options_set(options, TF_OPTION_THREADS, -1));
  CHECK_STATUS(TF_STATUS_UNSUPPORTED, tf_options_set(options, 12345, 0));
  CHECK(tf_option_from_name(tf_option_name(TF_OPTION_THREADS)) == TF_OPTION_THREADS);
  CHECK_OK(tf_option_range(NULL, &value, NULL, TF_OPTION_THREADS));
  CHECK(value == 1024);
  CHECK(tf_options_retain(options) == options);
  tf_options_release(options);
  tf_options_release(options);
  tf_options_release(NULL);
}

int main(void) {
  test_library();
  test_views();
  test_casts();
  test_refused_arrays();
  test_dicts();
  test_dict_values();
  test_elements();
  test_options();
  return check_result();
}
