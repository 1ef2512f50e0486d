#include "quant/mlx.h"

#include "base/endian.h"
#include "quant/small_floats.h"

namespace tfile {

namespace {

constexpr size_t kGroup = 32;

// The block types that MLX reads. MLX's codes start at 0, so those of symmetric types need a bias.
struct MlxForm {
  tf_dtype id;
  size_t bits;       // of a code
  bool has_minimum;  // the bias is stored after the scale; otherwise it is `lowest` times the scale
  float lowest;      // the value of code 0, as a multiple of the scale
};
constexpr MlxForm kMlxForms[] = {
    {TF_DTYPE_Q4_0, 4, false, -8},
    {TF_DTYPE_Q4_1, 4, true, 0},
    {TF_DTYPE_Q8_0, 8, false, -128},
};

const MlxForm *find_mlx_form(tf_dtype id) {
  for (const MlxForm &form : kMlxForms) {
    if (form.id == id) return &form;
  }
  return nullptr;
}

// Multiplies a float16 by a small power of two. The product is exact in float32, so it is rounded only once.
uint16_t half_times(float factor, uint16_t half) {
  return half_of_float(float_bits(factor * float_of(float_of_half(half))));
}

// Unpacks the 32 codes of a block in the order of its elements.
void unpack_codes(uint8_t codes[kGroup], const uint8_t *packed, size_t bits) {
  for (size_t i = 0; i < kGroup; ++i) {
    // ggml stores the first half of a block in the low nibbles. Adding 128 to a signed byte makes codes start at 0.
    codes[i] = bits == 8 ? packed[i] ^ 0x80 : i < kGroup / 2 ? packed[i] & 15 : packed[i - kGroup / 2] >> 4;
  }
}

void pack_codes(uint32_t *words, const uint8_t codes[kGroup], size_t bits) {
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
  return find_mlx_form(dtype.id) != nullptr;
}

MlxShapes mlx_shapes(const Dtype &dtype, Span<const int64_t> shape) {
  MlxShapes made;
  made.ndim = shape.size();
  for (size_t i = 0; i < made.ndim; ++i)
    made.codes[i] = made.groups[i] = shape[i];
  const size_t last = made.ndim - 1;
  made.codes[last] = shape[last] / static_cast<int64_t>(32 / find_mlx_form(dtype.id)->bits);
  made.groups[last] = shape[last] / static_cast<int64_t>(kGroup);
  return made;
}

Status make_mlx_triple(MlxTriple *out, Memory &memory, const Array &blocks) {
  const MlxForm &form = *find_mlx_form(blocks.dtype->id);
  const MlxShapes shapes = mlx_shapes(*blocks.dtype, blocks.shape());
  const Span<const int64_t> groups(shapes.groups, shapes.ndim);
  TFILE_TRY(make_array(out->codes, memory, *find_dtype(TF_DTYPE_UINT32), Span(shapes.codes, shapes.ndim)));
  TFILE_TRY(make_array(out->scales, memory, *find_dtype(TF_DTYPE_FLOAT16), groups));
  TFILE_TRY(make_array(out->biases, memory, *find_dtype(TF_DTYPE_FLOAT16), groups));
  auto *const codes = reinterpret_cast<uint32_t *>(out->codes->data);
  auto *const scales = reinterpret_cast<uint16_t *>(out->scales->data);
  auto *const biases = reinterpret_cast<uint16_t *>(out->biases->data);
  const auto *block = reinterpret_cast<const uint8_t *>(blocks.data);
  const auto count = static_cast<size_t>(blocks.size) / kGroup;
  for (size_t i = 0; i < count; ++i, block += blocks.dtype->block_bytes) {
    uint8_t unpacked[kGroup];
    scales[i] = load_le<uint16_t>(block);
    biases[i] = form.has_minimum ? load_le<uint16_t>(block + 2) : half_times(form.lowest, scales[i]);
    unpack_codes(unpacked, block + (form.has_minimum ? 4 : 2), form.bits);
    pack_codes(codes + i * form.bits, unpacked, form.bits);
  }
  return kOk;
}

}  // namespace tfile
