/* The first program of a new user: saves an array, loads it and reads its elements. */
#include "check.h"

int main(void) {
  const float values[6] = {1, 2, 3, 4, 5, 6};
  const int64_t shape[2] = {2, 3};
  tf_array *array = NULL;
  tf_array *loaded = NULL;

  CHECK_OK(tf_array_copy_from(&array, TF_DTYPE_FLOAT32, shape, 2, values, sizeof(values)));
  CHECK_OK(tf_save("first_steps", array, NULL));
  CHECK_OK(tf_load(&loaded, NULL, NULL, "first_steps.npy", NULL));
  CHECK(tf_array_dtype(loaded) == TF_DTYPE_FLOAT32);
  CHECK(tf_array_ndim(loaded) == 2);
  CHECK(tf_array_shape(loaded)[0] == 2 && tf_array_shape(loaded)[1] == 3);
  CHECK(memcmp(tf_array_data(loaded), values, sizeof(values)) == 0);
  tf_array_release(loaded);
  tf_array_release(array);

  CHECK_STATUS(TF_STATUS_NOT_FOUND, tf_load(&loaded, NULL, NULL, "no such file.npy", NULL));
  CHECK(loaded == NULL);
  CHECK_CONTAINS("no such file.npy", tf_error_message());
  return check_result();
}
