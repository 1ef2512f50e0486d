#include "core/dtype.h"

#include "base/letter_case.h"
#include "core/dtype_table.h"

namespace tfile {

const Dtype *find_dtype(tf_dtype id) {
  size_t low = 0;
  size_t high = kDtypeCount;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (kDtypes[middle].id == id) return &kDtypes[middle];
    if (kDtypes[middle].id < id) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return nullptr;
}

const Dtype *find_dtype(Text name) {
  for (const Dtype &dtype : kDtypes) {
    if (dtype.is_block() ? equal_ignoring_case(dtype.name, name) : Text(dtype.name) == name) return &dtype;
  }
  return nullptr;
}

int32_t number_kind(const Dtype &dtype) {
  switch (dtype.kind) {
    case DtypeClass::kBool:
      return TF_DTYPE_KIND_BOOL;
    case DtypeClass::kSigned:
      return TF_DTYPE_KIND_SIGNED;
    case DtypeClass::kUnsigned:
      return TF_DTYPE_KIND_UNSIGNED;
    case DtypeClass::kComplex:
      return TF_DTYPE_KIND_COMPLEX;
    case DtypeClass::kBlock:
      return TF_DTYPE_KIND_BLOCK;
    default:
      return TF_DTYPE_KIND_FLOAT;
  }
}

Span<const Dtype> all_dtypes() {
  return {kDtypes, kDtypeCount};
}

Checked element_count(Span<const int64_t> shape) {
  Checked product = 1;  // of the sizes that are not 0
  bool empty = false;
  for (const int64_t size : shape) {
    if (size == 0) {
      empty = true;
    } else {
      product = product * Checked::from_signed(size);
    }
  }
  return product.valid() && empty ? Checked(0) : product;
}

Checked byte_count(const Dtype &dtype, Span<const int64_t> shape) {
  const Checked count = element_count(shape);
  if (!count.valid()) return count;
  const uint64_t whole = dtype.block_size;
  if (whole == 1) return count * dtype.block_bytes;
  const uint64_t last = shape.empty() ? 1 : static_cast<uint64_t>(shape[shape.size() - 1]);
  if ((dtype.is_block() ? last : count.value()) % whole != 0) return Checked::invalid();
  return Checked(count.value() / whole) * dtype.block_bytes;
}

}  // namespace tfile
