// Casts with an importance matrix. tests/peers/test_presets.py compares the blocks of whole models with those of
// llama-quantize.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "support/arrays.h"
#include "support/expect_error.h"
#include "support/handles.h"

namespace tfile::testing {
namespace {

Handle<tf_array> array_of_floats(const std::vector<int64_t> &shape, const std::vector<float> &values) {
  return made<tf_array>([&](tf_array **out) {
    return tf_array_copy_from(out, TF_DTYPE_FLOAT32, shape.data(), shape.size(), values.data(),
                              values.size() * sizeof(float));
  });
}

std::vector<float> wave(size_t count, float step) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = std::sin(step * static_cast<float>(i)) * static_cast<float>(1 + i % 7);
  return values;
}

std::vector<float> positive(size_t count, float step) {
  std::vector<float> values = wave(count, step);
  for (float &value : values)
    value = value * value + 0.01f;
  return values;
}

Handle<tf_array> cast_weighted(const tf_array *array, tf_dtype dtype, const tf_array *weights,
                               const tf_options *options = nullptr) {
  return made<tf_array>([&](tf_array **out) { return tf_array_cast_weighted(out, array, dtype, weights, options); });
}

bool equal(const tf_array *a, const tf_array *b) {
  int32_t equal = 0;
  EXPECT_EQ(tf_array_equal(&equal, a, b), TF_STATUS_OK);
  return equal != 0;
}

const tf_dtype kWeighted[] = {TF_DTYPE_Q4_0, TF_DTYPE_Q4_1,   TF_DTYPE_Q5_0,  TF_DTYPE_Q5_1,
                              TF_DTYPE_Q2_K, TF_DTYPE_Q3_K,   TF_DTYPE_Q4_K,  TF_DTYPE_Q5_K,
                              TF_DTYPE_Q6_K, TF_DTYPE_IQ4_NL, TF_DTYPE_IQ4_XS};

TEST(CastWeighted, WeightsBroadcast) {
  // Two experts of 3 rows, longer than the pieces that the cast works on.
  const size_t row = 2304;
  const auto array = array_of_floats({2, 3, 2304}, wave(6 * row, 0.37f));
  const std::vector<float> weights = positive(2 * row, 0.11f);
  std::vector<float> all;
  for (size_t i = 0; i < 6; ++i)
    all.insert(all.end(), weights.begin() + static_cast<int64_t>(i / 3 * row),
               weights.begin() + static_cast<int64_t>((i / 3 + 1) * row));
  const auto small = array_of_floats({2, 1, 2304}, weights);
  const auto full = array_of_floats({2, 3, 2304}, all);
  const auto one_thread = options_with({{TF_OPTION_THREADS, 1}});
  const auto plain_of = [&](tf_dtype dtype) {
    return made<tf_array>([&](tf_array **out) { return tf_array_cast(out, array.get(), dtype, nullptr); });
  };
  for (const tf_dtype dtype : kWeighted) {
    const auto encoded = cast_weighted(array.get(), dtype, small.get());
    EXPECT_TRUE(equal(encoded.get(), cast_weighted(array.get(), dtype, full.get(), one_thread.get()).get()));
    EXPECT_FALSE(equal(encoded.get(), plain_of(dtype).get())) << tf_dtype_name(dtype);
  }
  for (const tf_dtype dtype : {TF_DTYPE_Q8_0, TF_DTYPE_MXFP4, TF_DTYPE_TQ2_0, TF_DTYPE_FLOAT16, TF_DTYPE_FLOAT32})
    EXPECT_TRUE(equal(cast_weighted(array.get(), dtype, small.get()).get(), plain_of(dtype).get()))
        << tf_dtype_name(dtype);
}

TEST(CastWeighted, StridedArraysAndOtherFloats) {
  const auto array = array_of_floats({256, 4}, wave(1024, 0.21f));
  const auto weights = array_of_floats({256}, positive(256, 0.5f));
  const auto turned = made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, array.get(), nullptr, 0); });
  const auto dense = made<tf_array>([&](tf_array **out) { return tf_array_contiguous(out, turned.get()); });
  const auto half =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, turned.get(), TF_DTYPE_FLOAT16, nullptr); });
  const auto wide =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, half.get(), TF_DTYPE_FLOAT64, nullptr); });
  for (const tf_dtype dtype : {TF_DTYPE_Q4_0, TF_DTYPE_Q4_K}) {
    EXPECT_TRUE(equal(cast_weighted(turned.get(), dtype, weights.get()).get(),
                      cast_weighted(dense.get(), dtype, weights.get()).get()));
    EXPECT_TRUE(equal(cast_weighted(half.get(), dtype, weights.get()).get(),
                      cast_weighted(wide.get(), dtype, weights.get()).get()));
  }
  const auto empty = array_of_floats({0, 256}, {});
  EXPECT_EQ(tf_array_size(cast_weighted(empty.get(), TF_DTYPE_Q4_0, weights.get()).get()), 0);
}

TEST(CastWeighted, Refusals) {
  const auto array = array_of_floats({2, 256}, wave(512, 0.3f));
  const auto row = array_of_floats({256}, positive(256, 0.1f));
  tf_array *out = nullptr;
  const auto refused = [&](const tf_array *from, tf_dtype dtype, const tf_array *weights) {
    return tf_array_cast_weighted(&out, from, dtype, weights, nullptr);
  };
  EXPECT_EQ(refused(array.get(), TF_DTYPE_Q4_K, nullptr), TF_STATUS_INVALID_ARGUMENT);
  const auto half =
      made<tf_array>([&](tf_array **to) { return tf_array_cast(to, row.get(), TF_DTYPE_FLOAT16, nullptr); });
  EXPECT_EQ(refused(array.get(), TF_DTYPE_Q4_K, half.get()), TF_STATUS_TYPE);
  expect_error("weights must be float32, not float16");
  for (const std::vector<int64_t> &shape : std::vector<std::vector<int64_t>>{{1}, {128}, {3, 256}, {1, 1, 256}, {}}) {
    size_t count = 1;
    for (const int64_t size : shape)
      count *= static_cast<size_t>(size);
    const auto weights = array_of_floats(shape, std::vector<float>(count, 1.0f));
    EXPECT_EQ(refused(array.get(), TF_DTYPE_Q4_K, weights.get()), TF_STATUS_INVALID_ARGUMENT) << shape.size();
  }
  EXPECT_EQ(refused(array.get(), TF_DTYPE_IQ2_XS, row.get()), TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(refused(array.get(), 5000, row.get()), TF_STATUS_UNSUPPORTED);
  std::vector<float> values(512, 1.0f);
  values[300] = INFINITY;
  EXPECT_EQ(refused(array_of_floats({2, 256}, values).get(), TF_DTYPE_Q4_K, row.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("q4_k stores finite numbers only, but element 300 is infinite as float32");
  std::vector<float> weights(256, 1.0f);
  weights[7] = NAN;
  EXPECT_EQ(refused(array.get(), TF_DTYPE_Q4_K, array_of_floats({256}, weights).get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the weight of element 7 is not finite");
  const auto odd = array_of_floats({2, 100}, wave(200, 0.3f));
  EXPECT_EQ(refused(odd.get(), TF_DTYPE_Q4_0, array_of_floats({100}, positive(100, 0.1f)).get()),
            TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(out, nullptr);
}

// Bytes that ggml made of the inputs of a case.
struct Vector {
  tf_dtype dtype;
  const char *name;
  const char *hex;
};
const Vector kVectors[] = {
#include "data/weighted_vectors.inc"
};

// The inputs of a case of tests/data/make_weighted_vectors.py.
struct Inputs {
  std::vector<float> values;
  std::vector<float> weights;
};

constexpr size_t kRow = 256;

// Numbers of a linear congruential generator: integers of 24 bits times 2^-20.
std::vector<float> numbers(uint64_t state) {
  std::vector<float> out;
  for (size_t i = 0; i < kRow; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    out.push_back(static_cast<float>(static_cast<int64_t>(state >> 40U) - (int64_t{1} << 23U)) / 0x1p20f);
  }
  return out;
}

// Changes the inputs of the case "random" to those of another. Returns false if there is none of that name.
bool change_inputs(Inputs &inputs, const std::string &name) {
  using Change = void (*)(size_t i, float &x, float &w);
  const std::pair<const char *, Change> changes[] = {
      {"random", [](size_t, float &, float &) {}},
      {"one large element", [](size_t i, float &x, float &) { x *= i == 37 ? 64 : 1; }},
      {"one large weight", [](size_t i, float &, float &w) { w *= i == 70 ? 1024 : 1; }},
      {"weights of zero", [](size_t, float &, float &w) { w = 0; }},
      {"weights of zero in every other group", [](size_t i, float &, float &w) { w = i / 16 % 2 == 0 ? w : 0; }},
      {"zeros", [](size_t, float &x, float &) { x *= 0; }},
      {"tiny", [](size_t, float &x, float &) { x /= 0x1p60f; }},
      {"constant", [](size_t, float &x, float &) { x = 0.75f; }},
      {"positive", [](size_t, float &x, float &) { x = std::fabs(x); }},
      {"negative", [](size_t, float &x, float &) { x = -std::fabs(x); }},
      {"groups of zeros", [](size_t i, float &x, float &) { x = i / 32 % 2 == 0 ? x : 0; }},
      {"small next to large", [](size_t i, float &x, float &) { x = i / 16 % 4 == 0 ? x * 256 : x / 256; }},
  };
  for (const auto &[known, change] : changes) {
    if (name != known) continue;
    for (size_t i = 0; i < kRow; ++i)
      change(i, inputs.values[i], inputs.weights[i]);
    return true;
  }
  return false;
}

Inputs inputs_of(const std::string &name) {
  Inputs inputs{numbers(1), numbers(2)};
  for (float &weight : inputs.weights)
    weight = std::fabs(weight);
  EXPECT_TRUE(change_inputs(inputs, name)) << name;
  return inputs;
}

std::string hex_of(const tf_array *array) {
  std::string hex;
  const auto *const bytes = static_cast<const uint8_t *>(tf_array_data(array));
  for (uint64_t i = 0; i < tf_array_nbytes(array); ++i) {
    hex += "0123456789abcdef"[bytes[i] >> 4U];
    hex += "0123456789abcdef"[bytes[i] & 15U];
  }
  return hex;
}

TEST(CastWeighted, EqualsGgml) {
  std::vector<tf_dtype> seen;
  for (const Vector &vector : kVectors) {
    const Inputs inputs = inputs_of(vector.name);
    const auto array = array_of_floats({1, kRow}, inputs.values);
    const auto encoded = cast_weighted(array.get(), vector.dtype, array_of_floats({kRow}, inputs.weights).get());
    EXPECT_EQ(hex_of(encoded.get()), vector.hex) << tf_dtype_name(vector.dtype) << " " << vector.name;
    seen.push_back(vector.dtype);
  }
  for (const tf_dtype dtype : kWeighted)
    EXPECT_EQ(std::count(seen.begin(), seen.end(), dtype), 12) << tf_dtype_name(dtype);
}

}  // namespace
}  // namespace tfile::testing
