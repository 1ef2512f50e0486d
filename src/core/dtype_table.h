// The table of dtypes, for code that is checked against it or generated from it at compile time. All other code calls
// find_dtype().
#pragma once

#include "core/dtype.h"

namespace tfile {

constexpr Dtype plain_dtype(tf_dtype id, const char *name, DtypeClass kind, uint8_t bytes) {
  const auto scalar = static_cast<uint8_t>(kind == DtypeClass::kComplex ? bytes / 2 : bytes);
  return {id, name, kind, static_cast<uint8_t>(bytes * 8), scalar, 1, bytes, {}};
}

constexpr Dtype packed_dtype(tf_dtype id, const char *name, uint8_t bits, uint16_t elements, uint16_t bytes) {
  return {id, name, DtypeClass::kPacked, bits, 1, elements, bytes, {}};
}

constexpr Dtype block_dtype(tf_dtype id, const char *name, uint16_t elements, uint16_t bytes,
                            const SwappedFields &swapped) {
  return {id, name, DtypeClass::kBlock, 0, 1, elements, bytes, swapped};
}

inline constexpr SwappedFields kOnlyBytes = {};
// ggml declares the 16- and 32-bit words of these blocks as arrays of another width, so it is undefined which of the
// two widths a big-endian writer reverses.
inline constexpr SwappedFields kNoByteOrder = {{}, false};

// Rows are in the order of their ids. The comments after block types name the fields that byte order reverses.
inline constexpr Dtype kDtypes[] = {
    plain_dtype(TF_DTYPE_BOOL, "bool", DtypeClass::kBool, 1),
    plain_dtype(TF_DTYPE_INT8, "int8", DtypeClass::kSigned, 1),
    plain_dtype(TF_DTYPE_INT16, "int16", DtypeClass::kSigned, 2),
    plain_dtype(TF_DTYPE_INT32, "int32", DtypeClass::kSigned, 4),
    plain_dtype(TF_DTYPE_INT64, "int64", DtypeClass::kSigned, 8),
    plain_dtype(TF_DTYPE_UINT8, "uint8", DtypeClass::kUnsigned, 1),
    plain_dtype(TF_DTYPE_UINT16, "uint16", DtypeClass::kUnsigned, 2),
    plain_dtype(TF_DTYPE_UINT32, "uint32", DtypeClass::kUnsigned, 4),
    plain_dtype(TF_DTYPE_UINT64, "uint64", DtypeClass::kUnsigned, 8),
    plain_dtype(TF_DTYPE_FLOAT16, "float16", DtypeClass::kFloat, 2),
    plain_dtype(TF_DTYPE_BFLOAT16, "bfloat16", DtypeClass::kFloat, 2),
    plain_dtype(TF_DTYPE_FLOAT32, "float32", DtypeClass::kFloat, 4),
    plain_dtype(TF_DTYPE_FLOAT64, "float64", DtypeClass::kFloat, 8),
    plain_dtype(TF_DTYPE_COMPLEX64, "complex64", DtypeClass::kComplex, 8),
    plain_dtype(TF_DTYPE_COMPLEX128, "complex128", DtypeClass::kComplex, 16),
    plain_dtype(TF_DTYPE_FLOAT8_E4M3FN, "float8_e4m3fn", DtypeClass::kFloat, 1),
    plain_dtype(TF_DTYPE_FLOAT8_E5M2, "float8_e5m2", DtypeClass::kFloat, 1),
    plain_dtype(TF_DTYPE_FLOAT8_E4M3FNUZ, "float8_e4m3fnuz", DtypeClass::kFloat, 1),
    plain_dtype(TF_DTYPE_FLOAT8_E5M2FNUZ, "float8_e5m2fnuz", DtypeClass::kFloat, 1),
    plain_dtype(TF_DTYPE_FLOAT8_E8M0FNU, "float8_e8m0fnu", DtypeClass::kFloat, 1),
    packed_dtype(TF_DTYPE_FLOAT6_E2M3FN, "float6_e2m3fn", 6, 4, 3),
    packed_dtype(TF_DTYPE_FLOAT6_E3M2FN, "float6_e3m2fn", 6, 4, 3),
    packed_dtype(TF_DTYPE_FLOAT4_E2M1FN, "float4_e2m1fn", 4, 2, 1),
    block_dtype(TF_DTYPE_Q4_0, "q4_0", 32, 18, {{{0, 2, 1}}}),                  // d
    block_dtype(TF_DTYPE_Q4_1, "q4_1", 32, 20, {{{0, 2, 2}}}),                  // d, m
    block_dtype(TF_DTYPE_Q5_0, "q5_0", 32, 22, {{{0, 2, 1}, {2, 4, 1}}}),       // d; qh, read as one 32-bit word
    block_dtype(TF_DTYPE_Q5_1, "q5_1", 32, 24, {{{0, 2, 2}, {4, 4, 1}}}),       // d, m; qh
    block_dtype(TF_DTYPE_Q8_0, "q8_0", 32, 34, {{{0, 2, 1}}}),                  // d
    block_dtype(TF_DTYPE_Q8_1, "q8_1", 32, 36, {{{0, 2, 2}}}),                  // d, s
    block_dtype(TF_DTYPE_Q2_K, "q2_k", 256, 84, {{{80, 2, 2}}}),                // d, dmin
    block_dtype(TF_DTYPE_Q3_K, "q3_k", 256, 110, {{{108, 2, 1}}}),              // d
    block_dtype(TF_DTYPE_Q4_K, "q4_k", 256, 144, {{{0, 2, 2}}}),                // d, dmin
    block_dtype(TF_DTYPE_Q5_K, "q5_k", 256, 176, {{{0, 2, 2}}}),                // d, dmin
    block_dtype(TF_DTYPE_Q6_K, "q6_k", 256, 210, {{{208, 2, 1}}}),              // d
    block_dtype(TF_DTYPE_Q8_K, "q8_k", 256, 292, {{{0, 4, 1}, {260, 2, 16}}}),  // d, a float32; bsums
    block_dtype(TF_DTYPE_IQ2_XXS, "iq2_xxs", 256, 66, kNoByteOrder),
    block_dtype(TF_DTYPE_IQ2_XS, "iq2_xs", 256, 74, {{{0, 2, 1}, {2, 2, 32}}}),  // d; q
    block_dtype(TF_DTYPE_IQ3_XXS, "iq3_xxs", 256, 98, kNoByteOrder),
    block_dtype(TF_DTYPE_IQ1_S, "iq1_s", 256, 50, {{{0, 2, 1}, {34, 2, 8}}}),  // d; qh
    block_dtype(TF_DTYPE_IQ4_NL, "iq4_nl", 32, 18, {{{0, 2, 1}}}),             // d
    block_dtype(TF_DTYPE_IQ3_S, "iq3_s", 256, 110, {{{0, 2, 1}}}),             // d
    block_dtype(TF_DTYPE_IQ2_S, "iq2_s", 256, 82, {{{0, 2, 1}}}),              // d
    block_dtype(TF_DTYPE_IQ4_XS, "iq4_xs", 256, 136, {{{0, 2, 2}}}),           // d, scales_h
    block_dtype(TF_DTYPE_IQ1_M, "iq1_m", 256, 56, kNoByteOrder),
    block_dtype(TF_DTYPE_TQ1_0, "tq1_0", 256, 54, {{{52, 2, 1}}}),  // d
    block_dtype(TF_DTYPE_TQ2_0, "tq2_0", 256, 66, {{{64, 2, 1}}}),  // d
    block_dtype(TF_DTYPE_MXFP4, "mxfp4", 32, 17, kOnlyBytes),
    block_dtype(TF_DTYPE_NVFP4, "nvfp4", 64, 36, kOnlyBytes),
    block_dtype(TF_DTYPE_Q1_0, "q1_0", 128, 18, {{{0, 2, 1}}}),  // d
    block_dtype(TF_DTYPE_Q2_0, "q2_0", 64, 18, {{{0, 2, 1}}}),   // d
};
inline constexpr size_t kDtypeCount = sizeof(kDtypes) / sizeof(kDtypes[0]);

constexpr bool dtypes_are_in_order() {
  for (size_t i = 1; i < kDtypeCount; ++i) {
    if (kDtypes[i - 1].id >= kDtypes[i].id) return false;
  }
  return true;
}
static_assert(dtypes_are_in_order());

// Returns the row of an existing dtype.
constexpr const Dtype &dtype_row(tf_dtype id) {
  size_t i = 0;
  while (kDtypes[i].id != id)
    ++i;
  return kDtypes[i];
}

}  // namespace tfile
