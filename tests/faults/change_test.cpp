// Files that another program truncates or overwrites while they are read, and disks that are full.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "faults/operations.h"
#include "support/child.h"

namespace tfile::faults {
namespace {

using testing::made;
using testing::options_with;

// Reads all arrays of a file that was opened before it changed.
tf_status read_all(const tf_file *file) {
  tf_status last = TF_STATUS_OK;
  for (size_t i = 0; i < tf_file_count(file); ++i) {
    tf_array *array = nullptr;
    const tf_status status = tf_file_read(&array, file, i);
    EXPECT_EQ(array != nullptr, status == TF_STATUS_OK);
    tf_array_release(array);
    if (status != TF_STATUS_OK) last = status;
  }
  return last;
}

TEST(ChangedFiles, TruncatedAfterOpeningAreReported) {
  const World world;
  for (const std::string &path : world.files) {
    const std::string bytes = TempFolder::read_whole(path);
    for (const tf_option mode : {TF_LOAD_MODE_OWN, TF_LOAD_MODE_MAP}) {
      for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 40) {
        world.folder.write("changing", bytes);
        const auto options =
            options_with({{TF_OPTION_FORMAT, tf_format_from_path(path.c_str())}, {TF_OPTION_LOAD_MODE, mode}});
        const auto file = made<tf_file>(
            [&](tf_file **out) { return tf_file_open(out, world.folder.path("changing").c_str(), options.get()); });
        uint64_t end = 0;
        for (size_t i = 0; i < tf_file_count(file.get()); ++i) {
          uint64_t offset = 0;
          uint64_t stored = 0;
          ASSERT_EQ(tf_file_location(nullptr, &offset, &stored, nullptr, file.get(), i), TF_STATUS_OK);
          end = std::max(end, offset + stored);
        }
        ASSERT_EQ(truncate(world.folder.path("changing").c_str(), static_cast<off_t>(size)), 0);
        const tf_status status = read_all(file.get());
        if (size < end) {
          EXPECT_EQ(status, TF_STATUS_TRUNCATED) << path << " cut to " << size << ": " << tf_error_message();
        } else if (mode == TF_LOAD_MODE_OWN) {
          EXPECT_EQ(status, TF_STATUS_OK) << path << " cut to " << size << ": " << tf_error_message();
        }
      }
    }
  }
}

// Another thread truncates, restores and overwrites the file while it is loaded.
TEST(ChangedFiles, ChangedDuringLoadsGiveArraysOrErrors) {
  const World world;
  std::mt19937 random(1);
  for (const std::string &path : world.files) {
    const std::string bytes = TempFolder::read_whole(path);
    const std::string target = world.folder.write("changing", bytes);
    const auto options = options_with({{TF_OPTION_FORMAT, tf_format_from_path(path.c_str())}, {TF_OPTION_THREADS, 2}});
    std::atomic<bool> done{false};
    std::thread changer([&] {
      const int file = open(target.c_str(), O_RDWR | O_CLOEXEC);
      while (!done) {
        const auto at = static_cast<off_t>(random() % bytes.size());
        const auto byte = static_cast<char>(random());
        if (random() % 4 == 0) (void)!ftruncate(file, at);
        if (random() % 4 == 0) (void)!pwrite(file, bytes.data(), bytes.size(), 0);
        (void)!pwrite(file, &byte, 1, at);
      }
      close(file);
    });
    int refused = 0;
    // Continue until the other thread has made enough loads fail.
    for (int i = 0; i < 300 || refused < 20; ++i) {
      tf_dict *arrays = nullptr;
      const tf_status status = tf_load(nullptr, &arrays, nullptr, target.c_str(), options.get());
      EXPECT_TRUE(status != TF_STATUS_INTERNAL && status != TF_STATUS_INVALID_ARGUMENT &&
                  status != TF_STATUS_OUT_OF_MEMORY)
          << tf_error_message();
      refused += status == TF_STATUS_OK ? 0 : 1;
      tf_dict_release(arrays);
    }
    done = true;
    changer.join();
  }
}

// The documented behaviour of map mode.
TEST(ChangedFiles, TruncatedWhileMappedEndTheProcess) {
  const World world;
  const auto big = testing::random_array(TF_DTYPE_UINT8, {1 << 20});
  const std::string path = world.folder.path("mapped.npy");
  ASSERT_EQ(tf_save(path.c_str(), big.get(), nullptr), TF_STATUS_OK);
  const auto options = options_with({{TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP}});
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    struct rlimit no_core {};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGBUS, SIG_DFL);
    tf_array *array = nullptr;
    if (tf_load(&array, nullptr, nullptr, path.c_str(), options.get()) != TF_STATUS_OK) _exit(2);
    if (truncate(path.c_str(), 200) != 0) _exit(3);
    const volatile uint8_t *const data = static_cast<const uint8_t *>(tf_array_data(array));
    _exit(data[(1 << 20) - 1] == 0 ? 4 : 5);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
  EXPECT_EQ(WTERMSIG(status), SIGBUS);
}

// Whatever length the disk is full at, the old file remains and there is no other file.
TEST(FullDisk, AtEveryFewBytes) {
  const World world;
  const std::string old(100, 'o');
  world.folder.write("target", old);
  const size_t names = world.folder.names().size();
  const auto options = options_with({{TF_OPTION_THREADS, 1}, {TF_OPTION_EXACT_PATH, 1}});
  struct rlimit before {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  // By default the signal would end the process; if it is ignored, the write fails.
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  int failures = 0;
  for (const Operation &operation : operations(world, world.folder.path("target"))) {
    if (!operation.saves) continue;
    SCOPED_TRACE(operation.name);
    tf_status status = TF_STATUS_IO;
    for (rlim_t most = 0; status != TF_STATUS_OK; most += 97) {
      const struct rlimit limit { most, before.rlim_max };
      ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
      status = operation.run(options.get());
      ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
      EXPECT_EQ(world.folder.names().size(), names);
      if (status == TF_STATUS_OK) break;
      ++failures;
      ASSERT_EQ(status, TF_STATUS_IO);
      EXPECT_NE(std::string(tf_error_message()).find("target: could not write: the file would be larger than allowed"),
                std::string::npos)
          << tf_error_message();
      EXPECT_EQ(world.folder.read("target"), old);
      ASSERT_LT(most, 100000u);
    }
    world.folder.write("target", old);
  }
  signal(SIGXFSZ, handler);
  EXPECT_GT(failures, 100);
}

// A save must not replace a device by a file, and must report when a sink cannot write to one.
TEST(FullDisk, ADeviceThatIsFull) {
  const World world;
  const auto options = options_with({{TF_OPTION_THREADS, 1}, {TF_OPTION_EXACT_PATH, 1}});
  for (const int64_t atomic : {1, 0}) {
    ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_ATOMIC, atomic), TF_STATUS_OK);
    int tried = 0;
    for (const Operation &operation : operations(world, "/dev/full")) {
      if (!operation.saves || operation.name == "save over a link") continue;
      EXPECT_EQ(operation.run(options.get()), TF_STATUS_IO) << operation.name;
      EXPECT_STREQ(tf_error_message(), "/dev/full: expected a regular file, found a device");
      ++tried;
    }
    EXPECT_GE(tried, 7);
  }
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  const auto write_to = [](void *descriptor, const void *from, size_t nbytes) -> tf_status {
    return write(*static_cast<const int *>(descriptor), from, nbytes) < 0 ? TF_STATUS_IO : TF_STATUS_OK;
  };
  for (const tf_format format : {TF_FORMAT_NPY, TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    int descriptor = full;
    const auto sink = made<tf_sink>([&](tf_sink **out) { return tf_sink_new(out, write_to, nullptr, &descriptor); });
    const bool single = format == TF_FORMAT_NPY;
    EXPECT_EQ(tf_save_sink(sink.get(), format, single ? world.matrix.get() : nullptr,
                           single ? nullptr : world.weights.get(), nullptr, options.get()),
              TF_STATUS_IO);
    EXPECT_EQ(std::string(tf_error_message()).rfind("the sink's write returned io for ", 0), 0u) << tf_error_message();
    EXPECT_EQ(tf_error_offset(), 0u);
  }
  close(full);
}

// Mounts small file systems if the process has the privileges to do so; otherwise only the tests above run.
TEST(FullDisk, OfASmallFileSystem) {
  const TempFolder folder;
  const auto large = testing::random_array(TF_DTYPE_UINT8, {200000});
  const auto small = testing::random_array(TF_DTYPE_UINT8, {1000}, 2);
  expect_in_child([&] {
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return true;
    int refused = 0;
    for (int size = 8; size <= 512; size += 24) {
      const std::string option = "size=" + std::to_string(size) + "k";
      if (mount("none", folder.path().c_str(), "tmpfs", 0, option.c_str()) != 0) return refused == 0;
      const std::string path = folder.path("target.npy");
      EXPECT_EQ(tf_save(path.c_str(), small.get(), nullptr), TF_STATUS_OK) << tf_error_message();
      const std::string old = folder.read("target.npy");
      // The old file needs one page of 4 KiB, the new one 49.
      const tf_status status = tf_save(path.c_str(), large.get(), nullptr);
      EXPECT_EQ(status, size >= 4 * (1 + 49) ? TF_STATUS_OK : TF_STATUS_IO) << size << ": " << tf_error_message();
      if (status != TF_STATUS_OK) {
        ++refused;
        EXPECT_NE(std::string(tf_error_message()).find("no space left on the device"), std::string::npos);
        EXPECT_EQ(folder.read("target.npy"), old);
      }
      EXPECT_EQ(folder.names(), std::vector<std::string>{"target.npy"});
      if (umount(folder.path().c_str()) != 0) return false;
    }
    return refused > 5;
  });
}

}  // namespace
}  // namespace tfile::faults
