/* Saves an array, loads it, and compares the two. */
#include <stdint.h>
#include <stdio.h>
#include <tensorfile.h>

int main(void) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  const int64_t shape[] = {2, 3};
  tf_array *saved = NULL, *loaded = NULL;
  int32_t equal = 0;
  int failed = tf_array_copy_from(&saved, TF_DTYPE_FLOAT32, shape, 2, values, sizeof values) ||
               tf_save("consumer.npy", saved, NULL) || tf_load(&loaded, NULL, NULL, "consumer.npy", NULL) ||
               tf_array_equal(&equal, saved, loaded);
  if (failed) fprintf(stderr, "consumer: %s\n", tf_error_message());
  tf_array_release(saved), tf_array_release(loaded);
  return failed || !equal;
}
