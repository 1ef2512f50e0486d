// Decodes and encodes block types, and casts between all dtypes, with arbitrary bytes.
#include "fuzz.h"

namespace {

using namespace tfile::fuzz;

constexpr tf_dtype kDtypes[] = {
    TF_DTYPE_BOOL,
    TF_DTYPE_INT8,
    TF_DTYPE_INT16,
    TF_DTYPE_INT32,
    TF_DTYPE_INT64,
    TF_DTYPE_UINT8,
    TF_DTYPE_UINT16,
    TF_DTYPE_UINT32,
    TF_DTYPE_UINT64,
    TF_DTYPE_FLOAT16,
    TF_DTYPE_BFLOAT16,
    TF_DTYPE_FLOAT32,
    TF_DTYPE_FLOAT64,
    TF_DTYPE_COMPLEX64,
    TF_DTYPE_COMPLEX128,
    TF_DTYPE_FLOAT8_E4M3FN,
    TF_DTYPE_FLOAT8_E5M2,
    TF_DTYPE_FLOAT8_E4M3FNUZ,
    TF_DTYPE_FLOAT8_E5M2FNUZ,
    TF_DTYPE_FLOAT8_E8M0FNU,
    TF_DTYPE_FLOAT6_E2M3FN,
    TF_DTYPE_FLOAT6_E3M2FN,
    TF_DTYPE_FLOAT4_E2M1FN,
    TF_DTYPE_Q4_0,
    TF_DTYPE_Q4_1,
    TF_DTYPE_Q5_0,
    TF_DTYPE_Q5_1,
    TF_DTYPE_Q8_0,
    TF_DTYPE_Q8_1,
    TF_DTYPE_Q2_K,
    TF_DTYPE_Q3_K,
    TF_DTYPE_Q4_K,
    TF_DTYPE_Q5_K,
    TF_DTYPE_Q6_K,
    TF_DTYPE_Q8_K,
    TF_DTYPE_IQ2_XXS,
    TF_DTYPE_IQ2_XS,
    TF_DTYPE_IQ3_XXS,
    TF_DTYPE_IQ1_S,
    TF_DTYPE_IQ4_NL,
    TF_DTYPE_IQ3_S,
    TF_DTYPE_IQ2_S,
    TF_DTYPE_IQ4_XS,
    TF_DTYPE_IQ1_M,
    TF_DTYPE_TQ1_0,
    TF_DTYPE_TQ2_0,
    TF_DTYPE_MXFP4,
    TF_DTYPE_NVFP4,
    TF_DTYPE_Q1_0,
    TF_DTYPE_Q2_0,
};
constexpr size_t kCount = sizeof(kDtypes) / sizeof(kDtypes[0]);

Handle<tf_array> cast(const tf_array *array, tf_dtype dtype, const tf_options *options) {
  tf_array *out = nullptr;
  const tf_status status = tf_array_cast(&out, array, dtype, options);
  FUZZ_CHECK(status == TF_STATUS_OK || status == TF_STATUS_TYPE || status == TF_STATUS_UNSUPPORTED ||
             status == TF_STATUS_INVALID_ARGUMENT);
  FUZZ_CHECK((out != nullptr) == (status == TF_STATUS_OK));
  if (out != nullptr) {
    FUZZ_CHECK(tf_array_dtype(out) == dtype && tf_array_size(out) == tf_array_size(array));
    touch(out);
  }
  return Handle<tf_array>(out);
}

// Checks that decoding a row alone gives the same as decoding all rows.
void check_rows(const tf_array *array, const tf_array *decoded, const tf_options *options) {
  const int64_t start[] = {tf_array_shape(array)[0] - 1, 0};
  tf_array *rows[2] = {};
  const tf_array *const from[] = {array, decoded};
  for (size_t i = 0; i < 2; ++i)
    FUZZ_CHECK(tf_array_slice(&rows[i], from[i], start, nullptr, nullptr, 2) == TF_STATUS_OK);
  const Handle<tf_array> holders[] = {Handle<tf_array>(rows[0]), Handle<tf_array>(rows[1])};
  FUZZ_CHECK(equal(cast(rows[0], tf_array_dtype(decoded), options).get(), rows[1]));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Allocations allocations;
  Input input(data, size);
  const tf_dtype from = kDtypes[input.byte() % kCount];
  const tf_dtype to = kDtypes[input.byte() % kCount];
  const tf_dtype last = kDtypes[input.byte() % kCount];
  const Handle<tf_options> options = new_options(allocations);
  const int64_t units = static_cast<int64_t>(input.size() / tf_dtype_block_bytes(from));
  const int64_t wide = input.flag() ? 1 : 2;
  const int64_t shape[] = {units / wide, wide * tf_dtype_block_size(from)};
  const size_t nbytes = static_cast<size_t>(shape[0] * wide) * tf_dtype_block_bytes(from);
  tf_array *raw = nullptr;
  FUZZ_CHECK(tf_array_copy_from(&raw, from, shape, 2, input.data(), nbytes) == TF_STATUS_OK);
  const Handle<tf_array> array(raw);
  const Handle<tf_array> decoded = cast(raw, to, options.get());
  if (!decoded) return 0;
  if (shape[0] > 1 && tf_dtype_block_size(to) == 1 && tf_dtype_block_size(from) > 4)
    check_rows(raw, decoded.get(), options.get());
  const Handle<tf_array> again = cast(decoded.get(), last, options.get());
  if (again) (void)cast(again.get(), from, options.get());
  return 0;
}
