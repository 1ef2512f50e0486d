// The user's allocator: all memory of calls and objects comes from it, in a bounded number of allocations.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/expect_error.h"
#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile {
namespace {

using testing::Handle;
using testing::made;
using testing::same;

// A bump allocator over one block of memory; freed memory is not used again.
class Arena {
 public:
  explicit Arena(size_t size) : bytes_(size) {}
  Handle<tf_options> options() {
    auto options = testing::options_with({{TF_OPTION_THREADS, 1}});
    EXPECT_EQ(tf_options_set_allocator(options.get(), allocate, free, release, this), TF_STATUS_OK);
    return options;
  }
  bool has(const void *pointer) const { return pointer >= bytes_.data() && pointer < bytes_.data() + bytes_.size(); }
  int allocations = 0;
  int frees = 0;
  int releases = 0;

 private:
  static void *allocate(void *user, size_t size, size_t alignment) {
    auto &self = *static_cast<Arena *>(user);
    const auto base = reinterpret_cast<uintptr_t>(self.bytes_.data());
    const size_t start = ((base + self.used_ + alignment - 1) & ~(alignment - 1)) - base;
    if (start > self.bytes_.size() || size > self.bytes_.size() - start) return nullptr;
    self.used_ = start + size;
    ++self.allocations;
    return self.bytes_.data() + start;
  }
  static void free(void *user, void *pointer, size_t /*size*/, size_t /*alignment*/) {
    EXPECT_TRUE(static_cast<Arena *>(user)->has(pointer));
    ++static_cast<Arena *>(user)->frees;
  }
  static void release(void *user) { ++static_cast<Arena *>(user)->releases; }

  std::vector<char> bytes_;
  size_t used_ = 0;
};

TEST(Allocator, OfAnArray) {
  Arena arena(4096);
  auto options = arena.options();
  const int64_t shape[] = {3, 5};
  auto array =
      made<tf_array>([&](tf_array **out) { return tf_array_new_with(out, TF_DTYPE_FLOAT64, shape, 2, options.get()); });
  EXPECT_TRUE(arena.has(array.get()));
  EXPECT_TRUE(arena.has(tf_array_data(array.get())));
  double value = 1;
  const int64_t last[] = {2, 4};
  ASSERT_EQ(tf_array_item_double(&value, array.get(), last, 2), TF_STATUS_OK);
  EXPECT_EQ(value, 0);
  options.reset();
  // Arrays that are derived from it use the same allocator.
  auto view = made<tf_array>([&](tf_array **out) { return tf_array_transpose(out, array.get(), nullptr, 0); });
  auto copy = made<tf_array>([&](tf_array **out) { return tf_array_contiguous(out, view.get()); });
  view.reset();
  EXPECT_TRUE(arena.has(copy.get()));
  array.reset();
  EXPECT_EQ(arena.releases, 0);
  copy.reset();
  EXPECT_EQ(arena.releases, 1);
  EXPECT_EQ(arena.frees, arena.allocations);
}

TEST(Allocator, OfADict) {
  Arena arena(1 << 16);
  {
    auto options = arena.options();
    auto dict = made<tf_dict>([&](tf_dict **out) { return tf_dict_new_with(out, options.get()); });
    EXPECT_TRUE(arena.has(dict.get()));
    ASSERT_EQ(tf_dict_set_string(dict.get(), "a", 1, "text", 4), TF_STATUS_OK);
    const char *text = nullptr;
    ASSERT_EQ(tf_dict_get_string(&text, nullptr, dict.get(), "a", 1), TF_STATUS_OK);
    EXPECT_TRUE(arena.has(text));
    ASSERT_EQ(tf_dict_key_at(&text, nullptr, dict.get(), 0), TF_STATUS_OK);
    EXPECT_TRUE(arena.has(text));
    ASSERT_EQ(tf_dict_set_int64(dict.get(), "n", 1, 7), TF_STATUS_OK);
    EXPECT_TRUE(arena.has(tf_array_data(testing::array_of(dict.get(), "n").get())));
  }
  EXPECT_EQ(arena.releases, 1);
  EXPECT_EQ(arena.frees, arena.allocations);
}

TEST(Allocator, OutOfMemoryIfItIsExhausted) {
  Arena arena(1000);
  const auto options = arena.options();
  const int64_t shape[] = {1000};
  tf_array *array = nullptr;
  EXPECT_EQ(tf_array_new_with(&array, TF_DTYPE_INT8, shape, 1, options.get()), TF_STATUS_OUT_OF_MEMORY);
  EXPECT_EQ(array, nullptr);
  EXPECT_EQ(arena.frees, arena.allocations);
  const auto limited = testing::options_with({{TF_OPTION_MAX_BYTES, 500}});
  EXPECT_EQ(tf_array_new_with(&array, TF_DTYPE_INT8, shape, 1, limited.get()), TF_STATUS_LIMIT);
  EXPECT_EQ(tf_array_new_with(nullptr, TF_DTYPE_INT8, shape, 1, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("out is NULL");
  EXPECT_EQ(tf_dict_new_with(nullptr, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("out is NULL");
}

TEST(Allocator, AllMemoryOfALoadComesFromItInFewAllocations) {
  const TempFolder folder;
  constexpr int kArrays = 1000;
  const auto arrays = testing::new_dict();
  const auto value = testing::random_array(TF_DTYPE_FLOAT32, {10});
  for (int i = 0; i < kArrays; ++i) {
    ASSERT_EQ(tf_dict_set_array(arrays.get(), ("layers." + std::to_string(i)).c_str(), SIZE_MAX, value.get()),
              TF_STATUS_OK);
  }
  for (const char *name : {"a.npz", "a.safetensors", "a.gguf"}) {
    SCOPED_TRACE(name);
    const std::string path = folder.path(name);
    ASSERT_EQ(tf_save_weights(path.c_str(), arrays.get(), nullptr), TF_STATUS_OK) << tf_error_message();
    Arena arena(size_t{16} << 20);
    {
      auto options = arena.options();
      const auto loaded =
          made<tf_dict>([&](tf_dict **out) { return tf_load(nullptr, out, nullptr, path.c_str(), options.get()); });
      options.reset();
      EXPECT_TRUE(arena.has(loaded.get()));
      ASSERT_EQ(tf_dict_size(loaded.get()), static_cast<size_t>(kArrays));
      const auto array = testing::array_of(loaded.get(), "layers.999");
      EXPECT_TRUE(arena.has(array.get()));
      EXPECT_TRUE(arena.has(tf_array_data(array.get())));
      EXPECT_TRUE(same(array.get(), value.get()));
      // One allocation for each array, and a few that all arrays share.
      EXPECT_LT(arena.allocations, kArrays + 300);
    }
    EXPECT_EQ(arena.releases, 1);
    EXPECT_EQ(arena.frees, arena.allocations);
  }
}

TEST(Allocator, IsNotNeededForMemoryOfTheCaller) {
  const TempFolder folder;
  const std::string path = folder.path("half.npy");
  const auto single = testing::random_array(TF_DTYPE_INT8, {64, 100});
  const auto half =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, single.get(), TF_DTYPE_FLOAT16, nullptr); });
  const auto expected =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, single.get(), TF_DTYPE_FLOAT32, nullptr); });
  ASSERT_EQ(tf_save(path.c_str(), half.get(), nullptr), TF_STATUS_OK);
  const auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), nullptr); });
  // The file contains float16, which is converted to float32 in memory.
  std::vector<float> values(6400);
  ASSERT_EQ(tf_file_read_into(file.get(), 0, TF_DTYPE_FLOAT32, values.data(), values.size() * 4), TF_STATUS_OK);
  EXPECT_EQ(memcmp(values.data(), tf_array_data(expected.get()), values.size() * 4), 0);
  const int64_t start[] = {10, 3};
  const int64_t stop[] = {12, 5};
  float corner[4] = {};
  ASSERT_EQ(tf_file_read_slice_into(file.get(), 0, start, stop, nullptr, 2, TF_DTYPE_FLOAT32, corner, sizeof(corner)),
            TF_STATUS_OK);
  EXPECT_EQ(corner[0], values[1003]);
  EXPECT_EQ(corner[3], values[1104]);
}

}  // namespace
}  // namespace tfile
