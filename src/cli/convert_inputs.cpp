#include "cli/convert_inputs.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "cli/error_output.h"
#include "cli/file_path.h"
#include "cli/file_type.h"
#include "cli/input_file.h"
#include "cli/input_set.h"
#include "cli/metadata.h"
#include "cli/remote.h"
#include "cli/selection.h"
#include "cli/text.h"

namespace cli {

using tensorfile::Ability;
using tensorfile::Dtype;

namespace {

// Throws the library's error for an array of an unknown dtype, and names the option that leaves such arrays out.
void require_convertible(const Entry &entry) {
  try {
    require_known_dtype(entry);
  } catch (const tensorfile::Error &error) {
    throw tensorfile::Error(error.status(), std::string(error.what()) + "; --skip-unsupported leaves it out");
  }
}

bool is_left_out(const ConvertRequest &request, const Entry &entry) {
  return request.input.skip_unsupported && entry.dtype() == Dtype::unsupported;
}

// Returns the name of the array of an .npy before it is renamed. With several inputs it is named after its file.
std::string name_of_single(const ConvertRequest &request, const ConvertInput &input) {
  if (request.name) return *request.name;
  if (request.in.size() == 1) return "arr_0";
  const std::u8string stem = file_path(shown_argument(input.path)).stem().u8string();
  return {stem.begin(), stem.end()};
}

// Plans the arrays of the inputs, and makes sure that their names differ.
class ArrayPlanner {
 public:
  ArrayPlanner(ConvertPlan &plan, const ConvertRequest &request)
      : plan_(plan), request_(request), selection_(request.selection) {}

  void add(size_t input) {
    const tensorfile::File &file = plan_.inputs[input].file;
    weights_.reset();
    if (!request_.decode.text.empty()) weights_ = std::make_unique<MlxWeights>(file, request_.decode);
    if (holds_one_array(file.format())) {
      add(input, file.at(0), name_of_single(request_, plan_.inputs[input]));
    } else if (request_.name) {
      add(input, find_array(file, plan_.inputs[input].path, *request_.name), *request_.name);
    } else {
      for (const Entry &entry : file)
        add(input, entry, std::string(entry.name()));
    }
  }

  void finish() const {
    selection_.require_effect();
    if (!request_.decode.text.empty() && !any_weight_) {
      throw UsageError{
          "--decode: no array is a weight that MLX has quantized: NAME.weight of uint32 with NAME.scales "
          "and NAME.biases"};
    }
  }

 private:
  void add(size_t input, const Entry &entry, const std::string &name) {
    if (weights_ && weights_->is_companion(entry.name())) return;
    std::optional<std::string> renamed = selection_.apply(name);
    if (!renamed || is_left_out(request_, entry)) return;
    require_convertible(entry);
    const auto [twin, is_new] = names_.emplace(*renamed, std::pair(input, name));
    if (!is_new) throw clash(*renamed, twin->second.first, twin->second.second, input, name);
    std::optional<MlxWeight> weight = weights_ ? weights_->find(entry) : std::nullopt;
    any_weight_ = any_weight_ || weight;
    const Dtype from = weight ? weight->dtype : entry.dtype();
    const auto shape = entry.shape();
    plan_.arrays.push_back({input, entry.index(), std::move(*renamed), from, request_.dtype_of(name, from),
                            weight ? weight->shape : std::vector<int64_t>(shape.begin(), shape.end()),
                            std::move(weight)});
  }

  tensorfile::Error clash(const std::string &renamed, size_t first, const std::string &first_name, size_t second,
                          const std::string &second_name) const {
    std::string text = "several arrays would be named " + in_quotes(renamed) + ": ";
    text += in_quotes(first_name) + " of " + argument_text(plan_.inputs[first].path) + " and " +
            in_quotes(second_name) + " of " + argument_text(plan_.inputs[second].path);
    // With one name in both files, an option that matches one of the arrays matches the other too.
    const char *const way_out =
        first_name == second_name
            ? "; --drop and --rename would change both, so convert one of the files by itself first"
            : "; leave one out with --drop, or give it another name with --rename";
    return {tensorfile::Status::duplicate, text + way_out};
  }

  ConvertPlan &plan_;
  const ConvertRequest &request_;
  Selection selection_;
  std::unique_ptr<MlxWeights> weights_;  // of the input that is being added
  bool any_weight_ = false;
  std::map<std::string, std::pair<size_t, std::string>> names_;  // input and old name by the name in OUT
};

// The keys that say which part of a set a .gguf is. Readers look for the other parts of a file that has them.
constexpr std::string_view kPartKeys[] = {"split.no", "split.count", "split.tensors.count"};

bool is_text(const tensorfile::Dict::Entry &entry) {
  return entry.kind() == tensorfile::Kind::string || entry.kind() == tensorfile::Kind::string_list;
}

// Merges the metadata of the inputs.
class MetadataPlanner {
 public:
  MetadataPlanner(ConvertPlan &plan, const ConvertRequest &request) : plan_(plan), request_(request) {}

  // MLX cannot read an .npz with text members, so from other formats they are only written when the user asks for them.
  void add(const ConvertInput &input) {
    const bool asks = tensorfile::ability(request_.format, Ability::text_members) != 0 &&
                      tensorfile::ability(input.file.format(), Ability::text_members) == 0 &&
                      !request_.metadata.as_strings();
    const bool is_same_part = have_same_number(shown_argument(input.path), request_.out);
    const tensorfile::Dict metadata = input.file.metadata();
    for (const tensorfile::Dict::Entry &entry : metadata) {
      if (!is_same_part && is_part_key(input, entry.key())) {
        all_.set(entry);
        continue;
      }
      const bool kept = keep(entry, input.path);
      if (!kept || request_.metadata.drops()) continue;
      if (asks && is_text(entry)) {
        if (!request_.edits.replaces(entry.key())) {
          plan_.unasked.push_back("metadata " + in_quotes(entry.key()) + " (only with --metadata strings)");
        }
      } else {
        request_.metadata.add(plan_.metadata, entry, request_.format);
      }
    }
  }

  void finish() {
    request_.edits.apply(plan_.metadata, all_);
    if (tensorfile::ability(request_.format, Ability::text_members) == 0) return;
    for (const PlannedArray &array : plan_.arrays) {
      if (plan_.metadata.contains(array.name)) throw clash(array);
    }
  }

  // Returns the metadata that describe the model, also those that OUT does not get.
  tensorfile::Dict of_model() const {
    tensorfile::Dict model = all_.copy();
    request_.edits.apply(model, all_);
    return model;
  }

 private:
  static bool is_part_key(const ConvertInput &input, std::string_view key) {
    const bool has_keys = tensorfile::ability(input.file.format(), Ability::model_keys) != 0;
    return has_keys && std::find(std::begin(kPartKeys), std::end(kPartKeys), key) != std::end(kPartKeys);
  }

  // Makes the error for an array and a metadata value that would be one member of OUT.
  tensorfile::Error clash(const PlannedArray &array) const {
    const auto from = from_.find(array.name);
    const bool is_set = from == from_.end() || request_.edits.replaces(array.name);
    const std::string name = in_quotes(array.name);
    return {tensorfile::Status::duplicate,
            "array " + name + " of " + argument_text(plan_.inputs[array.input].path) + " and metadata " + name +
                " of " + (is_set ? "--set" : argument_text(from->second)) +
                " would be the same member; --rename gives the array another name, --drop leaves it out, --delete "
                "removes the value"};
  }

  // Keeps a value of an input, unless an earlier input has the same. Throws if it has another one that OUT would get.
  bool keep(const tensorfile::Dict::Entry &entry, const std::string &path) {
    const std::string key(entry.key());
    if (!all_.contains(key)) {
      all_.set(entry);
      from_.emplace(key, path);
      return true;
    }
    if (!same_value(all_.at(key), entry) && !request_.metadata.drops() && !request_.edits.replaces(key)) {
      throw tensorfile::Error(tensorfile::Status::duplicate,
                              "metadata " + in_quotes(key) + " has different values in " +
                                  argument_text(from_.at(key)) + " and " + argument_text(path) +
                                  "; choose one with --set, or remove it with --delete");
    }
    return false;
  }

  ConvertPlan &plan_;
  const ConvertRequest &request_;
  tensorfile::Dict all_;                     // the metadata of all inputs, also what OUT does not get
  std::map<std::string, std::string> from_;  // the input of each key
};

// Plans the dtypes of the arrays in OUT, and the metadata about them.
void plan_types(ConvertPlan &plan, const ConvertRequest &request, const MetadataPlanner &metadata) {
  const bool has_types = tensorfile::ability(request.format, Ability::model_keys) != 0;
  const QuantizeOptions &quantize = request.quantize;
  if (quantize.preset != tensorfile::Preset::none) {
    plan.decisions = plan_preset(plan.arrays, metadata.of_model(), quantize, !plan.importance.empty());
    if (has_types) set_file_type(plan.metadata, quantize.preset);
    return;
  }
  if (quantize.any()) plan.decisions = plan_blocks(plan.arrays, quantize);
  if (has_types && (quantize.any() || !request.casts.empty())) {
    update_file_type(plan.metadata, plan.arrays, quantize.any());
  }
}

// Plans with which weights the arrays are encoded, and the metadata about them.
void plan_weights(ConvertPlan &plan, const ConvertRequest &request) {
  for (PlannedArray &array : plan.arrays) {
    if (tensorfile::bits(array.to) != 0 || array.to == array.from) continue;
    array.weights = plan.importance.weights_of(array.name, array.shape);
    if (!array.weights && needs_weights(request.quantize.preset, array)) {
      throw tensorfile::Error(tensorfile::Status::unsupported, "the importance matrix has no weights for array " +
                                                                   in_quotes(array.name) + ", which " +
                                                                   tensorfile::name(request.quantize.preset) +
                                                                   " encodes in " + tensorfile::name(array.to));
    }
  }
  if (tensorfile::ability(request.format, Ability::model_keys) != 0) plan.importance.describe(plan.metadata);
}

void set_options(ConvertPlan &plan, const ConvertRequest &request) {
  plan.options = library_options(request.input);
  plan.progress.watch(plan.options);
  plan.options.set(tensorfile::Option::exact_path, 1);
  if (request.map) plan.options.set(tensorfile::Option::load_mode, tensorfile::LoadMode::map);
}

void set_save_options(ConvertPlan &plan, const ConvertRequest &request) {
  if (request.part_bytes > 0) plan.options.set(tensorfile::Option::part_bytes, request.part_bytes);
  if (request.compress) plan.options.set(tensorfile::Option::compress, 1);
  // Ranks and names that few readers accept stay as they are if the format does.
  for (const ConvertInput &input : plan.inputs) {
    if (input.file.format() != request.format) continue;
    plan.options.set(tensorfile::Option::gguf_extended, 1);
    plan.save_options.set(tensorfile::Option::gguf_extended, 1);
  }
}

}  // namespace

void make_plan(ConvertPlan &plan, const ConvertRequest &request, std::string_view &subject) {
  set_options(plan, request);
  ArrayPlanner arrays(plan, request);
  MetadataPlanner metadata(plan, request);
  for (const std::string &path : request.in) {
    subject = path;
    plan.inputs.push_back({path, open_file(path, plan.options)});
    arrays.add(plan.inputs.size() - 1);
    metadata.add(plan.inputs.back());
  }
  arrays.finish();
  set_save_options(plan, request);
  if (!request.quantize.imatrix.empty()) {
    subject = request.quantize.imatrix;
    plan.importance.read(request.quantize.imatrix);
    subject = request.in.back();
  }
  plan_types(plan, request, metadata);
  if (!plan.importance.empty()) plan_weights(plan, request);
  subject = request.out;
  metadata.finish();
}

uint64_t bytes_of(Dtype dtype, std::span<const int64_t> shape) {
  const auto elements = static_cast<uint64_t>(element_count(shape));
  return elements / tensorfile::block_size(dtype) * tensorfile::block_bytes(dtype);
}

void declare_output(tensorfile::Writer &writer, const ConvertPlan &plan) {
  if (!plan.metadata.empty()) writer.metadata(plan.metadata);
  for (const PlannedArray &planned : plan.arrays)
    writer.declare(planned.name, planned.to, planned.shape);
}

void print_left_out(const ConvertPlan &plan, const ConvertRequest &request) {
  for (const ConvertInput &input : plan.inputs) {
    for (const Entry &entry : input.file) {
      if (is_left_out(request, entry)) note_left_out(input.path, entry);
    }
    for (const std::string_view name : input.file.other_names())
      note(input.path, "left out " + in_quotes(name) + ", which is not an array");
    print_notes(input.path, input.file);
  }
}

}  // namespace cli
