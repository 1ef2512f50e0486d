/* Uses the library like a typical program: saves an array, loads it, and compares the two. */
#include <stdint.h>
#include <stdio.h>
#include <tensorfile.h>

int main(void) {
  const uint32_t version = TENSORFILE_VERSION_MAJOR * 10000 + TENSORFILE_VERSION_MINOR * 100 + TENSORFILE_VERSION_PATCH;
  const float values[6] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 2.5f};
  const int64_t shape[2] = {2, 3};
  tf_array *array = NULL;
  tf_array *loaded = NULL;
  int32_t equal = 0;
  const int done = tf_array_copy_from(&array, TF_DTYPE_FLOAT32, shape, 2, values, sizeof(values)) == TF_STATUS_OK &&
                   tf_save("consumer.npy", array, NULL) == TF_STATUS_OK &&
                   tf_load(&loaded, NULL, NULL, "consumer.npy", NULL) == TF_STATUS_OK &&
                   tf_array_equal(&equal, array, loaded) == TF_STATUS_OK;
  tf_array_release(array);
  tf_array_release(loaded);
  if (!done) fprintf(stderr, "consumer: %s\n", tf_error_message());
  if (done && !equal) fprintf(stderr, "consumer: the loaded array differs from the saved one\n");
  if (tf_version_number() != version) fprintf(stderr, "consumer: the header and the library have different versions\n");
  return done && equal && tf_version_number() == version ? 0 : 1;
}
