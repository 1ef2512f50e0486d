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
