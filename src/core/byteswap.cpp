#include "base/endian.h"
#include "core/dtype.h"

namespace tfile {

namespace {

// `count` neighbouring numbers of `width` bytes within a block.
struct Fields {
  uint16_t offset;
  uint8_t width;
  uint8_t count;
};

// What byte order reverses in a ggml block; everything else in it is bytes.
struct BlockLayout {
  tf_dtype id;
  Fields fields[2];
};

// Not here, and so refused when big-endian: iq2_xxs, iq3_xxs and iq1_m, whose 32- and 16-bit words are packed into
// arrays that ggml declares of another width, so that nothing says which of the two a big-endian writer reverses.
constexpr BlockLayout kLayouts[] = {
    {TF_DTYPE_Q4_0, {{0, 2, 1}}},                // d
    {TF_DTYPE_Q4_1, {{0, 2, 2}}},                // d, m
    {TF_DTYPE_Q5_0, {{0, 2, 1}, {2, 4, 1}}},     // d; qh, read as one 32-bit word
    {TF_DTYPE_Q5_1, {{0, 2, 2}, {4, 4, 1}}},     // d, m; qh
    {TF_DTYPE_Q8_0, {{0, 2, 1}}},                // d
    {TF_DTYPE_Q8_1, {{0, 2, 2}}},                // d, s
    {TF_DTYPE_Q2_K, {{80, 2, 2}}},               // d, dmin
    {TF_DTYPE_Q3_K, {{108, 2, 1}}},              // d
    {TF_DTYPE_Q4_K, {{0, 2, 2}}},                // d, dmin
    {TF_DTYPE_Q5_K, {{0, 2, 2}}},                // d, dmin
    {TF_DTYPE_Q6_K, {{208, 2, 1}}},              // d
    {TF_DTYPE_Q8_K, {{0, 4, 1}, {260, 2, 16}}},  // d, a float32; bsums
    {TF_DTYPE_IQ2_XS, {{0, 2, 1}, {2, 2, 32}}},  // d; q
    {TF_DTYPE_IQ1_S, {{0, 2, 1}, {34, 2, 8}}},   // d; qh
    {TF_DTYPE_IQ4_NL, {{0, 2, 1}}},              // d
    {TF_DTYPE_IQ3_S, {{0, 2, 1}}},               // d
    {TF_DTYPE_IQ2_S, {{0, 2, 1}}},               // d
    {TF_DTYPE_IQ4_XS, {{0, 2, 2}}},              // d, scales_h
    {TF_DTYPE_TQ1_0, {{52, 2, 1}}},              // d
    {TF_DTYPE_TQ2_0, {{64, 2, 1}}},              // d
    {TF_DTYPE_MXFP4, {}},                        // bytes only
    {TF_DTYPE_NVFP4, {}},                        // bytes only
    {TF_DTYPE_Q1_0, {{0, 2, 1}}},                // d
    {TF_DTYPE_Q2_0, {{0, 2, 1}}},                // d
};

const BlockLayout *find_layout(tf_dtype id) {
  for (const BlockLayout &layout : kLayouts) {
    if (layout.id == id) return &layout;
  }
  return nullptr;
}

template <typename T>
void reverse(unsigned char *data, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    T value;
    memcpy(&value, data + i * sizeof(T), sizeof(T));
    value = byteswap(value);
    memcpy(data + i * sizeof(T), &value, sizeof(T));
  }
}

void reverse(unsigned char *data, size_t count, uint8_t width) {
  switch (width) {
    case 2:
      return reverse<uint16_t>(data, count);
    case 4:
      return reverse<uint32_t>(data, count);
    case 8:
      return reverse<uint64_t>(data, count);
    default:
      return;
  }
}

}  // namespace

bool can_swap(const Dtype &dtype) {
  return !dtype.is_block() || find_layout(dtype.id) != nullptr;
}

bool swap_bytes(const Dtype &dtype, void *data, size_t nbytes) {
  auto *const bytes = static_cast<unsigned char *>(data);
  if (!dtype.is_block()) {
    reverse(bytes, nbytes / dtype.scalar, dtype.scalar);
    return true;
  }
  const BlockLayout *const layout = find_layout(dtype.id);
  if (layout == nullptr) return false;
  for (size_t start = 0; nbytes - start >= dtype.block_bytes; start += dtype.block_bytes) {
    for (const Fields &fields : layout->fields)
      reverse(bytes + start + fields.offset, fields.count, fields.width);
  }
  return true;
}

}  // namespace tfile
