#include "core/dtype.h"

#include "api/arguments.h"

extern "C" {

const char *tf_dtype_name(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? "unsupported" : found->name;
}

tf_dtype tf_dtype_from_name(const char *name) {
  if (tfile::is_null(name, "name")) return TF_DTYPE_UNSUPPORTED;
  const tfile::Dtype *const found = tfile::find_dtype(tfile::Text(name));
  return found == nullptr ? TF_DTYPE_UNSUPPORTED : found->id;
}

uint32_t tf_dtype_bits(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? 0 : found->bits;
}

uint32_t tf_dtype_block_size(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? 0 : found->block_size;
}

uint32_t tf_dtype_block_bytes(tf_dtype dtype) {
  const tfile::Dtype *const found = tfile::find_dtype(dtype);
  return found == nullptr ? 0 : found->block_bytes;
}

}  // extern "C"
