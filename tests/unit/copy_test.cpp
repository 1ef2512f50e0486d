#include "core/copy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "base/memory.h"

namespace tfile {
namespace {

using Sizes = std::vector<int64_t>;

// Copies one element after another, directly from the definition.
void copy_slowly(char *to, const Sizes &to_strides, const char *from, const Sizes &from_strides, const Sizes &shape,
                 size_t item) {
  int64_t count = 1;
  for (const int64_t size : shape)
    count *= size;
  for (int64_t n = 0; n < count; ++n) {
    int64_t rest = n;
    int64_t to_offset = 0;
    int64_t from_offset = 0;
    for (size_t i = shape.size(); i-- > 0; rest /= shape[i]) {
      to_offset += rest % shape[i] * to_strides[i];
      from_offset += rest % shape[i] * from_strides[i];
    }
    memcpy(to + to_offset, from + from_offset, item);
  }
}

// A layout without overlap: the axes are in a random order, some have negative strides, and some have gaps.
struct Layout {
  Sizes strides;
  int64_t first = 0;  // offset of element [0, 0, ...]
  int64_t bytes = 0;
};

Layout random_layout(std::mt19937 &random, const Sizes &shape, size_t item, bool broadcast) {
  std::vector<size_t> order(shape.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  Layout layout;
  layout.strides.resize(shape.size());
  int64_t step = static_cast<int64_t>(item);
  for (const size_t axis : order) {
    if (random() % 4 == 0) step += static_cast<int64_t>(item * (random() % 3));
    const int64_t stride = broadcast && random() % 5 == 0 ? 0 : random() % 4 == 0 ? -step : step;
    layout.strides[axis] = stride;
    if (stride < 0) layout.first += (shape[axis] - 1) * step;
    step *= shape[axis];
  }
  layout.bytes = step;
  return layout;
}

TEST(CopyStrided, EqualsTheSimpleCopy) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    const size_t item = std::vector<size_t>{1, 2, 4, 8, 16, 3, 12, 24}[random() % 8];
    Sizes shape(random() % 6);
    for (int64_t &size : shape)
      size = static_cast<int64_t>(1 + random() % (shape.size() <= 2 ? 90 : 7));
    const Layout to = random_layout(random, shape, item, false);
    const Layout from = random_layout(random, shape, item, true);
    std::vector<char> source(static_cast<size_t>(from.bytes));
    for (char &byte : source)
      byte = static_cast<char>(random());
    std::vector<char> expected(static_cast<size_t>(to.bytes), 'x');
    std::vector<char> result = expected;
    copy_slowly(expected.data() + to.first, to.strides, source.data() + from.first, from.strides, shape, item);
    copy_strided(result.data() + to.first, to.strides.data(), source.data() + from.first, from.strides.data(),
                 {shape.data(), shape.size()}, item);
    ASSERT_EQ(result, expected) << "round " << round;
    const auto same = [&] {
      return equal_strided(result.data() + to.first, to.strides.data(), source.data() + from.first, from.strides.data(),
                           {shape.data(), shape.size()}, item);
    };
    ASSERT_TRUE(same()) << "round " << round;
    // Changes the last byte of the last element.
    int64_t last = to.first;
    for (size_t i = 0; i < shape.size(); ++i)
      last += (shape[i] - 1) * to.strides[i];
    result[static_cast<size_t>(last) + item - 1] ^= 1;
    ASSERT_FALSE(same()) << "round " << round;
  }
}

TEST(CopyStrided, DoesNothingWithoutElements) {
  const Sizes shape = {3, 0, INT64_MAX};
  const Sizes strides = {INT64_MAX, 1, INT64_MIN};
  char byte = 'x';
  copy_strided(&byte, strides.data(), nullptr, strides.data(), {shape.data(), shape.size()}, 1);
  EXPECT_EQ(byte, 'x');
  EXPECT_TRUE(equal_strided(&byte, strides.data(), nullptr, strides.data(), {shape.data(), shape.size()}, 1));
}

TEST(CopyStrided, Handles64Dimensions) {
  Sizes shape(kMaxRank, 1);
  for (size_t i = 0; i < kMaxRank; i += 4)
    shape[i] = 2;
  Sizes to(kMaxRank);
  contiguous_strides(to.data(), {shape.data(), shape.size()}, 1);
  Sizes from(kMaxRank);
  int64_t step = 1;
  for (size_t i = 0; i < kMaxRank; ++i) {
    from[i] = step;
    step *= shape[i];
  }
  std::vector<char> source(static_cast<size_t>(step));
  for (size_t i = 0; i < source.size(); ++i)
    source[i] = static_cast<char>(i * 7 / 3);
  std::vector<char> result(source.size());
  std::vector<char> expected(source.size());
  copy_slowly(expected.data(), to, source.data(), from, shape, 1);
  copy_strided(result.data(), to.data(), source.data(), from.data(), {shape.data(), shape.size()}, 1);
  EXPECT_EQ(result, expected);
}

TEST(ContiguousStrides, AreThoseOfNumPy) {
  Sizes strides(3);
  const Sizes shape = {2, 3, 4};
  contiguous_strides(strides.data(), {shape.data(), 3}, 8);
  EXPECT_EQ(strides, (Sizes{96, 32, 8}));
  const Sizes huge = {0, INT64_MAX, 2};
  contiguous_strides(strides.data(), {huge.data(), 3}, 8);
  EXPECT_EQ(strides, (Sizes{INT64_MAX, 16, 8}));
}

TEST(CopyElements, TakesAnyRangeInCOrder) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    Sizes shape(random() % 5);
    for (int64_t &size : shape)
      size = static_cast<int64_t>(1 + random() % 6);
    const Layout layout = random_layout(random, shape, 4, true);
    Ref<Buffer> buffer;
    ASSERT_TRUE(make_buffer(buffer, default_memory(), static_cast<uint64_t>(layout.bytes)).ok());
    auto *const data = static_cast<char *>(buffer->data);
    for (int64_t i = 0; i < layout.bytes; ++i)
      data[i] = static_cast<char>(random());
    Ref<Array> array;
    ASSERT_TRUE(make_array(array, default_memory(), *find_dtype(TF_DTYPE_FLOAT32), {shape.data(), shape.size()},
                           layout.strides.data(), buffer, data + layout.first)
                    .ok());
    std::vector<char> whole(array->nbytes);
    Sizes c_order(shape.size());
    contiguous_strides(c_order.data(), array->shape(), 4);
    copy_slowly(whole.data(), c_order, array->data, layout.strides, shape, 4);
    const auto first = static_cast<int64_t>(random() % static_cast<uint64_t>(array->size));
    const auto count = static_cast<int64_t>(random() % static_cast<uint64_t>(array->size - first + 1));
    std::vector<char> part(static_cast<size_t>(count) * 4 + 1, 'x');
    copy_elements(part.data(), *array, first, count);
    std::vector<char> expected(whole.begin() + first * 4, whole.begin() + (first + count) * 4);
    expected.push_back('x');
    ASSERT_EQ(part, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace tfile
