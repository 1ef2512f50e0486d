// A file inside another file: opened through a descriptor or as a part, read and mapped.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile {
namespace {

using testing::Handle;
using testing::made;
using testing::same;

constexpr uint64_t kBefore = 64 * 3;  // offset of the file in the archive, aligned so that it can be mapped

class Archive : public ::testing::Test {
 protected:
  void SetUp() override {
    // uint8 can be mapped on machines of both byte orders.
    weight_ = testing::random_array(TF_DTYPE_UINT8, {300, 28});
    const auto arrays = testing::dict_of({{"w", weight_.get()}});
    const auto buffer = made<tf_buffer>([&](tf_buffer **out) {
      return tf_save_memory(out, TF_FORMAT_SAFETENSORS, nullptr, arrays.get(), nullptr, nullptr);
    });
    size_ = tf_buffer_size(buffer.get());
    path_ = folder_.write("assets.pak", std::string(kBefore, '\x93') + testing::contents(buffer.get()) + "more");
  }
  void expect_loads(tf_source *source, int64_t mode, bool mapped) {
    const auto options = testing::options_with({{TF_OPTION_LOAD_MODE, mode}});
    const auto loaded = made<tf_dict>(
        [&](tf_dict **out) { return tf_load_source(nullptr, out, nullptr, source, TF_FORMAT_AUTO, options.get()); });
    const auto array = testing::array_of(loaded.get(), "w");
    EXPECT_TRUE(same(array.get(), weight_.get()));
    EXPECT_EQ(is_in_the_file(tf_array_data(array.get())), mapped);
  }
  bool is_in_the_file(const void *address) {
    const std::string maps = TempFolder::read_whole("/proc/self/maps");
    const auto value = reinterpret_cast<uintptr_t>(address);
    for (size_t at = maps.find(path_); at != std::string::npos; at = maps.find(path_, at + 1)) {
      uintptr_t begin = 0;
      uintptr_t end = 0;
      if (sscanf(maps.c_str() + maps.rfind('\n', at) + 1, "%zx-%zx", &begin, &end) != 2) ADD_FAILURE();
      if (begin <= value && value < end) return true;
    }
    return false;
  }

  TempFolder folder_;
  Handle<tf_array> weight_;
  std::string path_;
  size_t size_ = 0;
};

TEST_F(Archive, OpensThroughADescriptor) {
  const int fd = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  const auto source = made<tf_source>([&](tf_source **out) { return tf_source_from_fd(out, fd, kBefore, size_); });
  close(fd);
  expect_loads(source.get(), TF_LOAD_MODE_OWN, false);
  expect_loads(source.get(), TF_LOAD_MODE_MAP, true);
}

TEST_F(Archive, OpensAsAPartOfAFile) {
  const auto whole = made<tf_source>([&](tf_source **out) { return tf_source_from_path(out, path_.c_str()); });
  const auto part =
      made<tf_source>([&](tf_source **out) { return tf_source_from_part(out, whole.get(), kBefore, size_); });
  expect_loads(part.get(), TF_LOAD_MODE_OWN, false);
  expect_loads(part.get(), TF_LOAD_MODE_MAP, true);
}

TEST_F(Archive, MappedArraysOutliveTheirSources) {
  Handle<tf_array> array;
  {
    const auto whole = made<tf_source>([&](tf_source **out) { return tf_source_from_path(out, path_.c_str()); });
    const auto part =
        made<tf_source>([&](tf_source **out) { return tf_source_from_part(out, whole.get(), kBefore, size_); });
    const auto options = testing::options_with({{TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP}});
    const auto file = made<tf_file>(
        [&](tf_file **out) { return tf_file_open_source(out, part.get(), TF_FORMAT_AUTO, options.get()); });
    array = made<tf_array>([&](tf_array **out) { return tf_file_read(out, file.get(), 0); });
  }
  EXPECT_TRUE(is_in_the_file(tf_array_data(array.get())));
  EXPECT_TRUE(same(array.get(), weight_.get()));
  // The mapping is private: writing to the array needs no copy and does not change the file.
  const std::string before = folder_.read("assets.pak");
  void *data = nullptr;
  ASSERT_EQ(tf_array_data_mut(&data, array.get()), TF_STATUS_OK) << tf_error_message();
  std::memset(data, 0, tf_array_nbytes(array.get()));
  EXPECT_EQ(folder_.read("assets.pak"), before);
  array.reset();
  EXPECT_EQ(TempFolder::read_whole("/proc/self/maps").find(path_), std::string::npos);
}

// Memory of the caller that counts how often it is released.
struct Block {
  std::vector<char> bytes;
  int releases = 0;
  static void release(void *user) { ++static_cast<Block *>(user)->releases; }
};

TEST_F(Archive, ABlockOfMemoryIsLoadedWithoutACopy) {
  Block block;
  const std::string file = folder_.read("assets.pak");
  block.bytes.assign(file.begin() + kBefore, file.begin() + static_cast<std::ptrdiff_t>(kBefore + size_));
  Handle<tf_array> array;
  {
    const auto source = made<tf_source>([&](tf_source **out) {
      return tf_source_from_memory(out, block.bytes.data(), block.bytes.size(), Block::release, &block);
    });
    const auto options = testing::options_with({{TF_OPTION_LOAD_MODE, TF_LOAD_MODE_MAP}});
    const auto loaded = made<tf_dict>([&](tf_dict **out) {
      return tf_load_source(nullptr, out, nullptr, source.get(), TF_FORMAT_AUTO, options.get());
    });
    array = testing::array_of(loaded.get(), "w");
  }
  const auto *data = static_cast<const char *>(tf_array_data(array.get()));
  EXPECT_GE(data, block.bytes.data());
  EXPECT_EQ(data + tf_array_nbytes(array.get()), block.bytes.data() + block.bytes.size());
  EXPECT_EQ(block.releases, 0);
  // The memory belongs to the caller, so it must not be written.
  void *writable = nullptr;
  EXPECT_EQ(tf_array_data_mut(&writable, array.get()), TF_STATUS_INVALID_ARGUMENT);
  array.reset();
  EXPECT_EQ(block.releases, 1);
}

}  // namespace
}  // namespace tfile
