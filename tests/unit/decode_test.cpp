// TF_OPTION_DECODE: block types are decoded while they are read, whole or as slices, or converted to the arrays of MLX.
#include <cstring>

#include "support/aligned.h"
#include "support/handles.h"

namespace tfile::testing {
namespace {

Handle<tf_array> cast_to(const tf_array *array, tf_dtype dtype) {
  return made<tf_array>([&](tf_array **out) { return tf_array_cast(out, array, dtype, nullptr); });
}

// Makes blocks of small finite numbers by encoding them, which needs no knowledge of the layout.
Handle<tf_array> blocks_of(tf_dtype dtype, const std::vector<int64_t> &shape) {
  std::vector<float> values;
  int64_t count = 1;
  for (const int64_t size : shape)
    count *= size;
  std::mt19937 random(5);
  for (int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(random() % 2001) / 500.0f - 2.0f);
  const auto real = made<tf_array>([&](tf_array **out) {
    return tf_array_copy_from(out, TF_DTYPE_FLOAT32, shape.data(), shape.size(), values.data(), values.size() * 4);
  });
  return cast_to(real.get(), dtype);
}

std::string saved(tf_format format, std::initializer_list<std::pair<const char *, const tf_array *>> arrays) {
  const auto dict = dict_of(arrays);
  const auto buffer = made<tf_buffer>(
      [&](tf_buffer **out) { return tf_save_memory(out, format, nullptr, dict.get(), nullptr, nullptr); });
  return contents(buffer.get());
}

Handle<tf_dict> loaded(const std::string &bytes, const tf_options *options) {
  return made<tf_dict>([&](tf_dict **out) {
    return tf_load_memory(nullptr, out, nullptr, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options);
  });
}

TEST(Decode, OnLoadIsTheCastOfTheBlocks) {
  const auto blocks = blocks_of(TF_DTYPE_Q4_K, {3, 512});
  const auto plain = random_array(TF_DTYPE_INT32, {4});
  const std::string bytes = saved(TF_FORMAT_GGUF, {{"w", blocks.get()}, {"i", plain.get()}});
  for (const tf_dtype dtype : {TF_DTYPE_FLOAT32, TF_DTYPE_FLOAT16, TF_DTYPE_BFLOAT16, TF_DTYPE_FLOAT64}) {
    for (const int64_t mode : {TF_LOAD_MODE_OWN, TF_LOAD_MODE_MAP}) {
      const auto options = options_with({{TF_OPTION_DECODE, dtype}, {TF_OPTION_LOAD_MODE, mode}});
      const auto arrays = loaded(bytes, options.get());
      EXPECT_TRUE(same(cast_to(blocks.get(), dtype).get(), array_of(arrays.get(), "w").get()));
      EXPECT_TRUE(same(plain.get(), array_of(arrays.get(), "i").get()));
      const auto file = made<tf_file>([&](tf_file **out) {
        return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options.get());
      });
      EXPECT_EQ(tf_file_dtype(file.get(), 0), TF_DTYPE_Q4_K) << "the dtype in the file";
      const auto read = made<tf_array>([&](tf_array **out) { return tf_file_read(out, file.get(), 0); });
      EXPECT_TRUE(same(cast_to(blocks.get(), dtype).get(), read.get()));
    }
  }
  EXPECT_TRUE(same(blocks.get(), array_of(loaded(bytes, nullptr).get(), "w").get()));
}

void expect_slices(const tf_file *file, const tf_array *whole, const std::vector<int64_t> &shape) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<int64_t> start, stop, step;
    for (const int64_t size : shape) {
      start.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(2 * size)) - size);
      stop.push_back(static_cast<int64_t>(random() % static_cast<uint64_t>(2 * size)) - size);
      const int64_t steps[] = {1, -1, 3, -40, 100};
      step.push_back(steps[random() % 5]);
    }
    const auto expected = made<tf_array>([&](tf_array **out) {
      return tf_array_slice(out, whole, start.data(), stop.data(), step.data(), shape.size());
    });
    const auto dense = made<tf_array>([&](tf_array **out) { return tf_array_contiguous(out, expected.get()); });
    std::vector<char> bytes(tf_array_nbytes(dense.get()));
    ASSERT_EQ(tf_file_read_slice_into(file, 0, start.data(), stop.data(), step.data(), shape.size(), TF_DTYPE_FLOAT32,
                                      bytes.data(), bytes.size()),
              TF_STATUS_OK)
        << tf_error_message();
    const auto *expected_bytes = static_cast<const char *>(tf_array_data(dense.get()));
    EXPECT_EQ(bytes, std::vector<char>(expected_bytes, expected_bytes + bytes.size())) << "round " << round;
  }
}

TEST(Decode, SlicesMayStartAndEndInsideBlocks) {
  for (const tf_dtype dtype : {TF_DTYPE_Q8_0, TF_DTYPE_Q6_K, TF_DTYPE_FLOAT4_E2M1FN, TF_DTYPE_FLOAT6_E3M2FN}) {
    const std::vector<int64_t> shape = {5, 3, 512};
    const auto blocks = blocks_of(dtype, shape);
    const bool gguf = dtype >= TF_DTYPE_Q4_0;
    const std::string bytes = saved(gguf ? TF_FORMAT_GGUF : TF_FORMAT_SAFETENSORS, {{"w", blocks.get()}});
    const auto options = options_with({{TF_OPTION_DECODE, TF_DTYPE_FLOAT32}});
    const auto file = made<tf_file>([&](tf_file **out) {
      return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options.get());
    });
    const auto whole = cast_to(blocks.get(), TF_DTYPE_FLOAT32);
    expect_slices(file.get(), whole.get(), shape);
    if (!gguf) continue;
    const int64_t start[] = {1, 0, 37}, stop[] = {2, 3, 41};
    const auto slice =
        made<tf_array>([&](tf_array **out) { return tf_file_read_slice(out, file.get(), 0, start, stop, nullptr, 3); });
    const auto expected =
        made<tf_array>([&](tf_array **out) { return tf_array_slice(out, whole.get(), start, stop, nullptr, 3); });
    EXPECT_TRUE(same(expected.get(), slice.get()));
  }
}

// The bytes requested from the allocator show how much was decoded: all 65,536 elements would need 256 KiB as float32,
// but the blocks that contain the 16 elements of the slice need only 2 KiB.
TEST(Decode, ASliceDecodesOnlyTheBlocksThatItNeeds) {
  const int64_t size = 65536;
  const auto blocks = blocks_of(TF_DTYPE_Q8_0, {2, size});
  const std::string bytes = saved(TF_FORMAT_GGUF, {{"w", blocks.get()}});
  const auto whole = cast_to(blocks.get(), TF_DTYPE_FLOAT32);
  for (const int64_t step : {int64_t{4100}, int64_t{-4100}}) {
    uint64_t requested = 0;
    const auto options = options_with({{TF_OPTION_DECODE, TF_DTYPE_FLOAT32}});
    ASSERT_EQ(tf_options_set_allocator(
                  options.get(),
                  [](void *user, size_t nbytes, size_t alignment) {
                    *static_cast<uint64_t *>(user) += nbytes;
                    return allocate_aligned(nbytes, alignment);
                  },
                  [](void *, void *ptr, size_t, size_t) { free_aligned(ptr); }, nullptr, &requested),
              TF_STATUS_OK);
    const auto file = made<tf_file>([&](tf_file **out) {
      return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options.get());
    });
    requested = 0;
    const int64_t start[] = {TENSORFILE_SLICE_OMITTED, step > 0 ? 77 : -77};
    const int64_t steps[] = {1, step};
    const auto slice = made<tf_array>(
        [&](tf_array **out) { return tf_file_read_slice(out, file.get(), 0, start, nullptr, steps, 2); });
    EXPECT_LT(requested, tf_array_nbytes(blocks.get()) + 64 * 1024);
    const auto expected =
        made<tf_array>([&](tf_array **out) { return tf_array_slice(out, whole.get(), start, nullptr, steps, 2); });
    EXPECT_TRUE(same(expected.get(), slice.get()));
  }
}

TEST(Decode, WithoutDecodingASliceMustBeWholeBlocks) {
  const auto blocks = blocks_of(TF_DTYPE_Q8_0, {2, 64});
  const std::string bytes = saved(TF_FORMAT_GGUF, {{"w", blocks.get()}});
  const auto file = made<tf_file>(
      [&](tf_file **out) { return tf_file_open_memory(out, bytes.data(), bytes.size(), TF_FORMAT_AUTO, nullptr); });
  const int64_t start[] = {0, 1}, stop[] = {2, 33};
  tf_array *out = nullptr;
  EXPECT_EQ(tf_file_read_slice(&out, file.get(), 0, start, stop, nullptr, 2), TF_STATUS_UNSUPPORTED);
  EXPECT_EQ(out, nullptr);
}

// A Q4_0 block whose scale is 0.5 and whose packed bytes are 0x00, 0x01, ..., 0x0f.
TEST(Decode, MlxTripleOfAKnownBlock) {
  uint8_t block[18] = {0x00, 0x38};
  for (uint8_t i = 0; i < 16; ++i)
    block[2 + i] = i;
  const int64_t shape[] = {1, 32};
  const auto blocks = made<tf_array>(
      [&](tf_array **out) { return tf_array_copy_from(out, TF_DTYPE_Q4_0, shape, 2, block, sizeof(block)); });
  const std::string bytes = saved(TF_FORMAT_GGUF, {{"blk.weight", blocks.get()}, {"abcdefgh", blocks.get()}});
  const auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
  ASSERT_EQ(tf_options_set_string(options.get(), TF_OPTION_DECODE, "mlx", SIZE_MAX), TF_STATUS_OK);
  const auto arrays = loaded(bytes, options.get());
  EXPECT_EQ(tf_dict_size(arrays.get()), 6u);
  for (const std::string stem : {"blk", "abcdefgh"}) {
    const auto codes = array_of(arrays.get(), stem == "blk" ? "blk.weight" : "abcdefgh");
    const auto scales = array_of(arrays.get(), stem + ".scales");
    const auto biases = array_of(arrays.get(), stem + ".biases");
    ASSERT_EQ(tf_array_dtype(codes.get()), TF_DTYPE_UINT32);
    const uint32_t words[] = {0x76543210, 0xFEDCBA98, 0, 0};
    EXPECT_EQ(memcmp(tf_array_data(codes.get()), words, sizeof(words)), 0);
    EXPECT_EQ(tf_array_nbytes(codes.get()), sizeof(words));
    EXPECT_EQ(tf_array_shape(codes.get())[1], 4);
    ASSERT_EQ(tf_array_dtype(scales.get()), TF_DTYPE_FLOAT16);
    const uint16_t half = 0x3800, minus_four = 0xC400;
    EXPECT_EQ(memcmp(tf_array_data(scales.get()), &half, 2), 0);
    EXPECT_EQ(memcmp(tf_array_data(biases.get()), &minus_four, 2), 0);
  }
}

TEST(Decode, MlxNamesMustNotClash) {
  const auto blocks = blocks_of(TF_DTYPE_Q8_0, {32});
  const auto plain = random_array(TF_DTYPE_INT32, {4});
  const std::string bytes = saved(TF_FORMAT_GGUF, {{"a.weight", blocks.get()}, {"a.scales", plain.get()}});
  const auto options = options_with({{TF_OPTION_DECODE, TF_DECODE_MLX}});
  tf_dict *arrays = nullptr;
  EXPECT_EQ(tf_load_memory(nullptr, &arrays, nullptr, bytes.data(), bytes.size(), TF_FORMAT_AUTO, options.get()),
            TF_STATUS_DUPLICATE);
  EXPECT_STREQ(tf_error_name(), "a.scales");
}

TEST(Decode, OptionTakesFloatingDtypesOnly) {
  const auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
  EXPECT_EQ(tf_options_set(options.get(), TF_OPTION_DECODE, TF_DTYPE_INT32), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(tf_error_message(),
               "decode takes keep (0), mlx (-1), float16 (10), bfloat16 (11), float32 (12) or float64 (13), not 4");
  EXPECT_EQ(tf_options_set(options.get(), TF_OPTION_DECODE, TF_DTYPE_COMPLEX64), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_DECODE, "int8", SIZE_MAX), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_DECODE, "nonsense", SIZE_MAX), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_options_set_string(options.get(), TF_OPTION_DECODE, "bfloat16", SIZE_MAX), TF_STATUS_OK);
  int64_t value = 0;
  EXPECT_EQ(tf_options_get(&value, options.get(), TF_OPTION_DECODE), TF_STATUS_OK);
  EXPECT_EQ(value, TF_DTYPE_BFLOAT16);
}

}  // namespace
}  // namespace tfile::testing
