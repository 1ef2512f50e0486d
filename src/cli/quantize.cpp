#include "cli/quantize.h"

#include <algorithm>

#include "cli/error_output.h"
#include "cli/importance.h"
#include "cli/pattern.h"
#include "cli/suggestion.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Dtype;

namespace {

// Returns a type with blocks of 32 and about as many bits per element, for rows that cannot be divided into blocks of
// 256.
Dtype with_smaller_blocks(Dtype dtype) {
  switch (dtype) {
    case Dtype::q2_k:
    case Dtype::q3_k:
    case Dtype::tq1_0:
    case Dtype::tq2_0:
      return Dtype::q4_0;
    case Dtype::iq4_xs:
      return Dtype::iq4_nl;
    case Dtype::q4_k:
      return Dtype::q5_0;
    case Dtype::q5_k:
      return Dtype::q5_1;
    case Dtype::q6_k:
    case Dtype::q8_k:
      return Dtype::q8_0;
    default:
      return dtype;
  }
}

// Without float8_e8m0fnu, whose values are the scales of other arrays.
bool is_float(Dtype dtype) {
  const bool is_float8 = dtype >= Dtype::float8_e4m3fn && dtype <= Dtype::float8_e5m2fnuz;
  return is_float8 || (dtype >= Dtype::float16 && dtype <= Dtype::float64);
}

// Returns the reason why an array keeps its dtype, or "".
std::string exemption(const PlannedArray &array, const QuantizeOptions &options) {
  if (std::string why = options.why_not_selected(array.name); !why.empty()) return why;
  if (!is_float(array.from)) return "not a float";
  if (array.shape.size() < 2) return "fewer than 2 dimensions";
  return "";
}

bool fits(const PlannedArray &array, Dtype dtype) {
  return array.shape.back() % tensorfile::block_size(dtype) == 0;
}

// Returns the beginning of the description of an array that is not encoded. --cast may have chosen another dtype for it.
std::string kept_text(const PlannedArray &array) {
  return std::string(tensorfile::name(array.from)) +
         (array.to == array.from ? ", kept: " : std::string(" -> ") + tensorfile::name(array.to) + ", not encoded: ");
}

// Sets the target dtype of one array. Returns a description of the decision.
std::string plan_array(PlannedArray &array, const QuantizeOptions &options) {
  const std::string kept = kept_text(array);
  if (const std::string why = exemption(array, options); !why.empty()) return kept + why;
  const std::string rows = "rows of " + std::to_string(array.shape.back());
  const Dtype fallback = with_smaller_blocks(options.dtype);
  if (!fits(array, options.dtype) && !fits(array, fallback)) {
    return kept + rows + " cannot be divided into blocks of " + std::to_string(tensorfile::block_size(fallback));
  }
  array.to = fits(array, options.dtype) ? options.dtype : fallback;
  std::string text = std::string(tensorfile::name(array.from)) + " -> " + tensorfile::name(array.to);
  if (array.to != options.dtype) {
    text += " (" + rows + " cannot be divided into blocks of " + tensorfile::name(options.dtype) + ")";
  }
  return text;
}

// Finds a dtype by its name, which for three floats is also ggml's.
Dtype find_type(const std::string &name) {
  constexpr std::pair<std::string_view, Dtype> kFloats[] = {
      {"f16", Dtype::float16}, {"bf16", Dtype::bfloat16}, {"f32", Dtype::float32}};
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const auto &[short_name, dtype] : kFloats) {
    if (lower == short_name) return dtype;
  }
  return tensorfile::dtype_from_name(name);
}

TensorType parse_tensor_type(const std::string &option) {
  const size_t equals = option.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError{"--tensor-type " + in_quotes(option) + ": expected PATTERN=TYPE"};
  }
  const std::string type = option.substr(equals + 1);
  const Dtype dtype = find_type(type);
  if (dtype == Dtype::unsupported || !tensorfile::can_encode(dtype)) {
    throw UsageError{"--tensor-type " + in_quotes(option) + ": " + in_quotes(type) + " is not a type to encode in"};
  }
  return {option, option.substr(0, equals), dtype};
}

std::string list_presets() {
  std::string out;
  for (const tensorfile::Preset preset : tensorfile::presets())
    out += (out.empty() ? "" : ", ") + std::string(tensorfile::name(preset));
  return out;
}

// Chooses the types of --tensor-type for the arrays of a plan. Throws UsageError if a pattern matches none.
void set_types(tensorfile::QuantPlan &plan, const std::vector<PlannedArray> &arrays,
               const std::vector<TensorType> &types) {
  std::vector<bool> used(types.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    bool chosen = false;
    for (size_t t = 0; t < types.size(); ++t) {
      if (!matches(types[t].pattern, arrays[i].name)) continue;
      used[t] = true;
      if (!chosen) plan.set_dtype(i, types[t].dtype);
      chosen = true;
    }
  }
  const auto unused = std::find(used.begin(), used.end(), false);
  if (unused == used.end()) return;
  const TensorType &type = types[static_cast<size_t>(unused - used.begin())];
  throw UsageError{"--tensor-type " + in_quotes(type.option) + ": the pattern matches no array"};
}

// Makes the plan of types. Metadata that do not describe a model are the fault of the input, and an option adds them.
tensorfile::QuantPlan make_quant_plan(const tensorfile::Dict &model, const QuantizeOptions &options) {
  try {
    return {options.preset, model};
  } catch (const tensorfile::Error &error) {
    throw tensorfile::Error(tensorfile::Status::unsupported,
                            std::string(error.what()) +
                                "; --set adds a key, such as --set general.architecture=llama or --set "
                                "llama.block_count=u32:32");
  }
}

}  // namespace

void QuantizeOptions::declare(CommandLine &line) {
  line.option("--quantize", type,
              "encode the float arrays of 2 or more dimensions in a block type, and print what becomes of each array",
              "TYPE");
  line.option("--preset", preset_name,
              "encode each array in the type that llama-quantize would choose for it, such as Q4_K_M, and print what "
              "becomes of each array",
              "NAME");
  line.options("--tensor-type", type_options,
               "with --preset, encode arrays whose names match (* and ?) in TYPE; may be repeated, and the first one "
               "that matches counts",
               "PATTERN=TYPE");
  line.option("--imatrix", imatrix,
              "with --preset or --quantize, encode with the importance matrix in FILE, a .gguf of llama-imatrix",
              "FILE");
  line.options("--include", include, "encode and cast only arrays whose names match (* and ?); may be repeated",
               "PATTERN");
  line.options("--exclude", exclude, "do not encode or cast arrays whose names match; may be repeated", "PATTERN");
}

void QuantizeOptions::complete() {
  if (!type.empty()) {
    dtype = tensorfile::dtype_from_name(type);
    if (dtype == Dtype::unsupported || tensorfile::bits(dtype) != 0) {
      throw UsageError{"--quantize: unknown block type " + in_quotes(type) + did_you_mean(type, dtype_names(true))};
    }
  }
  if (!preset_name.empty()) {
    preset = tensorfile::preset_from_name(preset_name);
    if (preset == tensorfile::Preset::none) {
      throw UsageError{"--preset: unknown preset " + in_quotes(preset_name) + "; expected " + list_presets()};
    }
    if (!type.empty()) throw UsageError{"--preset and --quantize both choose types; give one of them"};
  }
  if (!imatrix.empty() && !any()) throw UsageError{"--imatrix requires --preset or --quantize"};
  if (!type_options.empty() && preset_name.empty()) throw UsageError{"--tensor-type requires --preset"};
  for (const std::string &option : type_options)
    types.push_back(parse_tensor_type(option));
}

std::string QuantizeOptions::why_not_selected(const std::string &name) const {
  if (!include.empty() && !any_matches(include, name)) return "not included";
  return any_matches(exclude, name) ? "excluded" : "";
}

std::vector<std::string> plan_preset(std::vector<PlannedArray> &arrays, const tensorfile::Dict &model,
                                     const QuantizeOptions &options, bool weighted) {
  tensorfile::QuantPlan plan = make_quant_plan(model, options);
  plan.set_weighted(weighted);
  for (const PlannedArray &array : arrays)
    plan.declare(array.name, array.from, array.shape);
  set_types(plan, arrays, options.types);
  plan.finish();
  std::vector<std::string> lines;
  lines.reserve(arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    PlannedArray &array = arrays[i];
    std::string why = options.why_not_selected(array.name);
    if (why.empty() && plan.dtype(i) == array.from) {
      why = tensorfile::bits(array.from) == 0 ? "already encoded" : "presets do not encode it";
    }
    if (why.empty()) array.to = plan.dtype(i);
    lines.push_back(escaped(array.name) + ": " +
                    (why.empty() ? std::string(tensorfile::name(array.from)) + " -> " + tensorfile::name(array.to)
                                 : kept_text(array) + why));
  }
  return lines;
}

// Q2_K_S is meant for q2_k with weights, except in the embeddings and the output.
bool needs_weights(tensorfile::Preset preset, const PlannedArray &array) {
  const bool may_lack_them = array.name == "output.weight" || is_embedding(array.name);
  return preset == tensorfile::Preset::q2_k_s && array.to == Dtype::q2_k && !may_lack_them;
}

std::vector<std::string> plan_blocks(std::vector<PlannedArray> &arrays, const QuantizeOptions &options) {
  std::vector<std::string> lines;
  lines.reserve(arrays.size());
  for (PlannedArray &array : arrays) {
    std::string line = escaped(array.name);
    line.append(": ").append(plan_array(array, options));
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace cli
