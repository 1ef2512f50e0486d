#include "quant/encode_weighted.h"

#include "base/error.h"
#include "quant/encode_packing.h"

namespace tfile {

namespace {

// The elements of a block and their weights from the importance matrix.
struct WeightedBlock {
  const float *x;
  const float *weight;
  float row_mean;  // the mean of the squares of the row
};

using WeightedEncoder = void (*)(uint8_t *to, const WeightedBlock &block);

float sum_of_squares(const float *x, size_t count) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += x[i] * x[i];
  return sum;
}

// Combines the weights of the importance matrix with the magnitudes of the elements. Returns the sum of the results.
float combine(float *out, const float *x, const float *weight, size_t count, float mean) {
  float sum = 0;
  for (size_t i = 0; i < count; ++i) {
    out[i] = weight[i] * square_root(mean + x[i] * x[i]);
    sum += out[i];
  }
  return sum;
}

// The search for the scale of numbers that are not negative.
struct PositiveSearch {
  const float *x;
  const float *weight;
  size_t count;
  int32_t most;  // the largest code

  // Returns the code of an element. A negative number, which rounding can produce, has a negative code.
  int32_t code_of(size_t i, float inverted) const { return smaller(most, nearest(inverted * x[i])); }

  float error_with(float inverted) const {
    const float scale = 1 / inverted;
    float sum = 0;
    for (size_t i = 0; i < count; ++i) {
      const float error = x[i] - scale * real(code_of(i, inverted));
      sum += (weight[i] * error) * error;
    }
    return sum;
  }

  // Returns the inverse of a scale that fits well.
  float find_inverse(float largest) const {
    const float first = real(most) / largest;
    // The codes of the first attempt are bytes and are not limited, unlike all later ones.
    const float scale = 1 / first;
    float best = 0;
    for (size_t i = 0; i < count; ++i) {
      const float error = x[i] - scale * real(low_byte(nearest(first * x[i])));
      best += (weight[i] * error) * error;
    }
    float chosen = first;
    for (int32_t step = -4; step <= 4; ++step) {
      if (step == 0) continue;
      const float inverted = (0.1f * real(step) + real(most)) / largest;
      const float error = error_with(inverted);
      if (error < best) {
        best = error;
        chosen = inverted;
      }
    }
    return chosen;
  }

  // Changes each code in turn to the one that best fits the scale of the others. Returns true if any code changed.
  bool improve(Fit &fit, uint8_t *codes) const {
    bool changed = false;
    for (size_t i = 0; i < count; ++i) {
      Fit without = fit;
      without.remove(weight[i], x[i], codes[i]);
      if (!(without.code_x > 0 && without.code2 > 0)) continue;
      const int32_t code = smaller(most, nearest((x[i] * without.code2) / without.code_x));
      if (code == codes[i]) continue;
      without.add(weight[i], x[i], code);
      if ((without.code_x * without.code_x) * fit.code2 > (fit.code_x * fit.code_x) * without.code2) {
        codes[i] = low_byte(code);
        fit = without;
        changed = true;
      }
    }
    return changed;
  }

  // Finds the codes and returns their scale.
  float run(uint8_t *codes) const {
    float largest = 0;
    for (size_t i = 0; i < count; ++i)
      largest = largest > x[i] ? largest : x[i];
    if (largest < kTiny) {
      memset(codes, 0, count);
      return 0;
    }
    const float inverted = find_inverse(largest);
    Fit fit;
    for (size_t i = 0; i < count; ++i) {
      const int32_t code = code_of(i, inverted);
      codes[i] = low_byte(code);
      fit.add(weight[i], x[i], code);
    }
    for (int round = 0; round < 5 && improve(fit, codes); ++round) {
    }
    return fit.code2 > 0 ? fit.code_x / fit.code2 : 0;
  }
};

// The scales and minimums of the groups of Q2_K, Q4_K and Q5_K, and the sums of the groups' weights.
struct Groups {
  float scale[16];
  float minimum[16];
  float weight[16];
};

// Searches for the codes, scale and minimum of each group of `count` elements.
void search_groups(Groups &groups, uint8_t *codes, const WeightedBlock &block, size_t count, int32_t most, float mean) {
  float weight[32];
  for (size_t group = 0; group * count < kKBlock; ++group) {
    const float *x = block.x + count * group;
    groups.weight[group] = combine(weight, x, block.weight + count * group, count, mean);
    const Affine found = search_affine({count, most, -0.9f, 0.05f, 36, false, weight}, codes + count * group, x);
    groups.scale[group] = found.scale;
    groups.minimum[group] = found.minimum;
  }
}

void encode_q2_k(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[kKBlock];
  Groups groups;
  search_groups(groups, codes, block, 16, 3, sum_of_squares(block.x, kKBlock) / 256);
  uint8_t scales[16];
  uint8_t minimums[16];
  const float scale = store_half(to + 80, PositiveSearch{groups.scale, groups.weight, 16, 15}.run(scales));
  const float minimum = store_half(to + 82, PositiveSearch{groups.minimum, groups.weight, 16, 15}.run(minimums));
  for (size_t group = 0; group < 16; ++group) {
    to[group] = low_byte(scales[group] | minimums[group] << 4);
    requantize(codes + 16 * group, block.x + 16 * group, 16, scale * real(to[group] & 15),
               minimum * real(to[group] >> 4), 3);
  }
  store_two_bits(to + 16, codes);
}

// Stores the scales and minimums of the 8 groups of Q4_K or Q5_K, and computes the codes again with them. `limited` says
// whether scale codes above 63, which rounding can produce, are limited.
void store_groups(uint8_t *to, uint8_t *codes, const WeightedBlock &block, const Groups &groups, int32_t most,
                  bool limited) {
  uint8_t scales[8];
  uint8_t minimums[8];
  const float scale = store_half(to, PositiveSearch{groups.scale, groups.weight, 8, 63}.run(scales));
  const float minimum = store_half(to + 2, PositiveSearch{groups.minimum, groups.weight, 8, 63}.run(minimums));
  for (size_t group = 0; limited && group < 8; ++group) {
    scales[group] = low_byte(smaller(63, scales[group]));
    minimums[group] = low_byte(smaller(63, minimums[group]));
  }
  uint8_t *const packed = to + 4;
  store_six_bits(packed, scales, minimums);
  for (size_t group = 0; group < 8; ++group) {
    const bool is_low = group < 4;
    const size_t i = group % 4;
    const int32_t scale_code = is_low ? packed[i] & 63 : (packed[i + 8] & 15) | (packed[i] >> 6) << 4;
    const int32_t minimum_code = is_low ? packed[i + 4] & 63 : packed[i + 8] >> 4 | (packed[i + 4] >> 6) << 4;
    requantize(codes + 32 * group, block.x + 32 * group, 32, scale * real(scale_code), minimum * real(minimum_code),
               most);
  }
}

void encode_q4_k(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[kKBlock];
  Groups groups;
  search_groups(groups, codes, block, 32, 15, 2 * sum_of_squares(block.x, kKBlock) / 256);
  store_groups(to, codes, block, groups, 15, false);
  store_four_bits(to + 16, codes);
}

void encode_q5_k(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[kKBlock];
  Groups groups;
  search_groups(groups, codes, block, 32, 31, 2 * sum_of_squares(block.x, kKBlock) / 256);
  store_groups(to, codes, block, groups, 31, true);
  store_bits(to + 16, codes, 4);
  store_four_bits(to + 48, codes);
}

void encode_q3_k(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[kKBlock];
  float found[16];
  float sums[16];
  const float mean = 2 * sum_of_squares(block.x, kKBlock) / 256;
  for (size_t group = 0; group < 16; ++group) {
    float weight[16];
    sums[group] = combine(weight, block.x + 16 * group, block.weight + 16 * group, 16, mean);
    found[group] = search_steps(codes + 16 * group, block.x + 16 * group, weight, 16, 4);
  }
  uint8_t scale_codes[16];
  const float scale = store_half(to + 108, search_steps(scale_codes, found, sums, 16, 32));
  int32_t scales[16];
  for (size_t group = 0; group < 16; ++group) {
    scales[group] = scale_codes[group];
    requantize(codes + 16 * group, block.x + 16 * group, scale * real(scales[group] - 32), 4);
  }
  pack_q3_k_scales(to + 96, scales);
  store_bits(to, codes, 2);
  store_two_bits(to + 32, codes);
}

void encode_q6_k(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[kKBlock];
  float found[16];
  for (size_t group = 0; group < 16; ++group)
    found[group] = search_steps(codes + 16 * group, block.x + 16 * group, block.weight + 16 * group, 16, 32);
  StoredScales stored;
  if (!store_q6_k_scales(to, stored, found)) return;
  for (size_t group = 0; group < 16; ++group)
    requantize(codes + 16 * group, block.x + 16 * group, stored.scale[group], 32);
  store_q6_codes(to, codes);
}

void encode_iq4_nl(uint8_t *to, const WeightedBlock &block) {
  float weight[32];
  combine(weight, block.x, block.weight, 32, sum_of_squares(block.x, 32) * (2.0f / 32));
  store_iq4_codes(to + 2, block.x, store_iq4_nl_scale(to, search_iq4_scale(block.x, weight)));
}

void encode_iq4_xs(uint8_t *to, const WeightedBlock &block) {
  const float mean = sum_of_squares(block.x, kKBlock) * (2.0f / 256);
  float found[8];
  for (size_t group = 0; group < 8; ++group) {
    float weight[32];
    combine(weight, block.x + 32 * group, block.weight + 32 * group, 32, mean);
    found[group] = search_iq4_scale(block.x + 32 * group, weight);
  }
  const StoredScales inverted = store_iq4_xs_scales(to, found);
  for (size_t group = 0; group < 8; ++group)
    store_iq4_codes(to + 8 + 16 * group, block.x + 32 * group, inverted.scale[group]);
}

// Finds the codes of Q4_0 and Q5_0, stores the scale, and returns the position after it.
uint8_t *store_symmetric(uint8_t *to, uint8_t *codes, const WeightedBlock &block, int32_t zero) {
  float weight[32];
  combine(weight, block.x, block.weight, 32, block.row_mean);
  store_half(to, search_steps(codes, block.x, weight, 32, zero));
  return to + 2;
}

// Finds the codes of Q4_1 and Q5_1, stores the scale and the minimum, and returns the position after them.
uint8_t *store_affine(uint8_t *to, uint8_t *codes, const WeightedBlock &block, int32_t most) {
  float weight[32];
  combine(weight, block.x, block.weight, 32, block.row_mean);
  const Affine found = search_affine({32, most, -0.9f, 0.05f, 36, false, weight}, codes, block.x);
  store_half(to, found.scale);
  store_half(to + 2, -found.minimum);
  return to + 4;
}

void encode_q4_0(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[32];
  store_nibbles(store_symmetric(to, codes, block, 8), codes, 16);
}

void encode_q4_1(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[32];
  store_nibbles(store_affine(to, codes, block, 15), codes, 16);
}

void store_five_bits(uint8_t *to, const uint8_t *codes) {
  store_fifth_bits(to, codes);
  store_nibbles(to + 4, codes, 16);
}

void encode_q5_0(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[32];
  store_five_bits(store_symmetric(to, codes, block, 16), codes);
}

void encode_q5_1(uint8_t *to, const WeightedBlock &block) {
  uint8_t codes[32];
  store_five_bits(store_affine(to, codes, block, 31), codes);
}

struct EncoderRow {
  tf_dtype dtype;
  WeightedEncoder encode;
};
constexpr EncoderRow kEncoders[] = {
    {TF_DTYPE_Q4_0, encode_q4_0},     {TF_DTYPE_Q4_1, encode_q4_1},     {TF_DTYPE_Q5_0, encode_q5_0},
    {TF_DTYPE_Q5_1, encode_q5_1},     {TF_DTYPE_Q2_K, encode_q2_k},     {TF_DTYPE_Q3_K, encode_q3_k},
    {TF_DTYPE_Q4_K, encode_q4_k},     {TF_DTYPE_Q5_K, encode_q5_k},     {TF_DTYPE_Q6_K, encode_q6_k},
    {TF_DTYPE_IQ4_NL, encode_iq4_nl}, {TF_DTYPE_IQ4_XS, encode_iq4_xs},
};

WeightedEncoder find_encoder(tf_dtype dtype) {
  for (const EncoderRow &row : kEncoders) {
    if (row.dtype == dtype) return row.encode;
  }
  return nullptr;
}

}  // namespace

bool uses_weights(const Dtype &dtype) {
  return find_encoder(dtype.id) != nullptr;
}

bool needs_row_mean(const Dtype &dtype) {
  return dtype.block_size == 32 && dtype.id != TF_DTYPE_IQ4_NL;
}

Status encode_weighted_blocks(const Dtype &dtype, void *to, const float *from, const float *weights, float row_mean,
                              uint64_t blocks, uint64_t first) {
  TFILE_TRY(check_finite_elements(dtype, from, blocks * dtype.block_size, first));
  const uint64_t count = blocks * dtype.block_size;
  if (const uint64_t bad = find_not_finite(weights, count); bad < count) {
    return Failure(TF_STATUS_INVALID_ARGUMENT) << "the weight of element " << first + bad << " is not finite";
  }
  const WeightedEncoder encode = find_encoder(dtype.id);
  for (uint64_t i = 0; i < blocks; ++i) {
    const uint64_t at = i * dtype.block_size;
    encode(static_cast<uint8_t *>(to) + i * dtype.block_bytes, {from + at, weights + at, row_mean});
  }
  return kOk;
}

}  // namespace tfile
