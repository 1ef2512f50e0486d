// Does the same in C++, with the C header and the C++ standard library.
#include <tensorfile.h>

#include <iostream>
#include <string>
#include <vector>

int main() {
  const std::vector<float> values{0.0f, 0.5f, 1.0f};
  const std::int64_t shape[] = {3};
  const std::string name = "weights";
  tf_array *array = nullptr;
  tf_dict *saved = nullptr;
  tf_dict *loaded = nullptr;
  std::size_t index = 0;
  const bool done =
      tf_array_copy_from(&array, TF_DTYPE_FLOAT32, shape, 1, values.data(), values.size() * sizeof(float)) == 0 &&
      tf_dict_new(&saved) == 0 && tf_dict_set_array(saved, name.data(), name.size(), array) == 0 &&
      tf_save_safetensors("consumer", saved, nullptr, nullptr) == 0 &&
      tf_load(nullptr, &loaded, nullptr, "consumer.safetensors", nullptr) == 0 &&
      tf_dict_find(&index, loaded, name.data(), name.size()) == 0;
  if (!done) std::cerr << "consumer: " << tf_error_message() << '\n';
  tf_dict_release(loaded);
  tf_dict_release(saved);
  tf_array_release(array);
  return done ? 0 : 1;
}
