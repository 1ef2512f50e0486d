// QuantPlan (tf_quant_plan): chooses the types of a model's arrays by the rules of a preset.
#pragma once

#include "base/arena.h"
#include "base/name_index.h"
#include "base/options.h"
#include "quant/tensor_rules.h"

struct tf_quant_plan {
  tf_quant_plan(tfile::Memory &from, const tfile::Preset &by)
      : memory(tfile::Ref<tfile::Memory>::share(&from)),
        preset(by),
        arena(from),
        tensors(from),
        index(from, name_at, this) {}
  tf_quant_plan(const tf_quant_plan &) = delete;
  tf_quant_plan &operator=(const tf_quant_plan &) = delete;

  void retain() { refs.increment(); }
  void release();

  // Adds an array. Fails with DUPLICATE if its name has been declared.
  tfile::Status declare(tfile::Text name, tf_dtype dtype, tfile::Span<const int64_t> shape);
  // Chooses the type of a declared array instead of the rules.
  tfile::Status set_dtype(size_t i, tf_dtype dtype);
  // Sets whether there is an importance matrix: 0 or 1.
  tfile::Status set_weighted(int32_t weighted);
  // Chooses the types of all arrays. Afterwards nothing can be changed.
  tfile::Status finish();
  // Returns the type of an array. Fails with INVALID_ARGUMENT before finish() has succeeded.
  tfile::Status get_dtype(tf_dtype *out, size_t i) const;

  tfile::RefCount refs;
  tfile::Ref<tfile::Memory> memory;
  const tfile::Preset &preset;
  tfile::ModelFacts facts;

 private:
  struct Tensor {
    tfile::TensorForm form;
    tf_dtype fixed;   // chosen by the user, or TF_DTYPE_UNSUPPORTED
    tf_dtype chosen;  // by finish()
  };

  static tfile::Text name_at(const void *owner, size_t i) {
    return static_cast<const tf_quant_plan *>(owner)->tensors[i].form.name;
  }
  tfile::Status check_unfinished() const;
  tfile::Status choose(Tensor &tensor, tfile::TensorRules &rules) const;

  tfile::Arena arena;
  tfile::Vec<Tensor> tensors;
  tfile::NameIndex index;
  bool finished = false;
};

namespace tfile {

using QuantPlan = ::tf_quant_plan;

// Makes a plan for a model with this metadata. Fails like read_model_facts(), and with INVALID_ARGUMENT if there is no
// such preset.
Status make_quant_plan(Ref<QuantPlan> &out, tf_preset preset, const Dict &metadata, const Settings &settings);

}  // namespace tfile
