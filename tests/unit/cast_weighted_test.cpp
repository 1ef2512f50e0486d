// Casts with an importance matrix. tests/peers/test_presets.py compares the blocks with those of llama-quantize.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
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

}  // namespace
}  // namespace tfile::testing
