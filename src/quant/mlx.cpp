#include "quant/mlx.h"

#include "base/endian.h"
#include "quant/small_floats.h"

namespace tfile {

namespace {

constexpr size_t kGroup = 32;

// How a block lies, and what MLX takes its code 0 for.
struct BlockForm {
  size_t bits;
  bool has_minimum;  // stored beside the scale; else the bias is `zero` times the scale
  float zero;
};

BlockForm form_of(tf_dtype dtype) {
  if (dtype == TF_DTYPE_Q4_1) return BlockForm{4, true, 0};
  return dtype == TF_DTYPE_Q4_0 ? BlockForm{4, false, -8} : BlockForm{8, false, -128};
}

// A product of a float16 and a small power of two: exact in float32, rounded once.
uint16_t half_times(float factor, uint16_t half) {
  return half_of_float(float_bits(factor * float_of(float_of_half(half))));
}

// The 32 codes of a block in their order.
void take_codes(uint8_t codes[kGroup], const uint8_t *packed, size_t bits) {
  for (size_t i = 0; i < kGroup; ++i) {
    // ggml has the first half of a block in the low nibbles; its signed bytes become codes from 0.
    codes[i] = bits == 8 ? packed[i] ^ 0x80 : i < kGroup / 2 ? packed[i] & 15 : packed[i - kGroup / 2] >> 4;
  }
}

void store_codes(uint32_t *words, const uint8_t codes[kGroup], size_t bits) {
  const size_t in_word = 32 / bits;
  for (size_t word = 0; word < kGroup / in_word; ++word) {
    uint32_t value = 0;
    for (size_t i = 0; i < in_word; ++i)
      value |= uint32_t{codes[word * in_word + i]} << (bits * i);
    words[word] = value;
  }
}

}  // namespace

bool has_mlx_triple(const Dtype &dtype) {
  return dtype.id == TF_DTYPE_Q4_0 || dtype.id == TF_DTYPE_Q4_1 || dtype.id == TF_DTYPE_Q8_0;
}

Status make_mlx_triple(MlxTriple *out, Memory &memory, const Array &blocks) {
  const BlockForm form = form_of(blocks.dtype->id);
  int64_t shape[kMaxRank];
  for (size_t i = 0; i < blocks.ndim; ++i)
    shape[i] = blocks.dims()[i];
  int64_t &row = shape[blocks.ndim - 1];
  const int64_t elements = row;
  row = elements / static_cast<int64_t>(32 / form.bits);
  const Span<const int64_t> sizes(shape, blocks.ndim);
  TFILE_TRY(make_array(out->codes, memory, *find_dtype(TF_DTYPE_UINT32), sizes));
  row = elements / static_cast<int64_t>(kGroup);
  TFILE_TRY(make_array(out->scales, memory, *find_dtype(TF_DTYPE_FLOAT16), sizes));
  TFILE_TRY(make_array(out->biases, memory, *find_dtype(TF_DTYPE_FLOAT16), sizes));
  auto *const codes = reinterpret_cast<uint32_t *>(out->codes->data);
  auto *const scales = reinterpret_cast<uint16_t *>(out->scales->data);
  auto *const biases = reinterpret_cast<uint16_t *>(out->biases->data);
  const auto *block = reinterpret_cast<const uint8_t *>(blocks.data);
  const auto count = static_cast<size_t>(blocks.size) / kGroup;
  for (size_t i = 0; i < count; ++i, block += blocks.dtype->block_bytes) {
    uint8_t plain[kGroup];
    scales[i] = load_le<uint16_t>(block);
    biases[i] = form.has_minimum ? load_le<uint16_t>(block + 2) : half_times(form.zero, scales[i]);
    take_codes(plain, block + (form.has_minimum ? 4 : 2), form.bits);
    store_codes(codes + i * form.bits, plain, form.bits);
  }
  return kOk;
}

}  // namespace tfile
