// Makes sets of files whose arrays all have the same value and say how many they are, so that a mixture of two sets, or
// a part of a set, is visible.
#pragma once

#include <algorithm>
#include <map>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {

inline const char *extension_of(tf_format format) {
  return format == TF_FORMAT_GGUF ? ".gguf" : ".safetensors";
}

// Makes `count` arrays of 40 bytes, w0, w1, ...: nine elements that are `value`, and a last one that is `count`.
inline Handle<tf_dict> weights_of(float value, int count = 3) {
  const int64_t size = 10;
  const auto array = made<tf_array>([&](tf_array **out) { return tf_array_new(out, TF_DTYPE_FLOAT32, &size, 1); });
  void *data = nullptr;
  EXPECT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_OK);
  std::fill_n(static_cast<float *>(data), size - 1, value);
  static_cast<float *>(data)[size - 1] = static_cast<float>(count);
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

// The result of loading a file or set: what its arrays say, or the error.
struct LoadedWeights {
  tf_status status = TF_STATUS_OK;
  std::string message;
  std::vector<float> values;  // the elements that are the value of the set, of each array
  std::vector<float> counts;  // of each array, the number of arrays in its set

  bool is_whole() const { return status == TF_STATUS_OK && !values.empty() && all_are_one_set(); }
  bool all_are(float value) const { return is_whole() && values[0] == value; }
  bool is_mixture() const { return status == TF_STATUS_OK && !is_whole(); }
  // True if the error says that the set cannot be opened because its index or a part is missing.
  bool lacks_entry() const {
    return status == TF_STATUS_NOT_FOUND ||
           (status == TF_STATUS_IO && message.ends_with("it has neither an index nor a first part"));
  }

 private:
  bool all_are_one_set() const {
    const auto is_value = [this](float found) { return found == values[0]; };
    const auto is_count = [this](float found) { return found == static_cast<float>(counts.size()); };
    return std::all_of(values.begin(), values.end(), is_value) && std::all_of(counts.begin(), counts.end(), is_count);
  }
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
    const auto last = static_cast<std::ptrdiff_t>(tf_array_size(array.get())) - 1;
    loaded.values.insert(loaded.values.end(), data, data + last);
    loaded.counts.push_back(data[last]);
  }
  return loaded;
}

inline std::string entry_of(const std::string &path, tf_format format, int parts) {
  char number[32];
  snprintf(number, sizeof(number), "-00001-of-%05d", parts);
  return format == TF_FORMAT_GGUF ? path + number + ".gguf" : path + ".safetensors.index.json";
}

// Opens the set `name` in every way: by its index, by each part, by its folder, which must have no other set, and by
// loading all parts in the folder that have the same total in their names, as some programs do. No way may give a
// mixture or a part of a set, and unless the set was saved in place, it can only fail to load because its index or a
// part is missing. Returns true if at least one way loaded a whole set.
inline bool expect_no_mixture(const TempFolder &folder, const std::string &name, tf_format format,
                              bool in_place = false) {
  bool any = false;
  const auto check = [&](const std::string &path) {
    const LoadedWeights loaded = load_weights_of(path);
    EXPECT_FALSE(loaded.is_mixture()) << path << " opens a mixture of two sets, or a part of one";
    EXPECT_TRUE(in_place || loaded.is_whole() || loaded.lacks_entry())
        << path << ": status " << loaded.status << ": " << loaded.message;
    return loaded.is_whole();
  };
  any |= check(folder.path());
  std::map<std::string, LoadedWeights> numbered;  // by "of-00003.safetensors"
  std::map<std::string, size_t> found;
  for (const std::string &file : folder.names()) {
    if (file.rfind(name, 0) != 0) continue;
    const bool whole = check(folder.path(file));
    any |= whole && (format == TF_FORMAT_GGUF || file.ends_with(".json"));
    const size_t of = file.find("-of-");
    if (of == std::string::npos) continue;
    const LoadedWeights loaded = load_weights_of(folder.path(file), false);
    EXPECT_TRUE(in_place || loaded.status == TF_STATUS_OK) << file << ": " << loaded.message;
    if (loaded.status != TF_STATUS_OK) continue;
    const std::string group = file.substr(of + 1);
    LoadedWeights &parts = numbered[group];
    parts.values.insert(parts.values.end(), loaded.values.begin(), loaded.values.end());
    parts.counts.insert(parts.counts.end(), loaded.counts.begin(), loaded.counts.end());
    ++found[group];
  }
  for (const auto &[group, parts] : numbered) {
    if (found[group] != std::stoul(group.substr(3, 5))) continue;
    EXPECT_TRUE(parts.is_whole()) << "the parts " << group << " are a mixture of two sets";
  }
  return any;
}

}  // namespace tfile::testing
