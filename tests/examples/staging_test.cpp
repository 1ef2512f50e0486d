// The pipeline of examples/staging: the bytes on the device are those that tf_load() gives, whatever the format and the
// size of the buffers; the memory is bounded; failures and cancelling end both threads.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "device.hpp"
#include "layout.hpp"
#include "pipeline.hpp"
#include "support/temp_folder.h"

namespace {

namespace tf = tensorfile;
using staging::Layout;
using staging::MemoryDevice;
using staging::Pipeline;
using tfile::TempFolder;

const std::filesystem::path golden = TENSORFILE_GOLDEN_DIR;
const std::atomic<bool> never{false};

// A device that copies as late as it may, which shows whether a buffer is filled again too early. It counts what it is
// asked to do.
class LateDevice : public staging::Device {
 public:
  explicit LateDevice(std::size_t nbytes) : memory_(nbytes) {}

  void copy(std::size_t buffer, const std::byte *from, std::uint64_t offset, std::size_t nbytes) override {
    const std::lock_guard lock(mutex_);
    if (pending_.size() <= buffer) pending_.resize(buffer + 1);
    EXPECT_EQ(pending_[buffer].nbytes, 0u) << "wait() was not called";
    pending_[buffer] = {from, offset, nbytes};
    sources_.insert(from);
    if (++copies_ == fails_at) throw std::runtime_error("the device is lost");
    if (copies_ == cancels_at) *cancel = true;
  }
  void wait(std::size_t buffer) override {
    const std::lock_guard lock(mutex_);
    if (buffer >= pending_.size() || pending_[buffer].nbytes == 0) return;
    const Copy &late = pending_[buffer];
    std::memcpy(memory_.data() + late.offset, late.from, late.nbytes);
    pending_[buffer].nbytes = 0;
  }

  const std::byte *data() const { return memory_.data(); }
  std::size_t copies() const { return copies_; }
  // The number of different buffers that were copied from.
  std::size_t sources() const { return sources_.size(); }

  std::size_t fails_at = 0;
  std::size_t cancels_at = 0;
  std::atomic<bool> *cancel = nullptr;

 private:
  struct Copy {
    const std::byte *from = nullptr;
    std::uint64_t offset = 0;
    std::size_t nbytes = 0;
  };
  std::mutex mutex_;
  staging::Pages memory_;
  std::vector<Copy> pending_;
  std::set<const std::byte *> sources_;
  std::size_t copies_ = 0;
};

// Becomes true once, and wakes the thread that waits for it.
class Event {
 public:
  void happen() {
    const std::lock_guard lock(mutex_);
    happened_ = true;
    changed_.notify_all();
  }
  // Returns false if it has not happened after a minute, so that a test fails instead of waiting forever.
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return happened_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool happened_ = false;
};

// A device whose first copy does not end before the event has happened.
class WaitingDevice : public MemoryDevice {
 public:
  WaitingDevice(std::size_t nbytes, Event &event) : MemoryDevice(nbytes), event_(event) {}

  void copy(std::size_t buffer, const std::byte *from, std::uint64_t offset, std::size_t nbytes) override {
    if (offset == 0) {
      EXPECT_TRUE(event_.wait()) << "no other piece is read during the first copy";
    }
    MemoryDevice::copy(buffer, from, offset, nbytes);
  }

 private:
  Event &event_;
};

std::vector<std::pair<std::string, tf::Array>> load(const std::string &path) {
  const tf::Loaded loaded = tf::load(path);
  std::vector<std::pair<std::string, tf::Array>> arrays;
  if (loaded.array) arrays.emplace_back("", loaded.array.share());
  for (const tf::Dict::Entry &entry : loaded.arrays)
    arrays.emplace_back(entry.key(), entry.array());
  return arrays;
}

std::string bytes_of(const tf::Array &array) {
  const tf::Array dense = array.contiguous();
  return {static_cast<const char *>(dense.data()), static_cast<std::size_t>(dense.nbytes())};
}

void expect_loaded(const Layout &layout, const std::byte *device, const std::string &path, tf::Dtype cast) {
  const auto expected = load(path);
  ASSERT_EQ(layout.arrays().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const staging::Array &found = layout.arrays()[i];
    EXPECT_EQ(found.name, expected[i].first);
    const tf::DtypeKind kind = tf::kind(expected[i].second.dtype());
    const bool is_cast =
        cast != tf::Dtype::as_stored && (kind == tf::DtypeKind::float_ || kind == tf::DtypeKind::block);
    const tf::Array array = is_cast ? expected[i].second.cast(cast) : expected[i].second.share();
    EXPECT_EQ(found.dtype, array.dtype()) << found.name;
    EXPECT_EQ(found.shape, std::vector<std::int64_t>(array.shape().begin(), array.shape().end())) << found.name;
    EXPECT_EQ(found.offset % staging::alignment, 0u);
    ASSERT_EQ(found.nbytes, array.nbytes()) << found.name;
    const std::string bytes(reinterpret_cast<const char *>(device) + found.offset, found.nbytes);
    EXPECT_TRUE(bytes == bytes_of(array)) << found.name;
  }
}

// Returns the number of pieces.
std::size_t expect_same(const std::string &path, std::size_t capacity, std::size_t buffers,
                        tf::Dtype cast = tf::Dtype::as_stored) {
  SCOPED_TRACE(path + ", pieces of " + std::to_string(capacity));
  const tf::File file(path);
  const Layout layout(file, capacity, cast);
  LateDevice device(static_cast<std::size_t>(layout.nbytes()));
  Pipeline(file, layout, buffers, never).run(device);
  for (const staging::Piece &piece : layout.pieces())
    EXPECT_LE(piece.nbytes, capacity);
  EXPECT_EQ(device.copies(), layout.pieces().size());
  EXPECT_EQ(device.sources(), std::min(buffers, layout.pieces().size()));
  expect_loaded(layout, device.data(), path, cast);
  return layout.pieces().size();
}

template <typename Call>
tf::Status status_of(Call call) {
  try {
    call();
  } catch (const tf::Error &error) {
    return error.status();
  }
  return tf::Status::ok;
}

std::vector<std::string> golden_files() {
  std::vector<std::string> paths = {(golden / "sharded" / "model.safetensors.index.json").string()};
  for (const char *folder : {"gguf", "npy", "npz", "safetensors"}) {
    for (const auto &entry : std::filesystem::directory_iterator(golden / folder)) {
      const bool is_part = entry.path().filename().string().find("-of-") != std::string::npos;
      const bool is_first = entry.path().filename().string().find("00001-of-") != std::string::npos;
      if (entry.path().extension() == "." + std::string(folder) && (!is_part || is_first))
        paths.push_back(entry.path().string());
    }
  }
  return paths;
}

// 3 MiB that deflate only a little.
std::string save_floats(const TempFolder &folder, const std::string &name) {
  std::vector<float> values(3 << 18);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((i * 2654435761U) % 10007) / 64;
  const std::string path = folder.path(name);
  const tf::Dict arrays = {{"big", tf::Array::adopt({3, 256, 1024}, std::move(values))},
                           {"small", tf::Array::copy({3}, {1.0F, 2.0F, 3.0F})}};
  if (name.find(".npz") != std::string::npos) {
    tf::savez_compressed(path, arrays);
  } else {
    tf::save(path, arrays);
  }
  return path;
}

TEST(Staging, EveryGoldenFileArrivesAsItIsLoaded) {
  std::size_t most = 0;
  std::size_t equal = 0;
  for (const std::string &path : golden_files()) {
    const tf::Status loaded = status_of([&] { load(path); });
    if (loaded == tf::Status::ok) {
      ++equal;
      most = std::max(most, expect_same(path, 1024, 2));
      expect_same(path, 1 << 16, 3);
      continue;
    }
    const tf::Status found = status_of([&] {
      const tf::File file(path);
      const Layout layout(file, 1 << 16);
      LateDevice device(static_cast<std::size_t>(layout.nbytes()));
      Pipeline(file, layout, 2, never).run(device);
    });
    EXPECT_EQ(found, loaded) << path;
  }
  EXPECT_GT(equal, 100u);
  EXPECT_GT(most, 5u);
}

TEST(Staging, LargeArraysAreDividedInEveryFormat) {
  const TempFolder folder;
  for (const char *name : {"a.safetensors", "a.gguf", "a.npz"}) {
    const std::string path = save_floats(folder, name);
    EXPECT_EQ(expect_same(path, 100'000, 2), 33u) << name;  // 24 rows of 4096 bytes at a time, of 3 times 256
    expect_same(path, 1'000'000, 3);
    expect_same(path, 3000, 2);  // less than a row
  }
  tf::save(folder.path("a.npy"), tf::File(folder.path("a.gguf"))["big"].read());
  EXPECT_EQ(expect_same(folder.path("a.npy"), 100'000, 1), 33u);
}

// Two elements of float4 share a byte, and a row has an odd number of them. Five rows would fit.
TEST(Staging, NoPieceEndsInsideAByte) {
  const TempFolder folder;
  std::vector<std::uint8_t> bytes(64 * 33 / 2);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  tf::save(folder.path("a.safetensors"), {{"x", tf::Array::copy(tf::Dtype::float4_e2m1fn, {64, 33}, bytes)}});
  EXPECT_EQ(expect_same(folder.path("a.safetensors"), 83, 2), 16u);
}

TEST(Staging, ArraysAreCastOnTheWay) {
  const TempFolder folder;
  const std::string path = save_floats(folder, "a.safetensors");
  expect_same(path, 100'000, 2, tf::Dtype::float16);
  expect_same(path, 100'000, 2, tf::Dtype::float64);
  expect_same(save_floats(folder, "a.npz"), 100'000, 2, tf::Dtype::bfloat16);
  for (const char *name : {"py_Q4_0.gguf", "py_Q6_K.gguf", "py_all_plain.gguf", "py_bigendian.gguf"})
    expect_same((golden / "gguf" / name).string(), 2048, 2, tf::Dtype::float32);
}

TEST(Staging, ASetOfFilesIsOneDevice) {
  const TempFolder folder;
  const tf::File whole(save_floats(folder, "a.gguf"));
  tf::Dict arrays;
  for (const char *name : {"a", "b", "c"})
    arrays.set(name, whole["big"].read());
  const tf::Options parts = tf::Options().set(tf::Option::part_bytes, 4 << 20);
  tf::save_safetensors(folder.path("s.safetensors"), arrays, {}, parts);
  EXPECT_GT(expect_same(folder.path("s.safetensors.index.json"), 500'000, 2), 18u);
}

TEST(Staging, APieceIsReadWhileThePreviousOneIsCopied) {
  const TempFolder folder;
  const std::string path = save_floats(folder, "a.safetensors");
  const std::string bytes = TempFolder::read_whole(path);
  Event reads_second;
  std::uint64_t second = UINT64_MAX;  // offset in the file of the second piece
  const auto read_at = [&](std::uint64_t offset, void *to, std::size_t nbytes) {
    if (offset >= second) reads_second.happen();
    std::memcpy(to, bytes.data() + offset, nbytes);
  };
  const tf::File file(tf::Source::from_concurrent_function(bytes.size(), read_at));
  const Layout layout(file, 100'000);
  second = file["big"].location().offset + layout.pieces()[1].offset;
  WaitingDevice device(static_cast<std::size_t>(layout.nbytes()), reads_second);
  Pipeline(file, layout, 2, never).run(device);
  expect_loaded(layout, device.data(), path, tf::Dtype::as_stored);
}

TEST(Staging, TooSmallABufferIsAnErrorOfTheArray) {
  const tf::File file((golden / "gguf" / "py_Q6_K.gguf").string());
  try {
    const Layout layout(file, 100);  // a block of Q6_K has 210 bytes
    FAIL();
  } catch (const tf::Error &error) {
    EXPECT_EQ(error.status(), tf::Status::invalid_argument);
    EXPECT_FALSE(error.name().empty());
    EXPECT_NE(std::string(error.what()).find("use larger staging buffers"), std::string::npos);
  }
  const Layout layout(file, 1 << 16);
  EXPECT_EQ(status_of([&] { Pipeline(file, layout, 0, never); }), tf::Status::invalid_argument);
}

TEST(Staging, AFailedReadEndsBothThreads) {
  const TempFolder folder;
  const std::string path = save_floats(folder, "a.safetensors");
  const tf::File file(path);
  const Layout layout(file, 100'000);
  std::filesystem::resize_file(path, 1 << 20);
  LateDevice device(static_cast<std::size_t>(layout.nbytes()));
  EXPECT_EQ(status_of([&] { Pipeline(file, layout, 2, never).run(device); }), tf::Status::truncated);
  EXPECT_LE(device.copies(), std::size_t{1 << 20} / 98'304);
}

// The pieces of an array in an .npz are read in order, so that the checksum is verified.
TEST(Staging, AChangedByteIsFound) {
  const TempFolder folder;
  const std::string path = folder.path("a.npz");
  tf::savez(path, {{"big", tf::Array::zeros(tf::Dtype::float32, {1 << 18})}});
  std::string bytes = TempFolder::read_whole(path);
  bytes[bytes.size() / 2] = 1;
  folder.write("a.npz", bytes);
  const tf::File file(path);
  const Layout layout(file, 100'000);
  LateDevice device(static_cast<std::size_t>(layout.nbytes()));
  EXPECT_EQ(status_of([&] { Pipeline(file, layout, 2, never).run(device); }), tf::Status::corrupt);
  EXPECT_EQ(device.copies(), layout.pieces().size() - 1);
}

TEST(Staging, AFailedCopyEndsBothThreads) {
  const TempFolder folder;
  const tf::File file(save_floats(folder, "a.safetensors"));
  const Layout layout(file, 100'000);
  LateDevice device(static_cast<std::size_t>(layout.nbytes()));
  device.fails_at = 3;
  try {
    Pipeline(file, layout, 2, never).run(device);
    FAIL();
  } catch (const std::runtime_error &error) {
    EXPECT_STREQ(error.what(), "the device is lost");
  }
  EXPECT_EQ(device.copies(), 3u);
}

TEST(Staging, CancellingEndsBothThreads) {
  const TempFolder folder;
  const tf::File file(save_floats(folder, "a.npz"));
  const Layout layout(file, 100'000);
  std::atomic<bool> cancel{false};
  LateDevice device(static_cast<std::size_t>(layout.nbytes()));
  device.cancel = &cancel;
  device.cancels_at = 2;
  Pipeline pipeline(file, layout, 2, cancel);
  EXPECT_EQ(status_of([&] { pipeline.run(device); }), tf::Status::cancelled);
  EXPECT_LE(device.copies(), 4u);
  // The same pipeline can run again.
  cancel = false;
  MemoryDevice again(static_cast<std::size_t>(layout.nbytes()));
  pipeline.run(again);
  expect_loaded(layout, again.data(), file["big"].location().path.data(), tf::Dtype::as_stored);
}

TEST(Staging, ASlowLinkTakesItsTime) {
  MemoryDevice device(1 << 20, 50e6);
  const staging::Pages buffer(1 << 20);
  const auto begin = std::chrono::steady_clock::now();
  device.copy(0, buffer.data(), 0, 1 << 20);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20));
}

}  // namespace
