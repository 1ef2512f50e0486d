// SharedProgress: counts the progress of several threads, which one of them reports.
#pragma once

#include <atomic>

#include "base/options.h"

namespace tfile {

class SharedProgress {
 public:
  SharedProgress(const Settings &settings, uint64_t total) : progress_(settings, total) {}

  // Counts bytes that are done; any thread may call it.
  void add(uint64_t bytes) { done_.fetch_add(bytes, std::memory_order_relaxed); }
  // Reports what was added since the last report. Only the thread that made the call may call it.
  Status report() {
    const uint64_t done = done_.load(std::memory_order_relaxed);
    const uint64_t added = done - reported_;
    reported_ = done;
    return added > 0 ? progress_.advance(added) : kOk;
  }

 private:
  Progress progress_;
  std::atomic<uint64_t> done_{0};
  uint64_t reported_ = 0;
};

}  // namespace tfile
