// SharedProgress: progress of work that several threads do, and one of them reports.
#pragma once

#include <atomic>

#include "base/options.h"

namespace tfile {

class SharedProgress {
 public:
  SharedProgress(const Settings &settings, uint64_t total) : progress_(settings, total) {}

  // On any thread: bytes are done.
  void add(uint64_t bytes) { done_.fetch_add(bytes, std::memory_order_relaxed); }
  // On the calling thread: reports what has been added since the last time.
  Status tell() {
    const uint64_t done = done_.load(std::memory_order_relaxed);
    const uint64_t fresh = done - told_;
    told_ = done;
    return fresh > 0 ? progress_.advance(fresh) : kOk;
  }

 private:
  Progress progress_;
  std::atomic<uint64_t> done_{0};
  uint64_t told_ = 0;
};

}  // namespace tfile
