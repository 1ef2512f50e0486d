// The rules by which llama-quantize chooses the type of each tensor of a model.
#pragma once

#include "core/dict.h"
#include "quant/presets.h"

namespace tfile {

// What the rules need to know about a model.
struct ModelFacts {
  Text architecture;  // a static string, or "" for an architecture that has no rule of its own
  uint32_t layers = 0;
  uint32_t experts = 0;
  uint32_t grouping = 0;     // query heads for each key head
  bool is_70b = false;       // of the class of models whose small attn_v gets more bits
  bool is_weighted = false;  // there is an importance matrix
};

// Reads the facts from the metadata of a .gguf. Fails with INVALID_ARGUMENT if they lack general.architecture or the
// number of layers, and with TYPE if a value is not of the type that it has in a .gguf.
Status read_model_facts(ModelFacts &facts, const Dict &metadata);

// A tensor to choose a type for.
struct TensorForm {
  Text name;
  const Dtype *dtype = nullptr;
  Span<const int64_t> shape;
};

// Chooses the types of the tensors of a model one after the other, in the order of precedes().
class TensorRules {
 public:
  TensorRules(const Preset &preset, const ModelFacts &facts) : preset_(preset), facts_(facts) {}

  // Counts a tensor. Every tensor is counted before the first choice.
  void count(Text name);
  // Chooses the type of a tensor. `fixed` is a type that the user chose, or TF_DTYPE_UNSUPPORTED. A type whose blocks
  // do not divide the rows is replaced by one with smaller blocks. Fails with INVALID_ARGUMENT if the number of the
  // layer is needed and the name does not contain it, and with UNSUPPORTED if the preset must not encode the tensor
  // without an importance matrix.
  Status choose(tf_dtype &chosen, const TensorForm &tensor, tf_dtype fixed);

 private:
  // The position of a tensor among those of its role.
  struct Position {
    uint32_t index;
    uint32_t count;
  };

  tf_dtype choose_output(const TensorForm &tensor) const;
  tf_dtype choose_value();
  Status choose_down(tf_dtype &chosen, Text name);
  tf_dtype choose_attention_output() const;
  tf_dtype choose_key() const;
  tf_dtype choose_mxfp4(const TensorForm &tensor) const;
  Status choose_by_role(tf_dtype &chosen, const TensorForm &tensor);
  tf_dtype apply(const RoleRules &rules, Position position) const;
  bool applies(When when, Position position) const;

  const Preset &preset_;
  const ModelFacts &facts_;
  uint32_t values_ = 0;      // number of attn_v and similar tensors
  uint32_t next_value_ = 0;  // index of the next one
  uint32_t next_down_ = 0;   // index of the next ffn_down
  bool has_output_ = false;  // there is an output.weight, so that token_embd.weight is not the output as well
};

// True if a tensor comes before another one: first those outside of the layers, then layer by layer, each in the order
// of names.
bool precedes(Text a, Text b);

}  // namespace tfile
