// The device that the arrays are copied to, and the memory of the staging buffers. A program with a GPU replaces this
// file; the README says with what.
#ifndef STAGING_DEVICE_HPP
#define STAGING_DEVICE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <thread>

namespace staging {

// A multiple of the size of a page on all common processors.
constexpr std::size_t page_bytes = 65536;

// Memory that begins at a page. All of its pages exist from the start, as they do in memory that a device can read
// (cudaMallocHost, or a mapped VkDeviceMemory), so that no page faults are measured.
class Pages {
 public:
  explicit Pages(std::size_t nbytes) : memory_(static_cast<std::byte *>(::operator new(nbytes, align))) {
    std::memset(memory_.get(), 0, nbytes);
  }
  std::byte *data() { return memory_.get(); }
  const std::byte *data() const { return memory_.get(); }

 private:
  static constexpr std::align_val_t align{page_bytes};
  struct Delete {
    void operator()(std::byte *memory) const { ::operator delete(memory, align); }
  };
  std::unique_ptr<std::byte, Delete> memory_;
};

class Device {
 public:
  Device() = default;
  virtual ~Device() = default;
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  // Begins to copy the contents of a staging buffer to an offset on the device, and may return before they have been
  // read:
  //   cudaMemcpyAsync(base + offset, from, nbytes, cudaMemcpyHostToDevice, stream);
  //   cudaEventRecord(copied[buffer], stream);
  virtual void copy(std::size_t buffer, const std::byte *from, std::uint64_t offset, std::size_t nbytes) = 0;
  // Returns when the last copy from a staging buffer is complete, and the buffer can be filled again; at once if there
  // was none. Another thread calls it than copy():
  //   cudaEventSynchronize(copied[buffer]);
  virtual void wait(std::size_t buffer) = 0;
};

// Ordinary memory in the place of a device. copy() returns when everything is copied.
class MemoryDevice : public Device {
 public:
  // If bytes_per_second is not 0, a copy takes at least as long as it would over a link of that speed: the thread
  // sleeps for the rest of the time, as it would while a device copies.
  explicit MemoryDevice(std::size_t nbytes, double bytes_per_second = 0)
      : memory_(nbytes), bytes_per_second_(bytes_per_second) {}

  void copy(std::size_t /*buffer*/, const std::byte *from, std::uint64_t offset, std::size_t nbytes) override {
    const auto begin = std::chrono::steady_clock::now();
    std::memcpy(memory_.data() + offset, from, nbytes);
    if (bytes_per_second_ > 0) {
      const std::chrono::duration<double> needed(static_cast<double>(nbytes) / bytes_per_second_);
      std::this_thread::sleep_until(begin + std::chrono::duration_cast<std::chrono::nanoseconds>(needed));
    }
  }
  void wait(std::size_t /*buffer*/) override {}

  const std::byte *data() const { return memory_.data(); }

 private:
  Pages memory_;
  double bytes_per_second_;
};

}  // namespace staging

#endif
