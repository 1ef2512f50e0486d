// A C++ program without exceptions, run-time type information and the C++ run-time library.
#include "tensorfile.h"

int main() {
  const int64_t shape[1] = {3};
  tf_array *array = nullptr;
  if (tf_array_new(&array, TF_DTYPE_FLOAT32, shape, 1) != TF_STATUS_OK) return 1;
  tf_buffer *buffer = nullptr;
  if (tf_save_memory(&buffer, TF_FORMAT_NPY, array, nullptr, nullptr, nullptr) != TF_STATUS_OK) return 2;
  tf_array *loaded = nullptr;
  const tf_status status = tf_load_memory(&loaded, nullptr, nullptr, tf_buffer_data(buffer), tf_buffer_size(buffer),
                                          TF_FORMAT_AUTO, nullptr);
  int32_t equal = 0;
  const bool good = status == TF_STATUS_OK && tf_array_equal(&equal, array, loaded) == TF_STATUS_OK && equal == 1;
  tf_array_release(array);
  tf_array_release(loaded);
  tf_buffer_release(buffer);
  return good ? 0 : 3;
}
