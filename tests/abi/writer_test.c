/* Writes a file array by array, in pieces. */
#include "check.h"

static tf_writer *open_writer(const char *path, tf_format format) {
  const int64_t shape[2] = {2, 3};
  const int64_t one[1] = {1};
  tf_writer *writer = NULL;
  CHECK_OK(tf_writer_open(&writer, path, format, NULL));
  CHECK_OK(tf_writer_declare(writer, "a", SIZE_MAX, TF_DTYPE_FLOAT32, shape, 2));
  if (format != TF_FORMAT_NPY) CHECK_OK(tf_writer_declare(writer, "b", 1, TF_DTYPE_INT64, one, 1));
  return writer;
}

static void check_file(const char *path, const float *values, int64_t seven) {
  float found[6];
  int64_t number = 0;
  size_t index = 0;
  tf_file *file = NULL;
  CHECK_OK(tf_file_open(&file, path, NULL));
  if (tf_file_count(file) > 1) CHECK_OK(tf_file_find(&index, file, "a", SIZE_MAX));
  CHECK_OK(tf_file_read_into(file, index, TF_DTYPE_FLOAT32, found, sizeof(found)));
  CHECK(memcmp(found, values, sizeof(found)) == 0);
  if (tf_file_count(file) > 1) {
    CHECK_OK(tf_file_find(&index, file, "b", SIZE_MAX));
    CHECK_OK(tf_file_read_into(file, index, TF_DTYPE_INT64, &number, sizeof(number)));
    CHECK(number == seven);
  }
  tf_file_release(file);
}

/* A plan of the types of two arrays. */
static void test_quant_plan(void) {
  const int64_t shape[2] = {2, 256};
  const uint32_t layers = 1;
  tf_dtype dtype = TF_DTYPE_UNSUPPORTED;
  tf_dict *metadata = NULL;
  tf_quant_plan *plan = NULL;

  CHECK(tf_preset_at(0) == TF_PRESET_Q4_0 && tf_preset_dtype(TF_PRESET_Q4_K_M) == TF_DTYPE_Q4_K);
  CHECK_TEXT("Q4_K_M", tf_preset_name(tf_preset_from_name("q4_k_m")));
  CHECK_OK(tf_dict_new(&metadata));
  CHECK_OK(tf_dict_set_string(metadata, "general.architecture", SIZE_MAX, "llama", SIZE_MAX));
  CHECK_OK(tf_dict_set_scalar(metadata, "llama.block_count", SIZE_MAX, TF_DTYPE_UINT32, &layers));
  CHECK_OK(tf_quant_plan_new(&plan, TF_PRESET_Q4_K_M, metadata, NULL));
  tf_dict_release(metadata);
  CHECK_OK(tf_quant_plan_declare(plan, "output.weight", SIZE_MAX, TF_DTYPE_FLOAT16, shape, 2));
  CHECK_OK(tf_quant_plan_declare(plan, "blk.0.attn_q.weight", SIZE_MAX, TF_DTYPE_FLOAT16, shape, 2));
  CHECK_OK(tf_quant_plan_set_dtype(plan, 1, TF_DTYPE_Q8_0));
  CHECK_OK(tf_quant_plan_set_weighted(plan, 1));
  CHECK_OK(tf_quant_plan_finish(plan));
  CHECK_OK(tf_quant_plan_dtype(&dtype, plan, 0));
  CHECK(dtype == TF_DTYPE_Q6_K);
  CHECK_OK(tf_quant_plan_dtype(&dtype, plan, 1));
  CHECK(dtype == TF_DTYPE_Q8_0);
  tf_quant_plan_release(tf_quant_plan_retain(plan));
  tf_quant_plan_release(plan);
}

/* A plan of two parts, one of which is written. */
static void test_part_plan(void) {
  const float values[2] = {1, 2};
  const int64_t size = 2;
  size_t first = 0;
  size_t count = 0;
  uint64_t nbytes = 0;
  const char *name = NULL;
  tf_options *options = NULL;
  tf_part_plan *plan = NULL;
  tf_writer *writer = NULL;
  tf_buffer *text = NULL;
  tf_dict *metadata = NULL;

  CHECK_OK(tf_options_new(&options));
  CHECK_OK(tf_options_set(options, TF_OPTION_PART_BYTES, 8));
  CHECK_OK(tf_part_plan_new(&plan, "plan.safetensors", TF_FORMAT_AUTO, options));
  tf_options_release(options);
  CHECK_OK(tf_part_plan_declare(plan, "a", 1, TF_DTYPE_FLOAT32, &size, 1));
  CHECK_OK(tf_part_plan_declare(plan, "b", 1, TF_DTYPE_FLOAT32, &size, 1));
  CHECK_OK(tf_part_plan_set_metadata(plan, NULL));
  CHECK_OK(tf_part_plan_finish(plan));
  CHECK(tf_part_plan_count(plan) == 2 && tf_part_plan_has_index(plan) == 1);
  CHECK_OK(tf_part_plan_part(&first, &count, &nbytes, plan, 1));
  CHECK(first == 1 && count == 1 && nbytes == 8);
  CHECK_OK(tf_part_plan_array(&name, NULL, plan, 1));
  CHECK_TEXT("b", name);
  CHECK_OK(tf_part_plan_path(&text, plan, 1));
  CHECK_TEXT("plan-00002-of-00002.safetensors", (const char *)tf_buffer_data(text));
  tf_buffer_release(text);
  CHECK_OK(tf_part_plan_metadata(&metadata, plan, 1));
  CHECK(tf_dict_size(metadata) == 0);
  tf_dict_release(metadata);
  CHECK_OK(tf_part_plan_open_part(&writer, plan, 1, NULL));
  CHECK_OK(tf_writer_write(writer, values, sizeof(values)));
  CHECK_OK(tf_writer_finish(writer));
  tf_writer_release(writer);
  CHECK_OK(tf_part_plan_index(&text, plan));
  CHECK_CONTAINS("plan-00002-of-00002.safetensors", (const char *)tf_buffer_data(text));
  tf_buffer_release(text);
  CHECK_OK(tf_part_plan_save_index(plan, NULL));
  CHECK(tf_part_plan_retain(plan) == plan);
  tf_part_plan_release(plan);
  tf_part_plan_release(plan);
}

int main(void) {
  const float values[6] = {0, 1, 2, 3, 4, 5};
  const int64_t seven = 7;
  const void *bytes = NULL;
  uint64_t offset = 0, nbytes = 0;
  tf_file *file = NULL;
  tf_edit *edit = NULL;
  const char *const paths[4] = {"writer.npy", "writer.npz", "writer.safetensors", "writer.gguf"};
  const tf_format formats[4] = {TF_FORMAT_NPY, TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};
  size_t i;
  test_part_plan();
  test_quant_plan();
  for (i = 0; i < 4; ++i) {
    tf_writer *writer = open_writer(paths[i], formats[i]);
    /* 16 bytes, which end inside an array, then the rest of it, and then the other array. */
    CHECK_OK(tf_writer_write(writer, values, 16));
    CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_writer_finish(writer));
    CHECK_TEXT("a", tf_error_name());
    CHECK_CONTAINS("8 bytes of its data are missing", tf_error_message());
    CHECK_OK(tf_writer_write(writer, values + 4, 8));
    if (formats[i] != TF_FORMAT_NPY) CHECK_OK(tf_writer_write(writer, &seven, sizeof(seven)));
    CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_writer_write(writer, values, 1));
    CHECK_OK(tf_writer_finish(writer));
    CHECK(tf_writer_retain(writer) == writer);
    tf_writer_release(writer);
    tf_writer_release(writer);
    check_file(paths[i], values, seven);
    /* A writer that is released before it is finished does not change the file. */
    writer = open_writer(paths[i], formats[i]);
    CHECK_OK(tf_writer_write(writer, "garbage", 7));
    tf_writer_release(writer);
    check_file(paths[i], values, seven);
  }
  tf_writer_release(NULL);
  CHECK_OK(tf_save_metadata(paths[2], NULL, NULL));
  CHECK_OK(tf_file_open(&file, paths[2], NULL));
  CHECK_OK(tf_edit_new(&edit, file));
  CHECK_OK(tf_edit_rename(edit, 0, "c", SIZE_MAX));
  CHECK_OK(tf_edit_remove(edit, 1));
  CHECK_OK(tf_edit_set_metadata(edit, NULL));
  CHECK_OK(tf_edit_finish(edit));
  CHECK(tf_edit_size(edit) > 0 && tf_edit_run_count(edit) == 2 && tf_edit_patch_bytes(edit) == 0);
  CHECK_OK(tf_edit_run(&bytes, &offset, &nbytes, edit, 0));
  CHECK(bytes != NULL && offset == 0 && nbytes > 8);
  CHECK_OK(tf_edit_save(edit, "edited.safetensors", NULL));
  CHECK_STATUS(TF_STATUS_INVALID_ARGUMENT, tf_edit_save_sink(edit, NULL, NULL));
  CHECK(tf_edit_retain(edit) == edit);
  tf_edit_release(edit);
  tf_edit_release(edit);
  tf_file_release(file);
  return check_result();
}
