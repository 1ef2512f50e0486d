// Completions: the targets that worker threads have completed, for a callback on the calling thread.
#pragma once

#include <atomic>
#include <new>

#include "base/memory.h"

namespace tfile {

// Called with the number of an entry whose elements have been read.
struct CompleteCallback {
  tf_read_complete_fn complete = nullptr;
  void *user = nullptr;
};

// Atomic counters, all 0 at first.
class Counters {
 public:
  explicit Counters(Memory &memory) : memory_(memory) {}
  Counters(const Counters &) = delete;
  Counters &operator=(const Counters &) = delete;
  ~Counters() {
    if (counters_ != nullptr) deallocate(memory_, counters_, size_ * sizeof(*counters_), alignof(std::atomic<size_t>));
  }
  // Called once. The caller has a list with as many elements, so the size cannot overflow.
  Status make(size_t size) {
    void *storage = nullptr;
    TFILE_TRY(allocate(&storage, memory_, size * sizeof(*counters_), alignof(std::atomic<size_t>)));
    counters_ = static_cast<std::atomic<size_t> *>(storage);
    size_ = size;
    for (size_t i = 0; i < size; ++i)
      new (&counters_[i]) std::atomic<size_t>(0);
    return kOk;
  }
  size_t size() const { return size_; }
  std::atomic<size_t> &operator[](size_t i) { return counters_[i]; }

 private:
  Memory &memory_;
  std::atomic<size_t> *counters_ = nullptr;
  size_t size_ = 0;
};

class Completions {
 public:
  Completions(Memory &memory, CompleteCallback callback) : callback_(callback), slots_(memory) {}

  bool wanted() const { return callback_.complete != nullptr; }
  // Prepares for `count` entries.
  Status begin(size_t count) { return wanted() ? slots_.make(count) : kOk; }
  // Any thread may call it, once for each entry.
  void add(size_t entry) {
    if (wanted()) slots_[added_.fetch_add(1, std::memory_order_relaxed)].store(entry + 1, std::memory_order_release);
  }
  // Calls the callback for the entries that were added. Only the thread that made the call may call it.
  Status deliver();

 private:
  CompleteCallback callback_;
  Counters slots_;  // entry + 1, in the order of completion; 0: not yet
  std::atomic<size_t> added_{0};
  size_t delivered_ = 0;
};

}  // namespace tfile
