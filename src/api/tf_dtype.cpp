#include "api/arguments.h"
#include "core/dtype.h"
#include "quant/encode.h"

using namespace tfile;

extern "C" {

const char *tf_dtype_name(tf_dtype dtype) {
  const Dtype *const found = find_dtype(dtype);
  return found == nullptr ? "unsupported" : found->name;
}

tf_dtype tf_dtype_from_name(const char *name) {
  if (is_null(name, "name")) return TF_DTYPE_UNSUPPORTED;
  const Dtype *const found = find_dtype(Text(name));
  return found == nullptr ? TF_DTYPE_UNSUPPORTED : found->id;
}

uint32_t tf_dtype_bits(tf_dtype dtype) {
  const Dtype *const found = find_dtype(dtype);
  return found == nullptr ? 0 : found->bits;
}

uint32_t tf_dtype_block_size(tf_dtype dtype) {
  const Dtype *const found = find_dtype(dtype);
  return found == nullptr ? 0 : found->block_size;
}

uint32_t tf_dtype_block_bytes(tf_dtype dtype) {
  const Dtype *const found = find_dtype(dtype);
  return found == nullptr ? 0 : found->block_bytes;
}

int32_t tf_dtype_kind(tf_dtype dtype) {
  const Dtype *const found = find_dtype(dtype);
  return found == nullptr ? TF_DTYPE_KIND_NONE : number_kind(*found);
}

int32_t tf_dtype_can_encode(tf_dtype dtype) {
  const Dtype *const found = find_dtype(dtype);
  return found != nullptr && why_decoded_only(*found) == nullptr ? 1 : 0;
}

}  // extern "C"
