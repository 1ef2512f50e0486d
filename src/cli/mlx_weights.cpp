#include "cli/mlx_weights.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/error_output.h"
#include "cli/file_path.h"
#include "cli/remote.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Array;
using tensorfile::Dtype;
using tensorfile::Error;
using tensorfile::Status;
using Json = nlohmann::json;

namespace {

constexpr int64_t kWordBits = 32;
constexpr int64_t kBits[] = {2, 3, 4, 5, 6, 8};
constexpr int64_t kGroupSizes[] = {32, 64, 128};

bool is_known(const MlxCoding &coding) {
  return std::find(std::begin(kBits), std::end(kBits), coding.bits) != std::end(kBits) &&
         std::find(std::begin(kGroupSizes), std::end(kGroupSizes), coding.group_size) != std::end(kGroupSizes);
}

std::string coding_text(const MlxCoding &coding) {
  return std::to_string(coding.bits) + " bits in groups of " + std::to_string(coding.group_size);
}

// Returns the name of a weight without ".weight".
std::string_view stem_of(std::string_view name) {
  constexpr std::string_view kSuffix = ".weight";
  if (name.ends_with(kSuffix)) name.remove_suffix(kSuffix.size());
  return name;
}

std::string with_suffix(std::string_view stem, const char *suffix) {
  return std::string(stem) + suffix;
}

Error wrong(Status status, const Entry &codes, const std::string &what) {
  return {status, "array " + in_quotes(codes.name()) + ": " + what};
}

bool same_rows(const Entry &a, const Entry &b) {
  const auto shape_a = a.shape();
  const auto shape_b = b.shape();
  return shape_a.size() == shape_b.size() && std::equal(shape_a.begin(), shape_a.end() - 1, shape_b.begin());
}

// Returns the number of bits that the codes of a group have together. Throws if the shapes do not belong together.
int64_t bits_of_group(const Entry &codes, const Entry &scales, const Entry &biases) {
  const bool floats =
      scales.dtype() == Dtype::float16 || scales.dtype() == Dtype::bfloat16 || scales.dtype() == Dtype::float32;
  const int64_t words = codes.shape().size() < 2 ? 0 : codes.shape()[codes.ndim() - 1];
  if (floats && words > 0 && scales.dtype() == biases.dtype() && same_rows(codes, scales) &&
      same_rows(scales, biases)) {
    const int64_t groups = scales.shape()[scales.ndim() - 1];
    const bool fits = groups > 0 && groups == biases.shape()[biases.ndim() - 1] && words % groups == 0;
    if (fits && words <= INT64_MAX / kWordBits) return words * kWordBits / groups;
  }
  throw wrong(Status::corrupt, codes,
              type_text(codes) + " does not fit its scales " + type_text(scales) + " and biases " + type_text(biases));
}

std::optional<MlxCoding> coding_from(const Json &object) {
  const auto group_size = object.find("group_size");
  const auto bits = object.find("bits");
  if (group_size == object.end() || bits == object.end() || !group_size->is_number_integer() ||
      !bits->is_number_integer()) {
    return std::nullopt;
  }
  return MlxCoding{group_size->get<int64_t>(), bits->get<int64_t>()};
}

// Returns code i of a row: the codes follow one another from the lowest bit of the first word, and may cross words.
uint32_t code_at(const uint32_t *row, int64_t i, int64_t bits) {
  const int64_t first = i * bits;
  const int64_t shift = first % kWordBits;
  uint64_t word = row[first / kWordBits];
  if (shift + bits > kWordBits) word |= uint64_t{row[first / kWordBits + 1]} << static_cast<unsigned>(kWordBits);
  return static_cast<uint32_t>(word >> static_cast<unsigned>(shift)) & ((1U << static_cast<unsigned>(bits)) - 1);
}

// Multiplies each code by the scale of its group.
std::vector<float> scaled(const Array &codes, const std::vector<float> &scales, const MlxCoding &coding) {
  const int64_t words = codes.shape()[codes.ndim() - 1];
  const int64_t width = words * kWordBits / coding.bits;
  std::vector<float> out(static_cast<size_t>(codes.size() / words * width));
  const uint32_t *row = codes.values<uint32_t>().data();
  size_t next = 0;
  for (size_t group = 0; next < out.size(); row += words) {
    for (int64_t i = 0; i < width; ++i, ++next) {
      if (i > 0 && i % coding.group_size == 0) ++group;
      out[next] = scales[group] * static_cast<float>(code_at(row, i, coding.bits));
    }
    ++group;
  }
  return out;
}

}  // namespace

void DecodeOption::complete() {
  constexpr std::string_view kMlx = "mlx";
  if (text.empty() || text == kMlx) return;
  MlxCoding stated{0, 0};
  if (text.starts_with("mlx:")) {
    const char *const end = text.data() + text.size();
    const auto [colon, error] = std::from_chars(text.data() + kMlx.size() + 1, end, stated.group_size);
    const bool has_bits = error == std::errc() && colon != end && *colon == ':';
    if (has_bits && std::from_chars(colon + 1, end, stated.bits).ptr == end && is_known(stated)) {
      coding = stated;
      return;
    }
  }
  throw UsageError{"--decode: expected mlx or mlx:GROUP_SIZE:BITS with 32, 64 or 128 and 2, 3, 4, 5, 6 or 8, not " +
                   in_quotes(text)};
}

MlxWeights::MlxWeights(const tensorfile::File &file, const DecodeOption &option)
    : file_(file.share()), option_(option.coding) {
  if (option_ || file.empty()) return;
  const std::string_view path = file.at(0).location().path;
  is_remote_ = is_url(path);
  if (is_remote_) return;
  const std::filesystem::path folder = file_path(path).parent_path();
  const std::u8string config = (folder / "config.json").u8string();
  read_config({config.begin(), config.end()});
}

// MLX-LM writes the coding of all weights to "quantization", and that of single layers to keys within it.
void MlxWeights::read_config(const std::string &path) {
  std::ifstream stream(file_path(path), std::ios::binary);
  if (!stream) return;
  const Json config = Json::parse(stream, nullptr, false);
  if (config.is_discarded() || !config.is_object()) {
    throw Error(Status::corrupt, escaped(path) + " is not an object of JSON; --decode mlx:GROUP_SIZE:BITS ignores it");
  }
  const auto found = config.find("quantization");
  if (found == config.end() || !found->is_object()) return;
  config_.all = coding_from(*found);
  for (const auto &[layer, value] : found->items()) {
    if (!value.is_object()) continue;
    if (const std::optional<MlxCoding> coding = coding_from(value)) config_.layers.emplace(layer, *coding);
  }
}

std::optional<MlxCoding> MlxWeights::stated(std::string_view stem) const {
  if (option_) return option_;
  const auto layer = config_.layers.find(stem);
  return layer == config_.layers.end() ? config_.all : layer->second;
}

MlxCoding MlxWeights::coding_of(const Entry &codes, std::string_view stem, int64_t bits_of_group) const {
  if (const std::optional<MlxCoding> coding = stated(stem)) {
    if (is_known(*coding) && coding->bits * coding->group_size == bits_of_group) return *coding;
    throw wrong(Status::corrupt, codes,
                "has " + std::to_string(bits_of_group) + " bits for each scale, which is not " + coding_text(*coding) +
                    (option_ ? ", as --decode says" : ", as config.json says"));
  }
  std::vector<MlxCoding> fitting;
  for (const int64_t bits : kBits) {
    const MlxCoding coding{bits_of_group / bits, bits};
    if (bits_of_group % bits == 0 && is_known(coding)) fitting.push_back(coding);
  }
  if (fitting.size() == 1) return fitting.front();
  std::string text = "has " + std::to_string(bits_of_group) + " bits for each scale, which is ";
  for (size_t i = 0; i < fitting.size(); ++i)
    text += (i > 0 ? " or " : "") + coding_text(fitting[i]);
  if (fitting.empty()) text += "no coding of MLX";
  throw wrong(
      Status::unsupported, codes,
      text + (is_remote_ ? "; config.json is not read from a URL, so --decode mlx:GROUP_SIZE:BITS must say which"
                         : "; a config.json next to the file says which, or --decode mlx:GROUP_SIZE:BITS"));
}

std::optional<MlxWeight> MlxWeights::find(const Entry &codes) const {
  if (codes.dtype() != Dtype::uint32) return std::nullopt;
  const std::string_view stem = stem_of(codes.name());
  const std::string scales = with_suffix(stem, ".scales");
  const std::string biases = with_suffix(stem, ".biases");
  if (!file_.contains(scales)) return std::nullopt;
  if (!file_.contains(biases)) {
    throw wrong(Status::unsupported, codes,
                "has scales but no biases: only MLX's affine quantization can be decoded; --drop leaves an array out");
  }
  const Entry scales_entry = file_.at(scales);
  const Entry biases_entry = file_.at(biases);
  const int64_t bits = bits_of_group(codes, scales_entry, biases_entry);
  const MlxCoding coding = coding_of(codes, stem, bits);
  const auto shape = codes.shape();
  MlxWeight weight{
      scales_entry.index(), biases_entry.index(), coding, scales_entry.dtype(), {shape.begin(), shape.end()}};
  weight.shape.back() = scales_entry.shape()[scales_entry.ndim() - 1] * coding.group_size;
  return weight;
}

bool MlxWeights::is_companion(std::string_view name) const {
  for (const std::string_view suffix : {".scales", ".biases"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string_view stem = name.substr(0, name.size() - suffix.size());
    if (!file_.contains(with_suffix(stem, ".scales")) || !file_.contains(with_suffix(stem, ".biases"))) continue;
    for (const std::string &codes : {with_suffix(stem, ".weight"), std::string(stem)}) {
      if (file_.contains(codes) && file_.at(codes).dtype() == Dtype::uint32) return true;
    }
  }
  return false;
}

MlxPieces::MlxPieces(const Entry &codes, const MlxWeight &weight)
    : codes_(codes),
      scales_(codes.file().at(weight.scales)),
      biases_(codes.file().at(weight.biases)),
      weight_(weight),
      rows_(Division::of_rows(weight.shape)) {}

// MLX computes in the dtype of the scales, so the product is rounded before the bias is added.
Array MlxPieces::next() {
  const std::optional<std::vector<tensorfile::Slice>> rows = rows_.next();
  if (!rows) return {};
  const Array codes = codes_.read_slice(*rows);
  std::vector<int64_t> shape(codes.shape().begin(), codes.shape().end());
  shape.back() = weight_.shape.back();
  const std::vector<float> scales = scales_.read_slice(*rows).as_vector<float>();
  const std::vector<float> biases = biases_.read_slice(*rows).as_vector<float>();
  const Array products = Array::adopt(shape, scaled(codes, scales, weight_.coding)).cast(weight_.dtype);
  std::vector<float> sums = products.as_vector<float>();
  for (size_t i = 0; i < sums.size(); ++i)
    sums[i] += biases[i / static_cast<size_t>(weight_.coding.group_size)];
  return Array::adopt(shape, std::move(sums)).cast(weight_.dtype);
}

}  // namespace cli
