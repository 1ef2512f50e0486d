#include "quant/cast.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/endian.h"
#include "base/error.h"
#include "support/arrays.h"
#include "support/memory.h"

namespace tfile {
namespace {

using testing::array_of;
using testing::elements;
using testing::settings_with;
using testing::TestMemory;
using testing::Vectors;

template <typename To, typename From>
std::vector<To> cast_values(tf_dtype to, tf_dtype from, const std::vector<From> &values) {
  TestMemory memory;
  Ref<Array> out;
  EXPECT_TRUE(cast(out, *array_of(*memory, from, values), *find_dtype(to), settings_with(memory, 1)).ok());
  return elements<To>(*out);
}

// Returns the CRC-32 of elements first to first + count of a C-contiguous array, in little-endian byte order.
uint32_t crc_of(const Array &array, size_t first, size_t count) {
  const Dtype &dtype = *array.dtype;
  const auto *from = reinterpret_cast<const uint8_t *>(array.data) + first / dtype.block_size * dtype.block_bytes;
  std::vector<uint8_t> part(from, from + count / dtype.block_size * dtype.block_bytes);
  if (kHostIsBig) {
    EXPECT_TRUE(swap_bytes(dtype, part.data(), part.size()));
  }
  return static_cast<uint32_t>(crc32(0, part.data(), static_cast<uInt>(part.size())));
}

// Returns the elements in the file, or all codes in order if the file has none.
Ref<Array> source_array(Vectors &vectors, Memory &memory, const Dtype &dtype) {
  const uint32_t count = vectors.number();
  const uint32_t size = vectors.number();
  std::vector<uint8_t> data(size);
  if (size > 0) memcpy(data.data(), vectors.take(size), size);
  if (size > 0 && kHostIsBig) {
    EXPECT_TRUE(swap_bytes(dtype, data.data(), data.size()));
  }
  for (uint32_t code = 0; size == 0 && code < count; ++code) {
    const auto wide = static_cast<uint16_t>(code);
    const auto *bytes = reinterpret_cast<const uint8_t *>(&wide);
    if (dtype.block_bytes == 1) data.push_back(static_cast<uint8_t>(code));
    if (dtype.block_bytes == 2) data.insert(data.end(), bytes, bytes + 2);
  }
  return array_of(memory, dtype.id, data);
}

TEST(Cast, AgreesWithNumpyAndMlDtypesBitForBit) {
  constexpr size_t kGroup = 256;
  TestMemory memory;
  Vectors vectors("cast_vectors.bin", "TFCASTV1");  // make_cast_vectors.py describes it
  const uint32_t sources = vectors.number();
  EXPECT_EQ(sources, 23u);
  for (uint32_t s = 0; s < sources; ++s) {
    const Dtype &from = vectors.dtype();
    const Ref<Array> source = source_array(vectors, *memory, from);
    const auto count = static_cast<size_t>(source->size);
    const uint32_t targets = vectors.number();
    EXPECT_EQ(targets, from.kind == DtypeClass::kComplex ? 3u : 23u);
    for (uint32_t t = 0; t < targets; ++t) {
      const Dtype &to = vectors.dtype();
      Ref<Array> result;
      ASSERT_TRUE(cast(result, *source, to, settings_with(memory, 1)).ok()) << error_record().message;
      ASSERT_EQ(result->dtype, &to);
      for (size_t first = 0; first < count; first += kGroup) {
        const uint32_t expected = vectors.number();
        EXPECT_EQ(crc_of(*result, first, std::min(kGroup, count - first)), expected)
            << from.name << " to " << to.name << ", elements from " << first;
      }
    }
  }
  EXPECT_TRUE(vectors.done());
}

TEST(Cast, FloatToIntegerTruncatesAndSaturates) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {1.9, -1.9, 127.99, 128, -128.99, -129, 1e300, -1e300, inf, -inf, NAN, -0.0, -0.9};
  const std::vector<int8_t> as_int8 = {1, -1, 127, 127, -128, -128, 127, -128, 127, -128, 0, 0, 0};
  const std::vector<uint8_t> as_uint8 = {1, 0, 127, 128, 0, 0, 255, 0, 255, 0, 0, 0, 0};
  EXPECT_EQ(cast_values<int8_t>(TF_DTYPE_INT8, TF_DTYPE_FLOAT64, values), as_int8);
  EXPECT_EQ(cast_values<uint8_t>(TF_DTYPE_UINT8, TF_DTYPE_FLOAT64, values), as_uint8);
  const std::vector<float> large = {9.2233715e18f, 9.223372e18f, -9.223372e18f, -9.3e18f, 1.8446743e19f, 1.8446744e19f};
  const std::vector<int64_t> as_int64 = {9223371487098961920, INT64_MAX, INT64_MIN, INT64_MIN, INT64_MAX, INT64_MAX};
  const std::vector<uint64_t> as_uint64 = {
      9223371487098961920u, 9223372036854775808u, 0, 0, 18446742974197923840u, UINT64_MAX};
  EXPECT_EQ(cast_values<int64_t>(TF_DTYPE_INT64, TF_DTYPE_FLOAT32, large), as_int64);
  EXPECT_EQ(cast_values<uint64_t>(TF_DTYPE_UINT64, TF_DTYPE_FLOAT32, large), as_uint64);
}

TEST(Cast, IntegersWrapAndKeepTheirSign) {
  const std::vector<int32_t> values = {-1, 300, -129, INT32_MIN};
  EXPECT_EQ(cast_values<int8_t>(TF_DTYPE_INT8, TF_DTYPE_INT32, values), (std::vector<int8_t>{-1, 44, 127, 0}));
  EXPECT_EQ(cast_values<uint64_t>(TF_DTYPE_UINT64, TF_DTYPE_INT32, values),
            (std::vector<uint64_t>{UINT64_MAX, 300, UINT64_MAX - 128, uint64_t{0xffffffff80000000}}));
}

TEST(Cast, PacksTheFirstElementIntoTheLowestBits) {
  // float4: 0.5 is code 1, -6 code 15. float6_e2m3fn: 1 is code 8, -7.5 code 63, 0.125 code 1, 2 code 16.
  EXPECT_EQ(cast_values<uint8_t>(TF_DTYPE_FLOAT4_E2M1FN, TF_DTYPE_FLOAT32, std::vector<float>{0.5f, -6}),
            (std::vector<uint8_t>{0xf1}));
  EXPECT_EQ(cast_values<uint8_t>(TF_DTYPE_FLOAT6_E2M3FN, TF_DTYPE_FLOAT32, std::vector<float>{1, -7.5f, 0.125f, 2}),
            (std::vector<uint8_t>{0xc8, 0x1f, 0x40}));
  EXPECT_EQ(cast_values<float>(TF_DTYPE_FLOAT32, TF_DTYPE_FLOAT6_E2M3FN, std::vector<uint8_t>{0xc8, 0x1f, 0x40}),
            (std::vector<float>{1, -7.5f, 0.125f, 2}));
}

TEST(Cast, BoolsOtherThanOneCountAsOne) {
  const std::vector<uint8_t> values = {0, 1, 2, 255};
  EXPECT_EQ(cast_values<int16_t>(TF_DTYPE_INT16, TF_DTYPE_BOOL, values), (std::vector<int16_t>{0, 1, 1, 1}));
  EXPECT_EQ(cast_values<float>(TF_DTYPE_FLOAT32, TF_DTYPE_BOOL, values), (std::vector<float>{0, 1, 1, 1}));
}

TEST(Cast, AcceptsStridedArrays) {
  TestMemory memory;
  std::vector<int32_t> values(50 * 70);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<int32_t>(i);
  const Ref<Array> whole = array_of(*memory, TF_DTYPE_INT32, {50, 70}, values);
  Ref<Array> turned, part, result;
  ASSERT_TRUE(transpose(turned, *memory, *whole, nullptr, 0).ok());
  ASSERT_TRUE(cast(result, *turned, *find_dtype(TF_DTYPE_FLOAT64), settings_with(memory, 1)).ok());
  EXPECT_TRUE(is_contiguous(*result));
  const std::vector<double> found = elements<double>(*result);
  for (size_t i = 0; i < 70; ++i)
    for (size_t k = 0; k < 50; ++k)
      ASSERT_EQ(found[i * 50 + k], static_cast<double>(k * 70 + i));
  // A cast to the same dtype makes the elements contiguous.
  ASSERT_TRUE(cast(result, *turned, *find_dtype(TF_DTYPE_INT32), settings_with(memory, 1)).ok());
  EXPECT_EQ(elements<int32_t>(*result)[1], 70);
}

TEST(Cast, ToTheSameDtypeIsTheArrayItself) {
  TestMemory memory;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT32, std::vector<uint32_t>{0x7f800001, 0xffc12345});
  Ref<Array> result;
  ASSERT_TRUE(cast(result, *array, *array->dtype, settings_with(memory, 1)).ok());
  EXPECT_EQ(result.get(), array.get());
  std::vector<uint32_t> bits(2);
  ASSERT_TRUE(cast_into(bits.data(), *array->dtype, *array, settings_with(memory, 1)).ok());
  EXPECT_EQ(bits, elements<uint32_t>(*array));
}

TEST(Cast, WritesToAnyAddress) {
  TestMemory memory;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT16, std::vector<uint16_t>{0x3c00, 0xc000, 0x7bff});
  std::vector<char> buffer(3 * sizeof(double) + 1);
  ASSERT_TRUE(cast_into(buffer.data() + 1, *find_dtype(TF_DTYPE_FLOAT64), *array, settings_with(memory, 1)).ok());
  double found[3];
  memcpy(found, buffer.data() + 1, sizeof(found));
  EXPECT_EQ(found[0], 1);
  EXPECT_EQ(found[1], -2);
  EXPECT_EQ(found[2], 65504);
}

TEST(Cast, GivesTheSameWithAnyNumberOfThreads) {
  TestMemory memory;
  std::vector<uint32_t> bits(1'000'004);
  for (size_t i = 0; i < bits.size(); ++i)
    bits[i] = static_cast<uint32_t>(i) * 2654435761u;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT32, bits);
  for (const tf_dtype to : {TF_DTYPE_FLOAT16, TF_DTYPE_FLOAT6_E3M2FN, TF_DTYPE_COMPLEX128}) {
    Ref<Array> one, several;
    ASSERT_TRUE(cast(one, *array, *find_dtype(to), settings_with(memory, 1)).ok());
    ASSERT_TRUE(cast(several, *array, *find_dtype(to), settings_with(memory, 4)).ok());
    EXPECT_TRUE(equal(*one, *several)) << find_dtype(to)->name;
  }
}

TEST(Cast, RefusesComplexToReal) {
  TestMemory memory;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_COMPLEX64, std::vector<float>{0, 1, 0, 0});
  Ref<Array> result;
  EXPECT_EQ(cast(result, *array, *find_dtype(TF_DTYPE_FLOAT32), settings_with(memory, 1)).code, TF_STATUS_TYPE);
  EXPECT_STREQ(error_record().message, "cannot cast complex64 to float32: imaginary parts would be lost");
  EXPECT_FALSE(result);
  ASSERT_TRUE(cast(result, *array, *find_dtype(TF_DTYPE_BOOL), settings_with(memory, 1)).ok());
  EXPECT_EQ(elements<uint8_t>(*result), (std::vector<uint8_t>{1, 0}));
}

TEST(Cast, RefusesSizesThatAreNotWholeUnits) {
  TestMemory memory;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT32, std::vector<float>{1, 2, 3});
  Ref<Array> result;
  EXPECT_EQ(cast(result, *array, *find_dtype(TF_DTYPE_FLOAT4_E2M1FN), settings_with(memory, 1)).code,
            TF_STATUS_INVALID_ARGUMENT);
  EXPECT_FALSE(result);
}

TEST(Cast, AcceptsEmptyArraysAndScalars) {
  TestMemory memory;
  Ref<Array> result;
  const Ref<Array> empty = array_of(*memory, TF_DTYPE_FLOAT32, {3, 0}, std::vector<float>{});
  ASSERT_TRUE(cast(result, *empty, *find_dtype(TF_DTYPE_FLOAT6_E2M3FN), settings_with(memory, 2)).ok());
  EXPECT_EQ(result->nbytes, 0u);
  EXPECT_EQ(result->ndim, 2u);
  const Ref<Array> scalar = array_of(*memory, TF_DTYPE_UINT8, {}, std::vector<uint8_t>{7});
  ASSERT_TRUE(cast(result, *scalar, *find_dtype(TF_DTYPE_BFLOAT16), settings_with(memory, 2)).ok());
  EXPECT_EQ(elements<uint16_t>(*result), (std::vector<uint16_t>{0x40e0}));
}

TEST(Cast, FreesEverythingWhenMemoryRunsOut) {
  TestMemory memory;
  const Ref<Array> array = array_of(*memory, TF_DTYPE_FLOAT32, std::vector<float>(64, 1));
  const Settings settings = settings_with(memory, 1);
  memory.fail_after(0);
  Ref<Array> result;
  EXPECT_EQ(cast(result, *array, *find_dtype(TF_DTYPE_INT8), settings).code, TF_STATUS_OUT_OF_MEMORY);
  EXPECT_FALSE(result);
}

double item(const Array &array, std::vector<int64_t> index) {
  double value = 0;
  EXPECT_TRUE(item_double(&value, array, {index.data(), index.size()}).ok()) << error_record().message;
  return value;
}

TEST(ItemDouble, IsExactIfADoubleCanBe) {
  TestMemory memory;
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_BOOL, std::vector<uint8_t>{0, 3}), {1}), 1);
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_INT16, std::vector<int16_t>{-300}), {0}), -300);
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_INT64, std::vector<int64_t>{9007199254740993}), {0}), 9007199254740992);
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_INT64, std::vector<int64_t>{9007199254740995}), {0}), 9007199254740996);
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_UINT64, std::vector<uint64_t>{UINT64_MAX}), {0}), 18446744073709551616.0);
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_FLOAT16, std::vector<uint16_t>{1}), {-1}), std::ldexp(1.0, -24));
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_BFLOAT16, std::vector<uint16_t>{1}), {0}), std::ldexp(1.0, -133));
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_FLOAT64, std::vector<double>{0.1}), {0}), 0.1);
  EXPECT_EQ(item(*array_of(*memory, TF_DTYPE_FLOAT8_E4M3FN, std::vector<uint8_t>{0xfe}), {0}), -448);
  EXPECT_TRUE(std::isnan(item(*array_of(*memory, TF_DTYPE_FLOAT8_E8M0FNU, std::vector<uint8_t>{0xff}), {0})));
}

TEST(ItemDouble, FindsElementsOfPackedAndStridedArrays) {
  TestMemory memory;
  // Codes 0 to 7: 0, 0.5, 1, 1.5, 2, 3, 4, 6.
  const Ref<Array> packed =
      array_of(*memory, TF_DTYPE_FLOAT4_E2M1FN, {2, 4}, std::vector<uint8_t>{0x10, 0x32, 0x54, 0x76});
  EXPECT_EQ(item(*packed, {0, 1}), 0.5);
  EXPECT_EQ(item(*packed, {1, 0}), 2);
  EXPECT_EQ(item(*packed, {-1, -1}), 6);
  // The second unit has 1, -7.5, 0.125, 2.
  const Ref<Array> six =
      array_of(*memory, TF_DTYPE_FLOAT6_E2M3FN, {8}, std::vector<uint8_t>{0, 0, 0, 0xc8, 0x1f, 0x40});
  EXPECT_EQ(item(*six, {5}), -7.5);
  EXPECT_EQ(item(*six, {7}), 2);
  Ref<Array> turned;
  const Ref<Array> matrix = array_of(*memory, TF_DTYPE_INT8, {2, 3}, std::vector<int8_t>{0, 1, 2, 3, 4, 5});
  ASSERT_TRUE(transpose(turned, *memory, *matrix, nullptr, 0).ok());
  EXPECT_EQ(item(*turned, {2, 1}), 5);
  EXPECT_EQ(item(*turned, {0, -1}), 3);
}

TEST(ItemDouble, RefusesComplexNumbersAndBlocks) {
  TestMemory memory;
  double value = 1;
  const int64_t first = 0;
  const Ref<Array> complex = array_of(*memory, TF_DTYPE_COMPLEX64, std::vector<float>{1, 2});
  EXPECT_EQ(item_double(&value, *complex, {&first, 1}).code, TF_STATUS_TYPE);
  EXPECT_STREQ(error_record().message, "expected a real dtype, found complex64");
  const Ref<Array> blocks = array_of(*memory, TF_DTYPE_Q8_0, std::vector<uint8_t>(34));
  EXPECT_EQ(item_double(&value, *blocks, {&first, 1}).code, TF_STATUS_TYPE);
  EXPECT_EQ(value, 1);
}

}  // namespace
}  // namespace tfile
