#include "base/error.h"
#include "core/array.h"

namespace tfile {

namespace {

constexpr int64_t kUnknown = -1;

// Replaces the size that is -1, if there is one, by the quotient of the number of elements and the other sizes.
Status resolve_unknown(int64_t *sizes, Span<const int64_t> shape, int64_t elements) {
  size_t unknown = shape.size();
  Checked known = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    sizes[i] = shape[i];
    if (shape[i] != kUnknown) {
      known = known * Checked::from_signed(shape[i]);
    } else if (unknown == shape.size()) {
      unknown = i;
    } else {
      return (Failure(TF_STATUS_INVALID_ARGUMENT) << "shape ").shape(shape) << " has more than one size of -1";
    }
  }
  if (unknown == shape.size() || !known.valid()) return kOk;
  const auto total = static_cast<uint64_t>(elements);
  if (known.value() == 0 || total % known.value() != 0) {
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "the -1 in shape ").shape(shape)
           << " does not follow from the number of elements of the array, " << elements;
  }
  sizes[unknown] = static_cast<int64_t>(total / known.value());
  return kOk;
}

// Resolves a shape from the user and checks that it has as many elements as the array.
Status resolve_shape(Form *form, int64_t *sizes, const Array &array, Span<const int64_t> shape) {
  if (shape.size() <= kMaxRank) {
    TFILE_TRY(resolve_unknown(sizes, shape, array.size));
    shape = Span<const int64_t>(sizes, shape.size());
  }
  const Checked count = element_count(shape);
  if (shape.size() <= kMaxRank && count.valid() && count.value() != static_cast<uint64_t>(array.size)) {
    return (Failure(TF_STATUS_INVALID_ARGUMENT) << "the array and shape ").shape(shape)
           << " differ in their number of elements: " << array.size << " and " << count.value();
  }
  return form->read(array.dtype->id, shape.data(), shape.size());
}

// Axes of the old and the new shape that have the same number of elements, which no smaller group has.
struct Group {
  size_t old_first, old_end;
  size_t new_first, new_end;

  Group(size_t at_old, size_t at_new, const int64_t *old_shape, const int64_t *new_shape)
      : old_first(at_old), old_end(at_old + 1), new_first(at_new), new_end(at_new + 1) {
    int64_t old_count = old_shape[at_old];
    int64_t new_count = new_shape[at_new];
    while (old_count != new_count) {
      if (new_count < old_count) {
        new_count *= new_shape[new_end++];
      } else {
        old_count *= old_shape[old_end++];
      }
    }
  }
  // True if the old axes are dense with respect to each other, so that one stride describes all of them.
  bool is_run(const int64_t *shape, const int64_t *strides) const {
    for (size_t i = old_first; i + 1 < old_end; ++i) {
      int64_t step = 0;
      if (__builtin_mul_overflow(shape[i + 1], strides[i + 1], &step) || strides[i] != step) return false;
    }
    return true;
  }
};

// Computes the strides of a view with the new shape. Returns false if no strides describe it. Neither shape is empty.
bool view_strides(int64_t *strides, const Array &array, Span<const int64_t> shape) {
  int64_t old_shape[kMaxRank];
  int64_t old_strides[kMaxRank];
  size_t old_rank = 0;
  for (size_t i = 0; i < array.ndim; ++i) {
    if (array.shape()[i] == 1) continue;
    old_shape[old_rank] = array.shape()[i];
    old_strides[old_rank++] = array.strides()[i];
  }
  size_t at_old = 0;
  size_t at_new = 0;
  while (at_old < old_rank) {
    const Group group(at_old, at_new, old_shape, shape.data());
    if (!group.is_run(old_shape, old_strides)) return false;
    int64_t step = old_strides[group.old_end - 1];
    for (size_t i = group.new_end; i-- > group.new_first;) {
      strides[i] = step;
      if (__builtin_mul_overflow(step, shape[i], &step)) return false;
    }
    at_old = group.old_end;
    at_new = group.new_end;
  }
  for (; at_new < shape.size(); ++at_new)
    strides[at_new] = array.dtype->block_bytes;
  return true;
}

}  // namespace

Status reshape(Ref<Array> &out, Memory &memory, const Array &array, Span<const int64_t> shape) {
  int64_t sizes[kMaxRank];
  int64_t strides[kMaxRank];
  Form form;
  TFILE_TRY(resolve_shape(&form, sizes, array, shape));
  const bool dense = is_contiguous(array);
  if (dense || view_strides(strides, array, form.shape)) {
    return make_array(out, memory, *array.dtype, form.shape, dense ? nullptr : strides, array.buffer, array.data);
  }
  Ref<Array> dense_copy;
  TFILE_TRY(copy(dense_copy, memory, array));
  return make_array(out, memory, *array.dtype, form.shape, nullptr, dense_copy->buffer, dense_copy->data);
}

}  // namespace tfile
