// Tests what differs between Windows and POSIX: UTF-16 paths, open files that cannot be replaced, 64-bit offsets in two
// halves, and devices without a folder.
#include <gtest/gtest.h>
#include <windows.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace tfile::testing {
namespace {

using Names = std::vector<std::string>;

std::string utf8(const char8_t *text) {
  return reinterpret_cast<const char *>(text);
}

// A file that another part of the program has open.
class Opened {
 public:
  Opened(const std::string &path, DWORD share)
      : handle_(CreateFileW(std::filesystem::path(path).c_str(), GENERIC_READ, share, nullptr, OPEN_EXISTING,
                            FILE_ATTRIBUTE_NORMAL, nullptr)) {
    EXPECT_NE(handle_, INVALID_HANDLE_VALUE);
  }
  ~Opened() { CloseHandle(handle_); }
  Opened(const Opened &) = delete;
  Opened &operator=(const Opened &) = delete;

 private:
  HANDLE handle_;
};

class Windows : public ::testing::Test {
 protected:
  tf_status save(const std::string &path, int64_t atomic = 1) {
    const auto options = options_with({{TF_OPTION_ATOMIC, atomic}});
    return tf_save(path.c_str(), array.get(), options.get());
  }
  Handle<tf_array> load(const std::string &path, int64_t mode = TF_LOAD_MODE_OWN) {
    const auto options = options_with({{TF_OPTION_LOAD_MODE, mode}});
    return made<tf_array>([&](tf_array **out) { return tf_load(out, nullptr, nullptr, path.c_str(), options.get()); });
  }

  TempFolder folder;
  Handle<tf_array> array = random_array(TF_DTYPE_INT32, {300, 7});
};

TEST_F(Windows, PathsAreUtf8) {
  const std::wstring wide = L"K\u00e4se \u65e5\u672c \U0001F600";
  const std::string name = utf8(u8"K\u00e4se \u65e5\u672c \U0001F600");
  const std::filesystem::path inner = std::filesystem::path(folder.path()) / wide;
  ASSERT_TRUE(std::filesystem::create_directory(inner));
  const std::string path = folder.path() + "/" + name + "\\" + name + ".npy";
  for (const int64_t atomic : {1, 0, 1}) {
    ASSERT_EQ(save(path, atomic), TF_STATUS_OK) << tf_error_message();
    EXPECT_TRUE(std::filesystem::is_regular_file(inner / (wide + L".npy")));
    EXPECT_TRUE(same(load(path).get(), array.get()));
    EXPECT_TRUE(same(load(path, TF_LOAD_MODE_MAP).get(), array.get()));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(inner), {}), 1);
  const std::string missing = folder.path() + "/" + name + "/\u00fc.npy";
  tf_array *none = nullptr;
  EXPECT_EQ(tf_load(&none, nullptr, nullptr, missing.c_str(), nullptr), TF_STATUS_NOT_FOUND);
  EXPECT_EQ(std::string(tf_error_message()), missing + ": no such file");
}

TEST_F(Windows, PathsThatAreNotUtf8AreRefused) {
  const std::string path = folder.path() + "/\xff.npy";
  EXPECT_EQ(save(path), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_NE(std::string(tf_error_message()).find("the path is not UTF-8"), std::string::npos) << tf_error_message();
  EXPECT_EQ(folder.names(), Names{});
}

TEST_F(Windows, AFileThatIsOpenElsewhereStaysAsItIs) {
  const std::string path = folder.write("a.npy", "old");
  {
    const Opened other(path, FILE_SHARE_READ | FILE_SHARE_WRITE);
    EXPECT_EQ(save(path), TF_STATUS_IO);
    const std::string message = tf_error_message();
    EXPECT_EQ(message.rfind(path + ": could not replace: ", 0), 0u) << message;
    EXPECT_EQ(folder.read("a.npy"), "old");
    EXPECT_EQ(folder.names(), Names{"a.npy"});
  }
  EXPECT_EQ(save(path), TF_STATUS_OK) << tf_error_message();
  EXPECT_TRUE(same(load(path).get(), array.get()));
}

TEST_F(Windows, AFileThatNobodyElseMayWriteIsRefusedAtOnce) {
  const std::string path = folder.write("a.npy", "old");
  const Opened other(path, FILE_SHARE_READ);
  for (const int64_t atomic : {1, 0}) {
    EXPECT_EQ(save(path, atomic), TF_STATUS_IO);
    EXPECT_EQ(std::string(tf_error_message()), path + ": could not open for writing: another program has it open");
  }
  EXPECT_EQ(folder.read("a.npy"), "old");
  EXPECT_EQ(folder.names(), Names{"a.npy"});
}

TEST_F(Windows, FoldersAndDevicesAreNotFiles) {
  const std::string inner = folder.path("inner.npy");
  ASSERT_TRUE(std::filesystem::create_directory(inner));
  tf_array *none = nullptr;
  EXPECT_EQ(tf_load(&none, nullptr, nullptr, inner.c_str(), nullptr), TF_STATUS_IO);
  EXPECT_EQ(std::string(tf_error_message()),
            inner +
                ": expected a regular file, found a folder without a set of files: it has neither an index nor a "
                "first part");
  EXPECT_EQ(save(inner), TF_STATUS_IO);
  EXPECT_EQ(std::string(tf_error_message()), inner + ": expected a regular file, found a folder");
  EXPECT_EQ(tf_load(&none, nullptr, nullptr, "NUL", nullptr), TF_STATUS_IO);
  EXPECT_EQ(std::string(tf_error_message()), "NUL: expected a regular file, found a device");
  EXPECT_EQ(save(folder.path("no/a.npy")), TF_STATUS_NOT_FOUND);
  EXPECT_EQ(folder.names(), Names{"inner.npy"});
}

TEST_F(Windows, NoHandleStaysOpen) {
  const std::string path = folder.path("a.npy");
  ASSERT_EQ(save(path), TF_STATUS_OK);
  load(path, TF_LOAD_MODE_MAP);
  const size_t before = open_descriptors();
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(save(path), TF_STATUS_OK) << tf_error_message();
    EXPECT_TRUE(same(load(path).get(), array.get()));
    EXPECT_TRUE(same(load(path, TF_LOAD_MODE_MAP).get(), array.get()));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(Windows, ReadsAndMapsBeyondFourGigabytes) {
  const int64_t size = (int64_t{1} << 32) + (int64_t{1} << 20);
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + std::to_string(size) + ",), }";
  std::string start("\x93NUMPY\x01\x00\x76\x00", 10);
  start += header + std::string(117 - header.size(), ' ') + "\n";
  const std::string path = folder.write("large.npy", start);
  const uint64_t whole = start.size() + static_cast<uint64_t>(size);
  std::filesystem::resize_file(path, whole);
  {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(whole - 4));
    file << "tail";
  }
  const auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), nullptr); });
  ASSERT_TRUE(file);
  EXPECT_EQ(tf_file_nbytes(file.get(), 0), static_cast<uint64_t>(size));
  const int64_t from = size - 6;
  const auto slice = made<tf_array>(
      [&](tf_array **out) { return tf_file_read_slice(out, file.get(), 0, &from, nullptr, nullptr, 1); });
  ASSERT_EQ(tf_array_nbytes(slice.get()), 6u);
  EXPECT_EQ(memcmp(tf_array_data(slice.get()), "\0\0tail", 6), 0);
  const auto mapped = load(path, TF_LOAD_MODE_MAP);
  EXPECT_EQ(memcmp(static_cast<const char *>(tf_array_data(mapped.get())) + from, "\0\0tail", 6), 0);
}

TEST_F(Windows, WritesBeyondFourGigabytes) {
  const std::string path = folder.path("large.npy");
  const int64_t piece = int64_t{1} << 24;
  const int64_t pieces = 257;
  const int64_t size = piece * pieces;
  const auto options = options_with({{TF_OPTION_ATOMIC, 0}});
  tf_writer *writer = nullptr;
  ASSERT_EQ(tf_writer_open(&writer, path.c_str(), TF_FORMAT_NPY, options.get()), TF_STATUS_OK) << tf_error_message();
  ASSERT_EQ(tf_writer_declare(writer, "", 0, TF_DTYPE_UINT8, &size, 1), TF_STATUS_OK) << tf_error_message();
  std::vector<char> bytes(static_cast<size_t>(piece));
  for (int64_t i = 0; i < pieces; ++i) {
    memcpy(bytes.data(), &i, sizeof(i));
    ASSERT_EQ(tf_writer_write(writer, bytes.data(), bytes.size()), TF_STATUS_OK) << tf_error_message();
  }
  ASSERT_EQ(tf_writer_finish(writer), TF_STATUS_OK) << tf_error_message();
  tf_writer_release(writer);
  const auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), nullptr); });
  for (const int64_t i : {int64_t{0}, int64_t{127}, int64_t{128}, int64_t{255}, int64_t{256}}) {
    const int64_t from = i * piece;
    const int64_t to = from + 8;
    const auto slice =
        made<tf_array>([&](tf_array **out) { return tf_file_read_slice(out, file.get(), 0, &from, &to, nullptr, 1); });
    EXPECT_EQ(memcmp(tf_array_data(slice.get()), &i, sizeof(i)), 0) << i;
  }
}

}  // namespace
}  // namespace tfile::testing
