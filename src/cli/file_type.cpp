#include "cli/file_type.h"

#include <algorithm>
#include <map>

namespace cli {

namespace {

constexpr std::string_view kFileType = "general.file_type";
constexpr std::string_view kQuantizationVersion = "general.quantization_version";
constexpr uint32_t kCurrentVersion = 2;  // GGML_QNT_VERSION

struct FileType {
  tf_dtype dtype;
  uint32_t number;  // of llama.cpp's llama_ftype; for K types the one that it guesses from the tensors
};

constexpr FileType kFileTypes[] = {
    {TF_DTYPE_FLOAT32, 0},  {TF_DTYPE_FLOAT16, 1},   {TF_DTYPE_Q4_0, 2},     {TF_DTYPE_Q4_1, 3},
    {TF_DTYPE_Q8_0, 7},     {TF_DTYPE_Q5_0, 8},      {TF_DTYPE_Q5_1, 9},     {TF_DTYPE_Q2_K, 10},
    {TF_DTYPE_Q3_K, 12},    {TF_DTYPE_Q4_K, 15},     {TF_DTYPE_Q5_K, 17},    {TF_DTYPE_Q6_K, 18},
    {TF_DTYPE_IQ2_XXS, 19}, {TF_DTYPE_IQ2_XS, 20},   {TF_DTYPE_IQ3_XXS, 23}, {TF_DTYPE_IQ1_S, 24},
    {TF_DTYPE_IQ4_NL, 25},  {TF_DTYPE_IQ3_S, 26},    {TF_DTYPE_IQ2_S, 28},   {TF_DTYPE_IQ4_XS, 30},
    {TF_DTYPE_IQ1_M, 31},   {TF_DTYPE_BFLOAT16, 32}, {TF_DTYPE_TQ1_0, 36},   {TF_DTYPE_TQ2_0, 37},
    {TF_DTYPE_MXFP4, 38},   {TF_DTYPE_NVFP4, 39},    {TF_DTYPE_Q1_0, 40},
};

bool is_block(tf_dtype dtype) {
  return tf_dtype_bits(dtype) == 0;
}

// Returns the dtype that most elements have.
tf_dtype most_common(const std::vector<PlannedArray> &arrays) {
  std::map<tf_dtype, double> elements;
  for (const PlannedArray &array : arrays) {
    double count = 1;
    for (const int64_t size : array.shape)
      count *= static_cast<double>(size);
    elements[array.to] += count;
  }
  const auto fewer = [](const auto &a, const auto &b) { return a.second < b.second; };
  const auto most = std::max_element(elements.begin(), elements.end(), fewer);
  return most == elements.end() ? TF_DTYPE_UNSUPPORTED : most->first;
}

void set_uint32(tensorfile::Dict &metadata, std::string_view key, uint32_t value) {
  metadata.set(key, tensorfile::Array::copy(TF_DTYPE_UINT32, {}, &value, sizeof(value)));
}

void remove(tensorfile::Dict &metadata, std::string_view key) {
  if (metadata.contains(key)) metadata.remove(key);
}

}  // namespace

void update_file_type(tensorfile::Dict &metadata, const std::vector<PlannedArray> &arrays, bool add) {
  const bool wanted = add || metadata.contains(kFileType);
  const tf_dtype dtype = most_common(arrays);
  const auto *const known = std::find_if(std::begin(kFileTypes), std::end(kFileTypes),
                                         [dtype](const FileType &type) { return type.dtype == dtype; });
  if (known == std::end(kFileTypes)) {
    remove(metadata, kFileType);
  } else if (wanted) {
    set_uint32(metadata, kFileType, known->number);
  }
  const bool any_blocks =
      std::any_of(arrays.begin(), arrays.end(), [](const PlannedArray &array) { return is_block(array.to); });
  if (!any_blocks) {
    remove(metadata, kQuantizationVersion);
  } else if (wanted) {
    set_uint32(metadata, kQuantizationVersion, kCurrentVersion);
  }
}

}  // namespace cli
