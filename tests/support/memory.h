// An allocator for tests that counts allocations, and fails on request.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>

#include "base/error.h"
#include "base/memory.h"
#include "support/aligned.h"

namespace tfile::testing {

class TestMemory {
 public:
  TestMemory() { EXPECT_TRUE(make_memory(memory_, allocate, free, released, this).ok()); }
  ~TestMemory() {
    memory_ = Ref<Memory>();
    EXPECT_EQ(blocks_, 0) << "blocks leaked";
    EXPECT_EQ(bytes_, 0) << "bytes leaked, or freed with another size";
    EXPECT_EQ(releases_, 1) << "the allocator was not released exactly once: an object still refers to it";
  }
  TestMemory(const TestMemory &) = delete;
  TestMemory &operator=(const TestMemory &) = delete;

  Memory &operator*() { return *memory_; }
  // The callbacks, for functions such as tf_options_set_allocator().
  static void *allocate(void *user, size_t size, size_t alignment) {
    auto &self = *static_cast<TestMemory *>(user);
    int64_t remaining = self.until_failure_;
    while (remaining > 0 && !self.until_failure_.compare_exchange_weak(remaining, remaining - 1)) {
    }
    if (remaining == 0) return nullptr;
    void *pointer = allocate_aligned(size, alignment);
    if (pointer == nullptr) return nullptr;
    ++self.blocks_;
    ++self.allocations_;
    const int64_t now = self.bytes_ += static_cast<int64_t>(size);
    if (now > self.peak_) self.peak_ = now;
    return pointer;
  }
  static void free(void *user, void *pointer, size_t size, size_t /*alignment*/) {
    auto &self = *static_cast<TestMemory *>(user);
    --self.blocks_;
    self.bytes_ -= static_cast<int64_t>(size);
    free_aligned(pointer);
  }

  // Makes all allocations after the next n fail. With -1, none fails.
  void fail_after(int64_t n) { until_failure_ = n; }
  int64_t blocks() const { return blocks_; }
  int64_t bytes() const { return bytes_; }
  int64_t peak() const { return peak_; }  // the most bytes allocated at one time
  int64_t allocations() const { return allocations_; }

 private:
  static void released(void *user) { ++static_cast<TestMemory *>(user)->releases_; }

  Ref<Memory> memory_;
  std::atomic<int64_t> until_failure_{-1};
  std::atomic<int64_t> blocks_{0};
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> peak_{0};
  std::atomic<int64_t> allocations_{0};
  std::atomic<int> releases_{0};
};

// Runs attempt(memory) with the first allocation failing, then the second, and so on, until it succeeds. Each failure
// must be OUT_OF_MEMORY and free everything that it allocated.
template <typename Attempt>
void fail_each_allocation(Attempt attempt) {
  for (int64_t n = 0;; ++n) {
    TestMemory memory;
    memory.fail_after(n);
    const Status status = attempt(memory);
    if (status.ok()) {
      EXPECT_GT(n, 0) << "nothing was allocated";
      return;
    }
    ASSERT_EQ(status.code, TF_STATUS_OUT_OF_MEMORY) << error_record().message;
    ASSERT_LT(n, 10000);
  }
}

}  // namespace tfile::testing
