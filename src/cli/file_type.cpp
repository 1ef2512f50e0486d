#include "cli/file_type.h"

#include <algorithm>
#include <map>

namespace cli {

using tensorfile::Dtype;

namespace {

constexpr std::string_view kFileType = "general.file_type";
constexpr std::string_view kQuantizationVersion = "general.quantization_version";
constexpr uint32_t kCurrentVersion = 2;  // GGML_QNT_VERSION

struct FileType {
  Dtype dtype;
  uint32_t number;  // of llama.cpp's llama_ftype; for K types the one that it guesses from the tensors
};

constexpr FileType kFileTypes[] = {
    {Dtype::float32, 0}, {Dtype::float16, 1},   {Dtype::q4_0, 2},     {Dtype::q4_1, 3},    {Dtype::q8_0, 7},
    {Dtype::q5_0, 8},    {Dtype::q5_1, 9},      {Dtype::q2_k, 10},    {Dtype::q3_k, 12},   {Dtype::q4_k, 15},
    {Dtype::q5_k, 17},   {Dtype::q6_k, 18},     {Dtype::iq2_xxs, 19}, {Dtype::iq2_xs, 20}, {Dtype::iq3_xxs, 23},
    {Dtype::iq1_s, 24},  {Dtype::iq4_nl, 25},   {Dtype::iq3_s, 26},   {Dtype::iq2_s, 28},  {Dtype::iq4_xs, 30},
    {Dtype::iq1_m, 31},  {Dtype::bfloat16, 32}, {Dtype::tq1_0, 36},   {Dtype::tq2_0, 37},  {Dtype::mxfp4, 38},
    {Dtype::nvfp4, 39},  {Dtype::q1_0, 40},
};

bool is_block(Dtype dtype) {
  return tensorfile::bits(dtype) == 0;
}

// Returns the dtype that most elements have.
Dtype most_common(const std::vector<PlannedArray> &arrays) {
  std::map<Dtype, double> elements;
  for (const PlannedArray &array : arrays) {
    double count = 1;
    for (const int64_t size : array.shape)
      count *= static_cast<double>(size);
    elements[array.to] += count;
  }
  const auto fewer = [](const auto &a, const auto &b) { return a.second < b.second; };
  const auto most = std::max_element(elements.begin(), elements.end(), fewer);
  return most == elements.end() ? Dtype::unsupported : most->first;
}

void remove(tensorfile::Dict &metadata, std::string_view key) {
  if (metadata.contains(key)) metadata.remove(key);
}

}  // namespace

void update_file_type(tensorfile::Dict &metadata, const std::vector<PlannedArray> &arrays, bool add) {
  const bool wanted = add || metadata.contains(kFileType);
  const Dtype dtype = most_common(arrays);
  const auto *const known = std::find_if(std::begin(kFileTypes), std::end(kFileTypes),
                                         [dtype](const FileType &type) { return type.dtype == dtype; });
  if (known == std::end(kFileTypes)) {
    remove(metadata, kFileType);
  } else if (wanted) {
    metadata.set(kFileType, known->number);
  }
  const bool any_blocks =
      std::any_of(arrays.begin(), arrays.end(), [](const PlannedArray &array) { return is_block(array.to); });
  if (!any_blocks) {
    remove(metadata, kQuantizationVersion);
  } else if (wanted) {
    metadata.set(kQuantizationVersion, kCurrentVersion);
  }
}

void set_file_type(tensorfile::Dict &metadata, tensorfile::Preset preset) {
  metadata.set(kFileType, static_cast<uint32_t>(preset));
  metadata.set(kQuantizationVersion, kCurrentVersion);
}

}  // namespace cli
