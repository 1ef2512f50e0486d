/* Deflates an .npz with zlib, and prints "saved" or the status and the message of the save. */
#include <stdint.h>
#include <stdio.h>
#include <tensorfile.h>

int main(void) {
  const float values[6] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 2.5f};
  const int64_t shape[2] = {2, 3};
  tf_options *options = NULL;
  tf_array *array = NULL;
  tf_dict *arrays = NULL;
  tf_buffer *file = NULL;
  const int made =
      tf_options_new(&options) == TF_STATUS_OK && tf_options_set(options, TF_OPTION_COMPRESS, 1) == TF_STATUS_OK &&
      tf_options_set(options, TF_OPTION_DEFLATE, TF_DEFLATE_ZLIB) == TF_STATUS_OK &&
      tf_array_copy_from(&array, TF_DTYPE_FLOAT32, shape, 2, values, sizeof(values)) == TF_STATUS_OK &&
      tf_dict_new(&arrays) == TF_STATUS_OK && tf_dict_set_array(arrays, "w", SIZE_MAX, array) == TF_STATUS_OK;
  const tf_status status = made ? tf_save_memory(&file, TF_FORMAT_NPZ, NULL, arrays, NULL, options) : TF_STATUS_OK;
  if (!made) fprintf(stderr, "zlib: %s\n", tf_error_message());
  if (made && status == TF_STATUS_OK) puts("saved");
  if (status != TF_STATUS_OK) printf("%s: %s\n", tf_status_name(status), tf_error_message());
  tf_buffer_release(file);
  tf_dict_release(arrays);
  tf_array_release(array);
  tf_options_release(options);
  return made ? 0 : 1;
}
