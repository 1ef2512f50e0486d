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

int main(void) {
  const float values[6] = {0, 1, 2, 3, 4, 5};
  const int64_t seven = 7;
  const char *const paths[4] = {"writer.npy", "writer.npz", "writer.safetensors", "writer.gguf"};
  const tf_format formats[4] = {TF_FORMAT_NPY, TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF};
  size_t i;
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
  return check_result();
}
