// Makes each allocation of each operation fail: the Nth alone, and all from the Nth on.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "faults/interpose.h"
#include "faults/operations.h"

namespace tfile::faults {
namespace {

using testing::made;

// A user's allocator that counts blocks and fails on request.
struct Meter {
  std::atomic<int64_t> blocks{0};
  std::atomic<int64_t> count{0};
  int64_t at = 0;
  bool lasting = false;

  static void *allocate(void *user, size_t size, size_t alignment) {
    auto &self = *static_cast<Meter *>(user);
    const int64_t count = ++self.count;
    if (self.at != 0 && (count == self.at || (self.lasting && count > self.at))) return nullptr;
    ++self.blocks;
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  }
  static void free_block(void *user, void *pointer, size_t, size_t) {
    --static_cast<Meter *>(user)->blocks;
    std::free(pointer);
  }
};

constexpr const char *kOld = "old content";
constexpr int64_t kMostAllocations = 5000;

// A failed save must leave the old file, and no other.
void expect_target(const World &world, const std::string &status, size_t names) {
  EXPECT_EQ(world.folder.names().size(), names) << status;
  EXPECT_EQ(world.folder.read("target"), kOld) << status;
}

class MemoryFaults : public ::testing::TestWithParam<bool> {};

TEST_P(MemoryFaults, OfTheUsersAllocator) {
  const World world;
  const bool lasting = GetParam();
  int64_t faults = 0;
  world.folder.write("target", kOld);
  const size_t names = world.folder.names().size();
  for (const Operation &operation : operations(world, world.folder.path("target"))) {
    SCOPED_TRACE(operation.name);
    for (int64_t n = 1;; ++n) {
      Meter meter;
      meter.at = n;
      meter.lasting = lasting;
      const auto options = made<tf_options>([](tf_options **out) { return tf_options_new(out); });
      ASSERT_EQ(tf_options_set_allocator(options.get(), Meter::allocate, Meter::free_block, nullptr, &meter),
                TF_STATUS_OK);
      ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_THREADS, 1), TF_STATUS_OK);
      ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_EXACT_PATH, 1), TF_STATUS_OK);
      const tf_status status = operation.run(options.get());
      EXPECT_EQ(meter.blocks, 0);
      if (meter.count < n) {
        EXPECT_EQ(status, TF_STATUS_OK) << tf_error_message();
        if (operation.saves) world.folder.write("target", kOld);
        break;
      }
      ++faults;
      ASSERT_EQ(status, TF_STATUS_OUT_OF_MEMORY) << "allocation " << n << ": " << tf_error_message();
      EXPECT_NE(std::string(tf_error_message()), "");
      if (operation.saves) expect_target(world, tf_status_name(status), names);
      ASSERT_LT(n, kMostAllocations);
    }
    world.expect_unharmed();
  }
  std::printf("%lld allocations failed\n", static_cast<long long>(faults));
  EXPECT_GT(faults, 500);
}

TEST_P(MemoryFaults, OfTheSystemsAllocator) {
  const World world;
  int64_t faults = 0;
  world.folder.write("target", kOld);
  const size_t names = world.folder.names().size();
  const auto options = testing::options_with({{TF_OPTION_THREADS, 1}, {TF_OPTION_EXACT_PATH, 1}});
  for (const Operation &operation : operations(world, world.folder.path("target"))) {
    SCOPED_TRACE(operation.name);
    for (int64_t n = 1;; ++n) {
      const int64_t before = live_blocks();
      arm({kMalloc, n, GetParam(), 0});
      const tf_status status = operation.run(options.get());
      disarm();
      EXPECT_EQ(live_blocks(), before);
      if (!has_failed()) {
        EXPECT_EQ(status, TF_STATUS_OK) << tf_error_message();
        if (operation.saves) world.folder.write("target", kOld);
        EXPECT_GT(n, 1);
        break;
      }
      ++faults;
      ASSERT_EQ(status, TF_STATUS_OUT_OF_MEMORY) << "allocation " << n << ": " << tf_error_message();
      if (operation.saves) expect_target(world, tf_status_name(status), names);
      ASSERT_LT(n, kMostAllocations);
    }
    world.expect_unharmed();
  }
  std::printf("%lld allocations failed\n", static_cast<long long>(faults));
  EXPECT_GT(faults, 500);
}

INSTANTIATE_TEST_SUITE_P(Allocations, MemoryFaults, ::testing::Bool(),
                         [](const auto &info) { return info.param ? "AllFromTheNthOn" : "OnlyTheNth"; });

// If threads cannot be started, the calling thread does their work.
TEST(MemoryFaults, WorksWithoutThreadsThatCannotStart) {
  const World world;
  const auto big = testing::random_array(TF_DTYPE_FLOAT32, {1 << 13, 1 << 9});
  const auto options = testing::options_with({{TF_OPTION_THREADS, 4}});
  for (int64_t n = 1; n <= 3; ++n) {
    arm({kThread, n, true, 0});
    tf_array *cast = nullptr;
    const tf_status status = tf_array_cast(&cast, big.get(), TF_DTYPE_FLOAT16, options.get());
    disarm();
    EXPECT_EQ(status, TF_STATUS_OK) << tf_error_message();
    EXPECT_TRUE(has_failed());
    tf_array_release(cast);
  }
}

}  // namespace
}  // namespace tfile::faults
