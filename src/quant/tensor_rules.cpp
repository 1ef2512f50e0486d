#include "quant/tensor_rules.h"

#include "base/error.h"
#include "quant/encode.h"

namespace tfile {

namespace {

constexpr uint32_t kNoLayer = UINT32_MAX;

bool contains(Text text, Text part) {
  for (size_t i = 0; i + part.size() <= text.size(); ++i) {
    if (Text(text.from(i)).starts_with(part)) return true;
  }
  return part.empty();
}

// Returns the N of a name that begins with "blk.N", or kNoLayer.
uint32_t layer_of(Text name) {
  constexpr Text kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return kNoLayer;
  uint32_t layer = 0;
  size_t digits = 0;
  for (const char c : name.from(kPrefix.size())) {
    if (c < '0' || c > '9' || digits == 9) break;
    layer = layer * 10 + static_cast<uint32_t>(c - '0');
    ++digits;
  }
  return digits == 0 ? kNoLayer : layer;
}

enum class Role : uint8_t { kOutput, kEmbedding, kValue, kKey, kAttentionOutput, kUp, kGate, kDown, kOther };

struct RolePart {
  Text part;  // of the name
  Role role;
};
// The first row whose part the name contains counts.
constexpr RolePart kRoleParts[] = {
    {"attn_qkv.weight", Role::kValue},
    {"attn_kv_b.weight", Role::kValue},
    {"attn_v.weight", Role::kValue},
    {"attn_k.weight", Role::kKey},
    {"attn_q.weight", Role::kOther},
    {"attn_output.weight", Role::kAttentionOutput},
    {"ffn_up", Role::kUp},
    {"ffn_gate", Role::kGate},
    {"ffn_down", Role::kDown},
};

Role role_of(Text name) {
  if (name == "output.weight") return Role::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return Role::kEmbedding;
  for (const RolePart &row : kRoleParts) {
    if (contains(name, row.part)) return row.role;
  }
  return Role::kOther;
}

// Parts of the names of tensors that are too small, or too sensitive, to be encoded.
constexpr Text kKeptParts[] = {
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
    ".position_embd",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
    "a.rvq.codebook",
    "mm.a.code_embd",
};

constexpr Text kGlm5Next = "glm5-next";
constexpr Text kFalcon = "falcon";
constexpr Text kBailingMoe3 = "bailingmoe3";

constexpr Text kKeptPartsOfGlm5Next[] = {
    "hc_",
    "indexer.attn_q_b",
    "indexer.attn_k",
    "indexer.proj",
    "indexer_compressor_gate",
    "indexer_compressor_ape",
    "ssm_f_a.weight",
    "ssm_f_b.weight",
    "ssm_g_a.weight",
    "ssm_g_b.weight",
    "ssm_beta.weight",
    "attn_kv_a_mqa.weight",
    "attn_k_b.weight",
    "attn_v_b.weight",
};
constexpr Text kQ8PartsOfGlm5Next[] = {"attn_q_a", "attn_q_b", "nextn.eh_proj"};

template <size_t count>
bool contains_any(Text name, const Text (&parts)[count]) {
  for (const Text part : parts) {
    if (contains(name, part)) return true;
  }
  return false;
}

// Returns the number of dimensions without those of size 1 that precede the others.
size_t effective_rank(Span<const int64_t> shape) {
  size_t first = 0;
  while (first < shape.size() && shape[first] == 1)
    ++first;
  return shape.size() - first;
}

bool is_encoded(const TensorForm &tensor, const ModelFacts &facts) {
  const Text name = tensor.name;
  if (effective_rank(tensor.shape) < 2 || !name.ends_with("weight")) return false;
  if (name == "position_embd.weight" || name == "token_types.weight") return false;
  if (contains_any(name, kKeptParts)) return false;
  return facts.architecture != kGlm5Next || !contains_any(name, kKeptPartsOfGlm5Next);
}

bool fits(const TensorForm &tensor, tf_dtype dtype) {
  return tensor.shape[tensor.shape.size() - 1] % find_dtype(dtype)->block_size == 0;
}

struct Fallback {
  tf_dtype dtype;
  tf_dtype smaller;  // a type with blocks of 32 and about as many bits
};
constexpr Fallback kFallbacks[] = {
    {TF_DTYPE_Q2_K, TF_DTYPE_Q4_0},  {TF_DTYPE_Q3_K, TF_DTYPE_Q4_0},     {TF_DTYPE_TQ1_0, TF_DTYPE_Q4_0},
    {TF_DTYPE_TQ2_0, TF_DTYPE_Q4_0}, {TF_DTYPE_IQ4_XS, TF_DTYPE_IQ4_NL}, {TF_DTYPE_Q4_K, TF_DTYPE_Q5_0},
    {TF_DTYPE_Q5_K, TF_DTYPE_Q5_1},  {TF_DTYPE_Q6_K, TF_DTYPE_Q8_0},
};

tf_dtype fit(const TensorForm &tensor, tf_dtype dtype) {
  if (fits(tensor, dtype)) return dtype;
  for (const Fallback &row : kFallbacks) {
    if (row.dtype == dtype && fits(tensor, row.smaller)) return row.smaller;
  }
  return TF_DTYPE_FLOAT16;
}

// Models of these architectures and numbers of layers are of the 70B class.
struct Class70B {
  Text architecture;
  uint32_t layers;
};
constexpr Class70B k70B[] = {{"llama", 80}, {"llama-embed", 80}, {"qwen2", 80},
                             {"deci", 80},  {"olmo", 80},        {"jais2", 68}};

constexpr Text kArchitectures[] = {kGlm5Next, kFalcon, kBailingMoe3};

// Reads numbers of the metadata whose keys begin with the name of the architecture.
class ModelKeys {
 public:
  ModelKeys(const Dict &metadata, Text architecture) : metadata_(metadata), architecture_(architecture) {}

  // Reads a number, or the first one of a list. *found says if there is such a key.
  Status read(uint32_t &number, bool *found, Text key) const {
    const DictEntry *const entry = find(key);
    *found = entry != nullptr;
    if (entry == nullptr) return kOk;
    int64_t value = 0;
    const bool is_array = entry->kind == TF_KIND_ARRAY;
    if (is_array && entry->array->size > 0) {
      const int64_t first[kMaxRank] = {};
      TFILE_TRY(item_int64(&value, *entry->array, {first, entry->array->ndim}));
    }
    if (!is_array || value < 0 || value > INT32_MAX) {
      return Failure(TF_STATUS_TYPE).key(entry->key) << "must be a number from 0 to 2147483647, or a list of them";
    }
    number = static_cast<uint32_t>(value);
    return kOk;
  }

 private:
  // Finds "ARCHITECTURE.key".
  const DictEntry *find(Text key) const {
    for (size_t i = 0; i < metadata_.size(); ++i) {
      const Text whole = metadata_.at(i).key;
      if (whole.size() == architecture_.size() + 1 + key.size() && whole.starts_with(architecture_) &&
          whole[architecture_.size()] == '.' && whole.ends_with(key)) {
        return &metadata_.at(i);
      }
    }
    return nullptr;
  }

  const Dict &metadata_;
  Text architecture_;
};

Status read_heads(ModelFacts &facts, uint32_t &heads, uint32_t &key_heads, const ModelKeys &keys) {
  bool found = false;
  TFILE_TRY(keys.read(heads, &found, "attention.head_count"));
  key_heads = heads;
  TFILE_TRY(keys.read(key_heads, &found, "attention.head_count_kv"));
  facts.grouping = key_heads == 0 ? 0 : heads / key_heads;
  return kOk;
}

bool is_70b(const ModelFacts &facts, Text architecture, uint32_t layers, bool is_grouped) {
  for (const Class70B &row : k70B) {
    if (row.architecture != architecture || row.layers != layers) continue;
    // Among the Llamas of 80 layers there is also one of 65B, whose heads are not grouped, and there are mixtures.
    return !architecture.starts_with("llama") || (is_grouped && facts.experts != 8);
  }
  return false;
}

}  // namespace

Status read_model_facts(ModelFacts &facts, const Dict &metadata) {
  constexpr Text kArchitecture = "general.architecture";
  const DictEntry *entry = nullptr;
  if (metadata.find(kArchitecture) == nullptr) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).key(kArchitecture) << "is missing; a preset needs it to choose types";
  }
  TFILE_TRY(metadata.get(&entry, kArchitecture, TF_KIND_STRING));
  const Text architecture = entry->string;
  for (const Text known : kArchitectures) {
    if (known == architecture) facts.architecture = known;
  }
  const ModelKeys keys(metadata, architecture);
  bool found = false;
  TFILE_TRY(keys.read(facts.layers, &found, "block_count"));
  if (!found || facts.layers == 0) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "the metadata has no number of layers, " << architecture
                                               << ".block_count; a preset needs it to choose types";
  }
  uint32_t predicted = 0;
  uint32_t heads = 0;
  uint32_t key_heads = 0;
  TFILE_TRY(keys.read(predicted, &found, "nextn_predict_layers"));
  TFILE_TRY(keys.read(facts.experts, &found, "expert_count"));
  TFILE_TRY(read_heads(facts, heads, key_heads, keys));
  facts.is_70b = predicted <= facts.layers && is_70b(facts, architecture, facts.layers - predicted, heads != key_heads);
  return kOk;
}

void TensorRules::count(Text name) {
  const Role role = role_of(name);
  if (role == Role::kValue) ++values_;
  if (role == Role::kOutput) has_output_ = true;
}

bool TensorRules::applies(When when, Position position) const {
  const uint32_t index = position.index;
  const uint32_t eighth = position.count / 8;
  switch (when) {
    case When::kNever:
      return false;
    case When::kAlways:
      return true;
    case When::kGrouped:
      return facts_.grouping >= 4;
    case When::kFirstTwo:
      return index < 2;
    case When::kFirstFour:
      return index < 4;
    case When::kFirstSixteenth:
      return index < position.count / 16;
    case When::kFirstEighth:
      return index < eighth;
    case When::kEighthPlain:
      return !facts_.is_weighted && index < eighth;
    case When::kEighthWeighted:
      return facts_.is_weighted && index < eighth;
    case When::kSensitive:
      return index < eighth || index >= uint64_t{7} * position.count / 8 || (index - eighth) % 3 == 2;
  }
  return false;
}

tf_dtype TensorRules::apply(const RoleRules &rules, Position position) const {
  for (const TypeRule &rule : rules.rules) {
    if (applies(rule.when, position)) return rule.dtype;
  }
  return preset_.dtype;
}

tf_dtype TensorRules::choose_output(const TensorForm &tensor) const {
  const bool is_wide = preset_.id == TF_PRESET_MXFP4_MOE || preset_.dtype == TF_DTYPE_Q8_0;
  if (is_wide || facts_.architecture == kFalcon || !fits(tensor, preset_.dtype)) return TF_DTYPE_Q8_0;
  return TF_DTYPE_Q6_K;
}

tf_dtype TensorRules::choose_value() {
  tf_dtype chosen = apply(preset_.value, {next_value_++, values_});
  if (facts_.is_70b && (chosen == TF_DTYPE_Q3_K || chosen == TF_DTYPE_Q4_K)) chosen = TF_DTYPE_Q5_K;
  return facts_.experts == 8 ? TF_DTYPE_Q8_0 : chosen;
}

Status TensorRules::choose_down(tf_dtype &chosen, Text name) {
  uint32_t layer = next_down_++;
  if (facts_.experts > 1) {
    // A layer can have several of these tensors, so only the name says which layer it is.
    layer = layer_of(name);
    if (layer >= facts_.layers) {
      return Failure(TF_STATUS_INVALID_ARGUMENT).array(name)
             << "the name must begin with \"blk.N.\", where N is less than the number of layers, " << facts_.layers;
    }
  }
  chosen = apply(facts_.architecture == kFalcon ? preset_.falcon_down : preset_.down, {layer, facts_.layers});
  return kOk;
}

tf_dtype TensorRules::choose_attention_output() const {
  if (facts_.architecture == kFalcon) return apply(preset_.falcon_attention_output, {});
  return apply(facts_.experts == 8 ? preset_.eight_attention_output : preset_.attention_output, {});
}

tf_dtype TensorRules::choose_key() const {
  return facts_.experts == 8 ? TF_DTYPE_Q8_0 : preset_.dtype;
}

// The experts of a layer are one tensor of 3 dimensions.
tf_dtype TensorRules::choose_mxfp4(const TensorForm &tensor) const {
  const size_t rank = tensor.shape.size();
  if (rank < 3 || tensor.shape[rank - 3] <= 1) return TF_DTYPE_Q8_0;
  const Role role = role_of(tensor.name);
  const bool is_expert = role == Role::kUp || role == Role::kGate || role == Role::kDown;
  return is_expert || facts_.architecture != kBailingMoe3 ? TF_DTYPE_MXFP4 : TF_DTYPE_Q8_0;
}

Status TensorRules::choose_by_role(tf_dtype &chosen, const TensorForm &tensor) {
  const Role role = role_of(tensor.name);
  chosen = preset_.dtype;
  if (facts_.architecture == kGlm5Next && contains_any(tensor.name, kQ8PartsOfGlm5Next)) {
    chosen = TF_DTYPE_Q8_0;
  } else if (role == Role::kOutput || (role == Role::kEmbedding && !has_output_)) {
    chosen = choose_output(tensor);
  } else if (preset_.id == TF_PRESET_MXFP4_MOE) {
    chosen = choose_mxfp4(tensor);
  } else if (role == Role::kEmbedding) {
    chosen = apply(preset_.embedding, {});
  } else if (role == Role::kValue) {
    chosen = choose_value();
  } else if (role == Role::kKey) {
    chosen = choose_key();
  } else if (role == Role::kDown) {
    return choose_down(chosen, tensor.name);
  } else if (role == Role::kAttentionOutput) {
    chosen = choose_attention_output();
  }
  return kOk;
}

Status TensorRules::choose(tf_dtype &chosen, const TensorForm &tensor, tf_dtype fixed) {
  chosen = tensor.dtype->id;
  if (!is_encoded(tensor, facts_)) return kOk;
  tf_dtype wanted = fixed;
  if (fixed == TF_DTYPE_UNSUPPORTED) TFILE_TRY(choose_by_role(wanted, tensor));
  wanted = fit(tensor, wanted);
  const Role role = role_of(tensor.name);
  if (preset_.id == TF_PRESET_Q2_K_S && wanted == TF_DTYPE_Q2_K && !facts_.is_weighted && role != Role::kOutput &&
      role != Role::kEmbedding) {
    return Failure(TF_STATUS_UNSUPPORTED).array(tensor.name)
           << "the preset Q2_K_S encodes it in q2_k, which loses too much without an importance matrix";
  }
  chosen = wanted;
  return kOk;
}

bool precedes(Text a, Text b) {
  // kNoLayer + 1 is 0, so that tensors outside of the layers come first.
  const uint32_t layer_of_a = layer_of(a) + 1;
  const uint32_t layer_of_b = layer_of(b) + 1;
  return layer_of_a != layer_of_b ? layer_of_a < layer_of_b : compare(a, b) < 0;
}

}  // namespace tfile
