#include "quant/encode.h"

#include "base/error.h"
#include "quant/encode_scalar.h"
#include "quant/encode_wide.h"

namespace tfile {

namespace {

// The block types without an encoder.
struct DecodedOnly {
  tf_dtype id;
  const char *reason;
};
constexpr char kNeedsImportance[] = "encoding it well takes an importance matrix, which only running the model gives";
constexpr char kNoReference[] = "gguf-py has no encoder of it that would define the bytes";
constexpr DecodedOnly kDecodedOnly[] = {
    {TF_DTYPE_IQ2_XXS, kNeedsImportance}, {TF_DTYPE_IQ2_XS, kNeedsImportance}, {TF_DTYPE_IQ3_XXS, kNeedsImportance},
    {TF_DTYPE_IQ1_S, kNeedsImportance},   {TF_DTYPE_IQ3_S, kNeedsImportance},  {TF_DTYPE_IQ2_S, kNeedsImportance},
    {TF_DTYPE_IQ1_M, kNeedsImportance},   {TF_DTYPE_Q1_0, kNoReference},       {TF_DTYPE_Q2_0, kNoReference},
};

constexpr const char *find_reason(tf_dtype id) {
  for (const DecodedOnly &row : kDecodedOnly) {
    if (row.id == id) return row.reason;
  }
  return nullptr;
}

static_assert(holds_for_block_types([](auto type) {
                using Type = decltype(type);
                return kHasEncoder<Type> == (find_reason(Type::kId) == nullptr);
              }),
              "a block type needs either an encoder or a reason why it has none");

bool is_finite(float value) {
  return (float_bits(value) & kFloatMagnitude) < kFloatInf;
}

}  // namespace

const char *why_decoded_only(const Dtype &dtype) {
  return find_reason(dtype.id);
}

uint64_t find_not_finite(const float *from, uint64_t count) {
  if (is_finite(largest_magnitude(from, static_cast<size_t>(count)))) return count;
  uint64_t i = 0;
  while (is_finite(from[i]))
    ++i;
  return i;
}

Status check_finite_elements(const Dtype &dtype, const float *from, uint64_t count, uint64_t first) {
  const uint64_t i = find_not_finite(from, count);
  if (i == count) return kOk;
  return Failure(TF_STATUS_INVALID_ARGUMENT) << dtype.name << " stores finite numbers only, but element " << first + i
                                             << " is " << (from[i] == from[i] ? "infinite" : "NaN") << " as float32";
}

Status encode_blocks(const Dtype &dtype, void *to, const float *from, uint64_t blocks, uint64_t first) {
  TFILE_TRY(check_finite_elements(dtype, from, blocks * dtype.block_size, first));
  const BlockEncoder wide = find_wide_encoder(dtype.id, best_cpu());
  const BlockEncoder encode = wide != nullptr ? wide : find_scalar_encoder(dtype.id);
  encode(static_cast<uint8_t *>(to), from, static_cast<size_t>(blocks));
  return kOk;
}

}  // namespace tfile
