// An allocator that fails at a chosen call, and knows whether everything came back as it went.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <mutex>

#include "base/memory.h"

namespace tfile {

class FailingAllocator {
 public:
  // Fails at the call of this number, from 0, and every later one; SIZE_MAX: never.
  explicit FailingAllocator(size_t fail_at = SIZE_MAX) : fail_at_(fail_at) {
    EXPECT_TRUE(make_memory(memory_, take, give_back, nullptr, this).ok());
  }
  ~FailingAllocator() { EXPECT_TRUE(blocks_.empty()) << blocks_.size() << " blocks leaked"; }
  FailingAllocator(const FailingAllocator &) = delete;
  FailingAllocator &operator=(const FailingAllocator &) = delete;

  Memory &memory() { return *memory_; }
  size_t calls() const { return calls_; }
  bool failed() const { return calls_ > fail_at_; }
  size_t held() const { return held_; }

 private:
  struct Block {
    size_t size;
    size_t alignment;
  };

  static void *take(void *user, size_t size, size_t alignment) {
    auto &self = *static_cast<FailingAllocator *>(user);
    const std::lock_guard<std::mutex> lock(self.mutex_);
    if (self.calls_++ >= self.fail_at_) return nullptr;
    const size_t unit = alignment < sizeof(void *) ? sizeof(void *) : alignment;
    void *pointer = std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
    self.blocks_[pointer] = Block{size, alignment};
    self.held_ += size;
    return pointer;
  }
  static void give_back(void *user, void *pointer, size_t size, size_t alignment) {
    auto &self = *static_cast<FailingAllocator *>(user);
    const std::lock_guard<std::mutex> lock(self.mutex_);
    const auto found = self.blocks_.find(pointer);
    ASSERT_NE(found, self.blocks_.end()) << "freed what was never allocated";
    EXPECT_EQ(found->second.size, size);
    EXPECT_EQ(found->second.alignment, alignment);
    self.blocks_.erase(found);
    self.held_ -= size;
    std::free(pointer);
  }

  std::mutex mutex_;
  size_t fail_at_;
  size_t calls_ = 0;
  size_t held_ = 0;
  std::map<void *, Block> blocks_;
  Ref<Memory> memory_;  // last: goes first
};

// Runs attempt(memory), which gives a Status, with the first allocation failing, then the second, until none does. Each
// failure must be OUT_OF_MEMORY and leave nothing allocated.
template <typename Attempt>
void expect_every_failure_clean(Attempt attempt) {
  for (size_t i = 0;; ++i) {
    ASSERT_LT(i, 10000u);
    FailingAllocator allocator(i);
    const Status status = attempt(allocator.memory());
    if (!allocator.failed()) {
      EXPECT_TRUE(status.ok());
      EXPECT_GT(i, 0u) << "nothing was allocated";
      return;
    }
    EXPECT_EQ(status.code, TF_STATUS_OUT_OF_MEMORY) << "allocation " << i;
  }
}

}  // namespace tfile
