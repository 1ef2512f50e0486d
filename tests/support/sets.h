// Makes sets of files in which all arrays have the same value, so that a mixture of two sets is visible.
#pragma once

#include <algorithm>
#include <map>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {

inline const char *extension_of(tf_format format) {
  return format == TF_FORMAT_GGUF ? ".gguf" : ".safetensors";
}

// Makes `count` arrays of 40 bytes, w0, w1, ..., whose elements are all `value`.
inline Handle<tf_dict> weights_of(float value, int count = 3) {
  const int64_t size = 10;
  const auto array = made<tf_array>([&](tf_array **out) { return tf_array_new(out, TF_DTYPE_FLOAT32, &size, 1); });
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_OK);
  std::fill_n(static_cast<float *>(data), size, value);
  auto dict = new_dict();
  for (int i = 0; i < count; ++i)
    EXPECT_EQ(tf_dict_set_array(dict.get(), ("w" + std::to_string(i)).c_str(), SIZE_MAX, array.get()), TF_STATUS_OK);
  return dict;
}

// Saves a set whose files contain one array each, unless TF_OPTION_PART_BYTES is larger than the 40 bytes of an array.
inline tf_status save_weights_of(const std::string &path, tf_format format, float value, const tf_options *options,
                                 int count = 3) {
  const auto dict = weights_of(value, count);
  return format == TF_FORMAT_GGUF ? tf_save_gguf(path.c_str(), dict.get(), nullptr, options)
                                  : tf_save_safetensors(path.c_str(), dict.get(), nullptr, options);
}

// The result of loading a file or set: the values of its arrays, or the error.
struct LoadedWeights {
  tf_status status = TF_STATUS_OK;
  std::string message;
  std::vector<float> values;  // of all elements of all arrays

  bool all_are(float value) const {
    return status == TF_STATUS_OK && !values.empty() &&
           std::all_of(values.begin(), values.end(), [value](float found) { return found == value; });
  }
  bool is_mixture() const { return status == TF_STATUS_OK && !values.empty() && !all_are(values[0]); }
};

inline LoadedWeights load_weights_of(const std::string &path, bool whole_set = true) {
  const auto options = options_with({{TF_OPTION_PARTS, whole_set ? 1 : 0}});
  tf_dict *arrays = nullptr;
  LoadedWeights loaded;
  loaded.status = tf_load(nullptr, &arrays, nullptr, path.c_str(), options.get());
  loaded.message = loaded.status == TF_STATUS_OK ? "" : tf_error_message();
  const Handle<tf_dict> owner(arrays);
  for (size_t i = 0; arrays != nullptr && i < tf_dict_size(arrays); ++i) {
    const char *key = nullptr;
    EXPECT_EQ(tf_dict_key_at(&key, nullptr, arrays, i), TF_STATUS_OK);
    const auto array = array_of(arrays, key);
    const auto *const data = static_cast<const float *>(tf_array_data(array.get()));
    loaded.values.insert(loaded.values.end(), data, data + tf_array_size(array.get()));
  }
  return loaded;
}

inline std::string entry_of(const std::string &path, tf_format format, int parts) {
  char number[32];
  snprintf(number, sizeof(number), "-00001-of-%05d", parts);
  return format == TF_FORMAT_GGUF ? path + number + ".gguf" : path + ".safetensors.index.json";
}

// Opens the set `name` in every way: by its index, by each part, and by loading all parts in the folder that have the
// same total in their names, as some programs do. No way may give a mixture. Returns true if at least one loaded a
// whole set.
inline bool expect_no_mixture(const TempFolder &folder, const std::string &name, tf_format format,
                              bool in_place = false) {
  bool any = false;
  std::map<std::string, std::vector<float>> numbered;  // by "of-00003.gguf"
  std::map<std::string, size_t> found;
  for (const std::string &file : folder.names()) {
    if (file.rfind(name, 0) != 0) continue;
    const LoadedWeights whole = load_weights_of(folder.path(file));
    EXPECT_FALSE(whole.is_mixture()) << file << " opens a mixture of two sets";
    any |= whole.status == TF_STATUS_OK && (format == TF_FORMAT_GGUF || file.ends_with(".json"));
    const size_t of = file.find("-of-");
    if (of == std::string::npos || format == TF_FORMAT_GGUF) continue;
    const LoadedWeights loaded = load_weights_of(folder.path(file), false);
    EXPECT_TRUE(in_place || loaded.status == TF_STATUS_OK) << file << ": " << loaded.message;
    if (loaded.status != TF_STATUS_OK) continue;
    const std::string group = file.substr(of);
    numbered[group].insert(numbered[group].end(), loaded.values.begin(), loaded.values.end());
    ++found[group];
  }
  for (const auto &[group, values] : numbered) {
    if (found[group] != std::stoul(group.substr(4, 5))) continue;
    EXPECT_EQ(std::count(values.begin(), values.end(), values[0]), static_cast<std::ptrdiff_t>(values.size()))
        << "the parts " << group << " are a mixture of two sets";
  }
  return any;
}

}  // namespace tfile::testing
