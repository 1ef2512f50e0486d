// Reads pieces into staging buffers on one thread, while another thread copies the previous pieces to the device.
#ifndef STAGING_PIPELINE_HPP
#define STAGING_PIPELINE_HPP

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <tensorfile.hpp>
#include <thread>
#include <vector>

#include "device.hpp"
#include "layout.hpp"

namespace staging {

// What the two threads know of each other: how many pieces have been read, and how many are being copied. The first
// failure ends both.
class Turns {
 public:
  explicit Turns(std::size_t buffers) : buffers_(buffers) {}

  // Waits until a buffer is free for the piece. Returns false if the other thread has failed.
  bool may_read(std::size_t piece) {
    return wait([&] { return piece - copied_ < buffers_; });
  }
  void has_read() { count(read_); }
  // Waits until the piece is in its buffer. Returns false if the other thread has failed.
  bool may_copy(std::size_t piece) {
    return wait([&] { return piece < read_; });
  }
  void has_copied() { count(copied_); }

  // Calls work, and keeps the first exception of both threads.
  template <typename Work>
  void attempt(Work work) {
    try {
      work();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failed_) failure_ = std::current_exception();
      failed_ = true;
      changed_.notify_all();
    }
  }
  bool failed() const { return failed_; }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  template <typename Ready>
  bool wait(Ready ready) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failed_ || ready(); });
    return !failed_;
  }
  void count(std::size_t &pieces) {
    const std::lock_guard lock(mutex_);
    ++pieces;
    changed_.notify_all();
  }

  const std::size_t buffers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t read_ = 0;
  std::size_t copied_ = 0;  // pieces that the device has been asked to copy
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};  // also read without the mutex
};

class Pipeline {
 public:
  // The memory that it needs is that of the buffers, each of layout.capacity() bytes. The file and the layout must
  // outlive it. If `cancel` becomes true, reading ends with CANCELLED.
  Pipeline(const tf::File &file, const Layout &layout, std::size_t buffers, const std::atomic<bool> &cancel)
      : file_(file), layout_(layout), cancel_(cancel) {
    if (buffers == 0) throw tf::Error(tf::Status::invalid_argument, "there must be at least one staging buffer");
    for (std::size_t i = 0; i < buffers; ++i)
      buffers_.emplace_back(layout.capacity());
    // An array that is divided and may be compressed is read in ascending order, as read_in_order() says.
    in_order_ = tf::ability(file.format(), tf::Ability::compression) != 0;
  }

  // Reads and copies everything. Throws the first failure of reading, of copying, or the cancellation; no buffer is in
  // use afterwards.
  void run(Device &device) {
    Turns turns(buffers_.size());
    std::thread reader([&] {
      turns.attempt([&] {
        for (std::size_t i = 0; i < layout_.pieces().size() && turns.may_read(i); ++i) {
          device.wait(slot(i));
          read(i, turns);
          turns.has_read();
        }
      });
    });
    turns.attempt([&] {
      for (std::size_t i = 0; i < layout_.pieces().size() && turns.may_copy(i); ++i) {
        copy(i, device);
        turns.has_copied();
      }
    });
    reader.join();
    wait_for_all(device, turns);
    turns.rethrow();
  }

  // Only reads, into one buffer after the other.
  void read_only() {
    const Turns turns(buffers_.size());
    for (std::size_t i = 0; i < layout_.pieces().size(); ++i)
      read(i, turns);
  }
  // Only copies what happens to be in the buffers.
  void copy_only(Device &device) {
    Turns turns(buffers_.size());
    turns.attempt([&] {
      for (std::size_t i = 0; i < layout_.pieces().size(); ++i) {
        device.wait(slot(i));
        copy(i, device);
      }
    });
    wait_for_all(device, turns);
    turns.rethrow();
  }

 private:
  std::size_t slot(std::size_t piece) const { return piece % buffers_.size(); }

  // Also after a failure, because a buffer that is still being copied must not be freed.
  void wait_for_all(Device &device, Turns &turns) {
    for (std::size_t i = 0; i < buffers_.size(); ++i)
      turns.attempt([&] { device.wait(i); });
  }

  void copy(std::size_t index, Device &device) {
    const Piece &piece = layout_.pieces()[index];
    device.copy(slot(index), buffers_[slot(index)].data(), piece.offset, piece.nbytes);
  }

  // A plan reads the runs of a piece on several threads, each byte of the file once, and casts and decodes on the way.
  void read(std::size_t index, const Turns &turns) {
    const Piece &piece = layout_.pieces()[index];
    std::byte *const buffer = buffers_[slot(index)].data();
    const auto check = [&] {
      if (cancel_ || turns.failed()) throw tf::Error(tf::Status::cancelled, "reading was cancelled");
    };
    check();
    tf::ReadPlan plan(file_);
    plan.set_complete([&check](std::size_t /*entry*/) { check(); });
    for (const Run &run : piece.runs) {
      if (in_order_ && !run.axes.empty()) {
        read_in_order(run, buffer + run.at);
        check();
      } else {
        plan.add(file_[run.array], run.axes, layout_.arrays()[run.array].dtype, buffer + run.at, {}, run.nbytes);
      }
    }
    plan.run();
  }

  // A compressed array of another program can only be inflated from its start. The file continues where the previous
  // slice ended, whereas a plan would begin again for each piece. It also verifies the checksum after the last slice.
  void read_in_order(const Run &run, std::byte *to) {
    const Array &array = layout_.arrays()[run.array];
    const std::size_t ndim = array.shape.size();
    std::vector<std::int64_t> start(ndim, tf::Slice::omitted), stop(start);
    for (std::size_t i = 0; i < run.axes.size(); ++i) {
      start[i] = run.axes[i].start;
      stop[i] = run.axes[i].stop;
    }
    const tf_status status = tf_file_read_slice_into(file_.get(), run.array, start.data(), stop.data(), nullptr, ndim,
                                                     static_cast<tf_dtype>(array.dtype), to, run.nbytes);
    if (status != TF_STATUS_OK) throw tf::Error::last(static_cast<tf::Status>(status));
  }

  const tf::File &file_;
  const Layout &layout_;
  const std::atomic<bool> &cancel_;
  std::deque<Pages> buffers_;
  bool in_order_ = false;
};

}  // namespace staging

#endif
