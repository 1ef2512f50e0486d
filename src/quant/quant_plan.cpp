#include "quant/quant_plan.h"

#include <algorithm>

#include "base/error.h"
#include "quant/encode.h"

using namespace tfile;

namespace {

// float8_e8m0fnu is not among them: its values are the scales of other arrays.
bool is_encodable_source(const Dtype &dtype) {
  return dtype.kind == DtypeClass::kFloat && dtype.id != TF_DTYPE_FLOAT8_E8M0FNU;
}

}  // namespace

void tf_quant_plan::release() {
  if (!refs.decrement()) return;
  const Ref<Memory> from = memory;
  destroy(*from, this);
}

Status tf_quant_plan::check_unfinished() const {
  if (!finished) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << "the plan of types is finished";
}

Status tf_quant_plan::declare(Text name, tf_dtype dtype, Span<const int64_t> shape) {
  TFILE_TRY(check_unfinished());
  TFILE_TRY(check_key(name));
  uint64_t nbytes = 0;
  TFILE_TRY(check_shape(&nbytes, dtype, shape));
  Tensor tensor{{{}, find_dtype(dtype), {}}, TF_DTYPE_UNSUPPORTED, dtype};
  TFILE_TRY(arena.copy(&tensor.form.name, name));
  TFILE_TRY(arena.copy(&tensor.form.shape, shape));
  TFILE_TRY(tensors.push(tensor));
  size_t found = NameIndex::kNone;
  const Status status = index.add(&found, name);
  if (status.ok() && found == NameIndex::kNone) return kOk;
  tensors.pop();
  TFILE_TRY(status);
  return Failure(TF_STATUS_DUPLICATE).array(name) << "is declared twice";
}

Status tf_quant_plan::set_dtype(size_t i, tf_dtype dtype) {
  TFILE_TRY(check_unfinished());
  TFILE_TRY(check_index(i, tensors.size()));
  const Dtype *const wanted = find_dtype(dtype);
  const bool is_type = wanted != nullptr && (wanted->is_block() || is_encodable_source(*wanted));
  if (!is_type) {
    return Failure(TF_STATUS_INVALID_ARGUMENT).array(tensors[i].form.name)
           << "there is no block type or float dtype " << dtype << " to encode it in";
  }
  if (const char *const reason = why_decoded_only(*wanted); reason != nullptr) {
    return Failure(TF_STATUS_UNSUPPORTED).array(tensors[i].form.name)
           << wanted->name << " can only be decoded: " << reason;
  }
  tensors[i].fixed = dtype;
  return kOk;
}

Status tf_quant_plan::set_weighted(int32_t weighted) {
  TFILE_TRY(check_unfinished());
  if (weighted != 0 && weighted != 1) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "weighted takes 0 or 1, not " << weighted;
  }
  facts.is_weighted = weighted == 1;
  return kOk;
}

// Arrays of integers keep their dtype, whatever their names are.
Status tf_quant_plan::choose(Tensor &tensor, TensorRules &rules) const {
  const Dtype &dtype = *tensor.form.dtype;
  tf_dtype chosen = dtype.id;
  TFILE_TRY(rules.choose(chosen, tensor.form, tensor.fixed));
  if (dtype.is_block() && chosen != dtype.id) {
    return Failure(TF_STATUS_UNSUPPORTED).array(tensor.form.name)
           << "is " << dtype.name << " already, and encoding it again as " << find_dtype(chosen)->name
           << " would lose accuracy; quantize the model that it was made from";
  }
  tensor.chosen = is_encodable_source(dtype) ? chosen : dtype.id;
  return kOk;
}

Status tf_quant_plan::finish() {
  TFILE_TRY(check_unfinished());
  Vec<Tensor *> order(*memory);
  TFILE_TRY(order.reserve(tensors.size()));
  TensorRules rules(preset, facts);
  for (Tensor &tensor : tensors) {
    rules.count(tensor.form.name);
    TFILE_TRY(order.push(&tensor));
  }
  std::sort(order.begin(), order.end(),
            [](const Tensor *a, const Tensor *b) { return precedes(a->form.name, b->form.name); });
  for (Tensor *const tensor : order)
    TFILE_TRY(choose(*tensor, rules));
  finished = true;
  return kOk;
}

Status tf_quant_plan::get_dtype(tf_dtype *out, size_t i) const {
  if (!finished) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "the plan of types is not finished: tf_quant_plan_finish()";
  }
  TFILE_TRY(check_index(i, tensors.size()));
  *out = tensors[i].chosen;
  return kOk;
}

namespace tfile {

Status make_quant_plan(Ref<QuantPlan> &out, tf_preset id, const Dict &metadata, const Settings &settings) {
  const Preset *const preset = find_preset(id);
  if (preset == nullptr) return Failure(TF_STATUS_INVALID_ARGUMENT) << "there is no preset " << id;
  QuantPlan *made = nullptr;
  TFILE_TRY(make(&made, settings.memory(), settings.memory(), *preset));
  Ref<QuantPlan> plan = Ref<QuantPlan>::adopt(made);
  TFILE_TRY(read_model_facts(plan->facts, metadata));
  out = std::move(plan);
  return kOk;
}

}  // namespace tfile
