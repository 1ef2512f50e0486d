#include "io/source.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "io/file.h"
#include "support/child.h"
#include "support/expect_error.h"
#include "support/foreign.h"
#include "support/memory.h"
#include "support/temp_folder.h"

namespace tfile {
namespace {

std::string read_string(const Source &source, uint64_t offset, size_t nbytes) {
  std::string bytes(nbytes, '?');
  EXPECT_TRUE(read_at(source, offset, bytes.data(), nbytes, "").ok()) << error_record().message;
  return bytes;
}

Ref<Source> open_path(const std::string &path) {
  Ref<Source> source;
  EXPECT_TRUE(source_from_path(source, default_memory(), path.c_str()).ok()) << error_record().message;
  return source;
}

tf_status open_status(const std::string &path) {
  tf_source *source = reinterpret_cast<tf_source *>(1);
  const tf_status status = tf_source_from_path(&source, path.c_str());
  EXPECT_EQ(source == nullptr, status != TF_STATUS_OK);
  tf_source_release(source);
  return status;
}

TEST(PathSource, ReadsAnyRange) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const Ref<Source> source = open_path(path);
  EXPECT_EQ(source->size, 10u);
  EXPECT_TRUE(source->concurrent);
  EXPECT_FALSE(source->ops->is_callback);
  EXPECT_EQ(source->label, Text(path.c_str()));
  EXPECT_STREQ(source->label.data(), path.c_str());
  EXPECT_EQ(read_string(*source, 0, 10), "0123456789");
  EXPECT_EQ(read_string(*source, 7, 3), "789");
  EXPECT_EQ(read_string(*source, 10, 0), "");
  char bytes[2];
  ASSERT_TRUE(read_at(*source, 4, bytes, 2, "").ok());
  EXPECT_EQ(std::string(bytes, 2), "45");
}

TEST(PathSource, RangeBeyondTheEndIsTruncated) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const Ref<Source> source = open_path(path);
  char bytes[16];
  EXPECT_EQ(read_at(*source, 8, bytes, 4, "layer.w").code, TF_STATUS_TRUNCATED);
  expect_error(path + ": array 'layer.w': expected 4 bytes, the file ends after 2 (byte 8)", 8, "layer.w");
  EXPECT_EQ(read_at(*source, 20, bytes, 1, "").code, TF_STATUS_TRUNCATED);
  expect_error(path + ": expected 1 bytes, the file ends after 0 (byte 20)", 20);
  EXPECT_EQ(read_at(*source, UINT64_MAX, bytes, 4, "").code, TF_STATUS_TRUNCATED);
  expect_error(path + ": expected 4 bytes, the file ends after 0", UINT64_MAX);
  EXPECT_EQ(read_at(*source, 4, bytes, UINT64_MAX - 2, "").code, TF_STATUS_TRUNCATED);
  EXPECT_EQ(read_at(*source, 11, bytes, 0, "").code, TF_STATUS_TRUNCATED);
}

TEST(PathSource, FileThatShrinksIsTruncated) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const Ref<Source> source = open_path(path);
  ASSERT_EQ(truncate(path.c_str(), 5), 0);
  char bytes[10];
  EXPECT_EQ(read_at(*source, 2, bytes, 8, "w").code, TF_STATUS_TRUNCATED);
  expect_error(path + ": array 'w': expected 8 bytes, the file ends after 3 (byte 2)", 2, "w");
  EXPECT_EQ(read_at(*source, 5, bytes, 1, "").code, TF_STATUS_TRUNCATED);
  const void *mapped = bytes;
  EXPECT_EQ(map_range(*source, 0, 10, &mapped).code, TF_STATUS_TRUNCATED);
  EXPECT_EQ(mapped, nullptr);
  expect_error(path + ": the file had 10 bytes when it was opened, and ends earlier now (byte 5)", 5);
}

TEST(PathSource, MissingFileIsNotFound) {
  const TempFolder folder;
  EXPECT_EQ(open_status(folder.path("no\nne.npy")), TF_STATUS_NOT_FOUND);
  expect_error(folder.path("no\\nne.npy") + ": no such file");
  EXPECT_EQ(open_status(folder.path("no/folder.npy")), TF_STATUS_NOT_FOUND);
  EXPECT_EQ(open_status(""), TF_STATUS_NOT_FOUND);
  expect_error("the path of the file is empty");
  ASSERT_EQ(symlink("nowhere", folder.path("link").c_str()), 0);
  EXPECT_EQ(open_status(folder.path("link")), TF_STATUS_NOT_FOUND);
}

TEST(PathSource, OnlyRegularFilesAreOpened) {
  const TempFolder folder;
  const size_t before = open_descriptors();
  EXPECT_EQ(open_status(folder.path()), TF_STATUS_IO);
  expect_error(folder.path() + ": expected a regular file, found a folder");
  const std::string fifo = folder.path("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(open_status(fifo), TF_STATUS_IO);
  expect_error(fifo + ": expected a regular file, found a FIFO");
  EXPECT_EQ(open_status("/dev/null"), TF_STATUS_IO);
  expect_error("/dev/null: expected a regular file, found a device");

  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = folder.path("socket");
  ASSERT_LT(name.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, name.c_str(), name.size());
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
  EXPECT_EQ(open_status(name), TF_STATUS_IO);
  expect_error(name + ": expected a regular file, found a socket");
  close(listener);
  EXPECT_EQ(open_descriptors(), before);
}

TEST(PathSource, SaysWhyItCannotBeOpened) {
  const TempFolder folder;
  const std::string file = folder.write("a.bin", "x");
  EXPECT_EQ(open_status(file + "/b"), TF_STATUS_IO);
  expect_error(file + "/b: could not open: a part of the path is not a folder");
  const std::string loop = folder.path("loop");
  ASSERT_EQ(symlink("loop", loop.c_str()), 0);
  EXPECT_EQ(open_status(loop), TF_STATUS_IO);
  expect_error(loop + ": could not open: too many symbolic links");
  const std::string longName = folder.path(std::string(300, 'n'));
  EXPECT_EQ(open_status(longName), TF_STATUS_IO);
  expect_error(longName + ": could not open: the name is too long");
}

TEST(PathSource, NoPermissionIsIo) {
  const TempFolder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  const std::string path = folder.write("secret.npy", "x");
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  expect_without_privileges([&] {
    return open_status(path) == TF_STATUS_IO && error_record().message == path + ": could not open: permission denied";
  });
}

TEST(PathSource, IsClosedOnExecAndWhenReleased) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "x");
  const size_t before = open_descriptors();
  Ref<Source> source = open_path(path);
  EXPECT_EQ(open_descriptors(), before + 1);
  bool found = false;
  for (int descriptor = 0; descriptor < 1024; ++descriptor) {
    struct stat a {};
    struct stat b {};
    if (fstat(descriptor, &a) != 0 || stat(path.c_str(), &b) != 0 || a.st_ino != b.st_ino || a.st_dev != b.st_dev)
      continue;
    found = true;
    EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(fcntl(descriptor, F_GETFL) & O_ACCMODE, O_RDONLY);
  }
  EXPECT_TRUE(found);
  source = Ref<Source>();
  EXPECT_EQ(open_descriptors(), before);
}

TEST(PathSource, MapsOncePrivatelyAndWritable) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const Ref<Source> source = open_path(path);
  EXPECT_TRUE(source->ops->maps_privately);
  const void *whole = nullptr;
  const void *part = nullptr;
  ASSERT_TRUE(map_range(*source, 0, 10, &whole).ok());
  ASSERT_TRUE(map_range(*source, 6, 4, &part).ok());
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(part, static_cast<const char *>(whole) + 6);
  std::memcpy(const_cast<void *>(part), "abcd", 4);
  EXPECT_EQ(std::string(static_cast<const char *>(whole), 10), "012345abcd");
  EXPECT_EQ(folder.read("a.bin"), "0123456789");
  EXPECT_EQ(read_string(*source, 0, 10), "0123456789");
  const void *nothing = whole;
  ASSERT_TRUE(map_range(*source, 3, 0, &nothing).ok());
  EXPECT_EQ(nothing, nullptr);
}

TEST(PathSource, IdentityIsThatOfTheFile) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const std::string other = folder.write("b.bin", "0123456789");
  ASSERT_EQ(symlink("a.bin", folder.path("soft").c_str()), 0);
  ASSERT_EQ(link(path.c_str(), folder.path("hard").c_str()), 0);
  const FileIdentity identity = identity_of(*open_path(path));
  EXPECT_TRUE(identity.known);
  EXPECT_TRUE(same_file(identity, identity_of(*open_path(folder.path("soft")))));
  EXPECT_TRUE(same_file(identity, identity_of(*open_path(folder.path("hard")))));
  EXPECT_FALSE(same_file(identity, identity_of(*open_path(other))));
  EXPECT_FALSE(same_file(FileIdentity(), FileIdentity()));

  tf_source *part = nullptr;
  ASSERT_EQ(tf_source_from_part(&part, open_path(path).get(), 2, 3), TF_STATUS_OK);
  EXPECT_TRUE(same_file(identity, identity_of(*part)));
  tf_source_release(part);
  const std::string bytes = "0123456789";
  Ref<Source> memory;
  ASSERT_TRUE(source_from_memory(memory, default_memory(), bytes.data(), bytes.size(), nullptr, nullptr).ok());
  EXPECT_FALSE(identity_of(*memory).known);
}

TEST(PathSource, ThreadsShareOneMapping) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", std::string(1 << 20, 'x'));
  for (int round = 0; round < 50; ++round) {
    const Ref<Source> source = open_path(path);
    std::vector<const void *> found(8);
    std::vector<std::thread> threads;
    for (const void *&pointer : found)
      threads.emplace_back([&source, &pointer] { EXPECT_TRUE(map_range(*source, 0, 1 << 20, &pointer).ok()); });
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(std::set<const void *>(found.begin(), found.end()).size(), 1u);
    EXPECT_NE(found[0], nullptr);
  }
  EXPECT_EQ(TempFolder::read_whole("/proc/self/maps").find(path), std::string::npos) << "a mapping stayed";
}

TEST(PathSource, EmptyFile) {
  const TempFolder folder;
  const Ref<Source> source = open_path(folder.write("a.bin", ""));
  EXPECT_EQ(source->size, 0u);
  EXPECT_EQ(read_string(*source, 0, 0), "");
  const void *mapped = nullptr;
  EXPECT_TRUE(map_range(*source, 0, 0, &mapped).ok());
}

TEST(PathSource, ReadsBeyondFourGigabytes) {
  const TempFolder folder;
  const std::string path = folder.write("big.bin", "");
  constexpr uint64_t kPlace = (uint64_t{1} << 32) + 5;
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(pwrite(descriptor, "end", 3, static_cast<off_t>(kPlace)), 3);
  close(descriptor);
  const Ref<Source> source = open_path(path);
  EXPECT_EQ(source->size, kPlace + 3);
  EXPECT_EQ(read_string(*source, kPlace, 3), "end");
  const void *mapped = nullptr;
  ASSERT_TRUE(map_range(*source, kPlace, 3, &mapped).ok());
  // A file that is too large for the address space is read instead of mapped.
  ASSERT_EQ(mapped != nullptr, sizeof(size_t) > 4);
  if (mapped != nullptr) {
    EXPECT_EQ(std::string(static_cast<const char *>(mapped), 3), "end");
  }
}

TEST(PathSource, EveryFailedAllocationIsClean) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const size_t before = open_descriptors();
  testing::fail_each_allocation([&](testing::TestMemory &memory) {
    Ref<Source> source;
    return source_from_path(source, *memory, path.c_str());
  });
  EXPECT_EQ(open_descriptors(), before);
}

// Makes a source from a descriptor, which is closed immediately afterwards.
Ref<Source> open_part(const std::string &path, uint64_t offset, uint64_t size) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  tf_source *source = nullptr;
  EXPECT_EQ(tf_source_from_fd(&source, fd, offset, size), TF_STATUS_OK) << error_record().message;
  EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
  close(fd);
  return Ref<Source>::adopt(source);
}

// The offset and size of the part are not multiples of the page size.
constexpr uint64_t kOdd = 70001;

TEST(FdSource, ReadsAndMapsAPartOfTheFile) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", std::string(kOdd, '-') + "0123456789" + std::string(100, '-'));
  const size_t before = open_descriptors();
  {
    const Ref<Source> source = open_part(path, kOdd, 10);
    EXPECT_EQ(open_descriptors(), before + 1);
    EXPECT_EQ(source->size, 10u);
    EXPECT_TRUE(source->concurrent);
    EXPECT_EQ(source->label, Text(""));
    EXPECT_EQ(read_string(*source, 0, 10), "0123456789");
    EXPECT_EQ(read_string(*source, 7, 3), "789");
    EXPECT_TRUE(source->ops->maps_privately);
    const void *mapped = nullptr;
    ASSERT_TRUE(map_range(*source, 4, 2, &mapped).ok());
    ASSERT_NE(mapped, nullptr);
    EXPECT_EQ(std::string(static_cast<const char *>(mapped), 2), "45");
    std::memcpy(const_cast<void *>(mapped), "ab", 2);
    EXPECT_EQ(read_string(*source, 4, 2), "45");
    char bytes[4];
    EXPECT_EQ(read_at(*source, 8, bytes, 4, "w").code, TF_STATUS_TRUNCATED);
    expect_error("array 'w': expected 4 bytes, the file ends after 2 (byte 8)", 8, "w");
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(TempFolder::read_whole("/proc/self/maps").find(path), std::string::npos) << "a mapping stayed";
}

TEST(FdSource, SizeMayBeUpToTheEnd) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  EXPECT_EQ(open_part(path, 0, UINT64_MAX)->size, 10u);
  const Ref<Source> tail = open_part(path, 6, UINT64_MAX);
  EXPECT_EQ(read_string(*tail, 0, 4), "6789");
  EXPECT_EQ(open_part(path, 10, UINT64_MAX)->size, 0u);
  EXPECT_EQ(open_part(path, 10, 0)->size, 0u);
}

TEST(FdSource, FileThatShrinksIsTruncated) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const Ref<Source> source = open_part(path, 4, 6);
  ASSERT_EQ(truncate(path.c_str(), 5), 0);
  char bytes[6];
  EXPECT_EQ(read_at(*source, 0, bytes, 6, "w").code, TF_STATUS_TRUNCATED);
  expect_error("array 'w': expected 6 bytes, the file ends after 1 (byte 0)", 0, "w");
  const void *mapped = bytes;
  EXPECT_EQ(map_range(*source, 0, 6, &mapped).code, TF_STATUS_TRUNCATED);
  expect_error("the file had 6 bytes when it was opened, and ends earlier now (byte 1)", 1);
  ASSERT_EQ(truncate(path.c_str(), 2), 0);
  EXPECT_EQ(map_range(*source, 0, 6, &mapped).code, TF_STATUS_TRUNCATED);
  expect_error("the file had 6 bytes when it was opened, and ends earlier now (byte 0)", 0);
}

TEST(FdSource, RefusesWhatIsNoPartOfARegularFile) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const size_t before = open_descriptors();
  const auto refused = [](int fd, uint64_t offset, uint64_t size, tf_status status, const std::string &message) {
    tf_source *source = reinterpret_cast<tf_source *>(1);
    EXPECT_EQ(tf_source_from_fd(&source, fd, offset, size), status);
    EXPECT_EQ(source, nullptr);
    expect_error(message);
  };
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  refused(fd, 4, 7, TF_STATUS_INVALID_ARGUMENT, "7 bytes from byte 4 on are not in the file, which has 10");
  refused(fd, 11, 0, TF_STATUS_INVALID_ARGUMENT, "0 bytes from byte 11 on are not in the file, which has 10");
  refused(fd, 11, UINT64_MAX, TF_STATUS_INVALID_ARGUMENT,
          "18446744073709551615 bytes from byte 11 on are not in the file, which has 10");
  close(fd);
  refused(fd, 0, 1, TF_STATUS_IO, "the descriptor " + std::to_string(fd) + " is not open for reading");
  refused(-1, 0, 1, TF_STATUS_IO, "the descriptor -1 is not open for reading");
  const int writing = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  refused(writing, 0, 1, TF_STATUS_IO, "the descriptor " + std::to_string(writing) + " is not open for reading");
  close(writing);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  refused(ends[0], 0, UINT64_MAX, TF_STATUS_IO, "expected a regular file, found a FIFO");
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(tf_source_from_fd(nullptr, 0, 0, 0), TF_STATUS_INVALID_ARGUMENT);
  expect_error("out is NULL");
  EXPECT_EQ(open_descriptors(), before);
}

TEST(FdSource, EveryFailedAllocationIsClean) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const size_t before = open_descriptors();
  testing::fail_each_allocation([&](testing::TestMemory &memory) {
    Ref<Source> source;
    return source_from_descriptor(source, *memory, fd, 1, 2);
  });
  EXPECT_EQ(open_descriptors(), before);
  close(fd);
}

Ref<Source> part_of(const Ref<Source> &whole, uint64_t offset, uint64_t size) {
  tf_source *source = nullptr;
  EXPECT_EQ(tf_source_from_part(&source, whole.get(), offset, size), TF_STATUS_OK) << error_record().message;
  return Ref<Source>::adopt(source);
}

TEST(PartSource, OfAFileIsReadAndMapped) {
  const TempFolder folder;
  const std::string path = folder.write("a.bin", "0123456789");
  Ref<Source> whole = open_path(path);
  const Ref<Source> part = part_of(whole, 2, 6);
  const Ref<Source> inner = part_of(part, 1, 3);
  const Ref<Source> tail = part_of(part, 4, UINT64_MAX);
  const void *of_whole = nullptr;
  const void *of_inner = nullptr;
  ASSERT_TRUE(map_range(*whole, 0, 10, &of_whole).ok());
  ASSERT_TRUE(map_range(*inner, 1, 2, &of_inner).ok());
  EXPECT_EQ(of_inner, static_cast<const char *>(of_whole) + 4);
  EXPECT_TRUE(inner->ops->maps_privately);
  whole = Ref<Source>();
  EXPECT_TRUE(inner->concurrent);
  EXPECT_EQ(read_string(*part, 0, 6), "234567");
  EXPECT_EQ(read_string(*inner, 0, 3), "345");
  EXPECT_EQ(read_string(*tail, 0, 2), "67");
  char bytes[10];
  ASSERT_TRUE(read_at(*inner, 1, bytes, 2, "").ok());
  EXPECT_EQ(std::string(bytes, 2), "45");
  EXPECT_EQ(read_at(*inner, 1, bytes, 3, "w").code, TF_STATUS_TRUNCATED);
  expect_error("array 'w': expected 3 bytes, the file ends after 2 (byte 1)", 1, "w");
  ASSERT_EQ(truncate(path.c_str(), 5), 0);
  EXPECT_EQ(read_at(*inner, 0, bytes, 3, "w").code, TF_STATUS_TRUNCATED);
  expect_error("array 'w': expected 3 bytes, the file ends after 2 (byte 0)", 0, "w");
}

TEST(PartSource, OfACallbackPassesItsStatusesThrough) {
  ForeignSource user{"0123456789"};
  tf_source *raw = nullptr;
  ASSERT_EQ(tf_source_new(&raw, 10, 0, ForeignSource::read_at, ForeignSource::map, ForeignSource::release, &user),
            TF_STATUS_OK);
  Ref<Source> part = part_of(Ref<Source>::adopt(raw), 3, 5);
  EXPECT_EQ(user.releases, 0) << "the part must keep the whole";
  EXPECT_FALSE(part->concurrent);
  EXPECT_FALSE(part->ops->maps_privately);
  EXPECT_EQ(read_string(*part, 1, 2), "45");
  const void *mapped = nullptr;
  ASSERT_TRUE(map_range(*part, 2, 2, &mapped).ok());
  EXPECT_EQ(mapped, user.bytes.data() + 5);
  user.answer = 4711;
  char bytes[4];
  EXPECT_EQ(read_at(*part, 1, bytes, 4, "w").code, 4711);
  expect_error("array 'w': the source's read_at returned unknown for 4 bytes (byte 1)", 1, "w");
  EXPECT_EQ(map_range(*part, 1, 4, &mapped).code, 4711);
  expect_error("the source's map returned unknown for 4 bytes (byte 1)", 1);
  part = Ref<Source>();
  EXPECT_EQ(user.releases, 1);
}

TEST(PartSource, OfMemoryAndOfWhatCannotBeMapped) {
  ForeignSource user{"0123456789"};
  Ref<Source> whole;
  ASSERT_TRUE(source_from_memory(whole, default_memory(), user.bytes.data(), 10, nullptr, nullptr).ok());
  const void *mapped = nullptr;
  ASSERT_TRUE(map_range(*part_of(whole, 4, 2), 1, 1, &mapped).ok());
  EXPECT_EQ(mapped, user.bytes.data() + 5);
  ASSERT_TRUE(
      source_from_callbacks(whole, default_memory(), 10, true, ForeignSource::read_at, nullptr, nullptr, &user).ok());
  const Ref<Source> part = part_of(whole, 4, 2);
  ASSERT_TRUE(map_range(*part, 0, 2, &mapped).ok());
  EXPECT_EQ(mapped, nullptr);
  EXPECT_EQ(read_string(*part, 0, 2), "45");
}

TEST(PartSource, RefusesWhatIsNotInTheWhole) {
  const std::string bytes = "0123456789";
  Ref<Source> whole;
  ASSERT_TRUE(source_from_memory(whole, default_memory(), bytes.data(), 10, nullptr, nullptr).ok());
  tf_source *source = reinterpret_cast<tf_source *>(1);
  EXPECT_EQ(tf_source_from_part(&source, whole.get(), 4, 7), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(source, nullptr);
  expect_error("7 bytes from byte 4 on are not in the source, which has 10");
  EXPECT_EQ(tf_source_from_part(&source, whole.get(), UINT64_MAX, 2), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_source_from_part(&source, nullptr, 0, 0), TF_STATUS_INVALID_ARGUMENT);
  expect_error("whole is NULL");
  EXPECT_EQ(tf_source_from_part(nullptr, whole.get(), 0, 0), TF_STATUS_INVALID_ARGUMENT);
  expect_error("out is NULL");
  testing::fail_each_allocation([&](testing::TestMemory &memory) {
    Ref<Source> part;
    return source_from_part(part, *memory, *whole, 1, 2);
  });
}

TEST(MemorySource, ReadsAndMapsTheCallersBytes) {
  ForeignSource user{"0123456789"};
  Ref<Source> source;
  ASSERT_TRUE(source_from_memory(source, default_memory(), user.bytes.data(), 10, ForeignSource::release, &user).ok());
  EXPECT_TRUE(source->concurrent);
  EXPECT_EQ(source->label, Text(""));
  EXPECT_EQ(read_string(*source, 2, 3), "234");
  const void *mapped = nullptr;
  ASSERT_TRUE(map_range(*source, 4, 2, &mapped).ok());
  EXPECT_EQ(mapped, user.bytes.data() + 4);
  EXPECT_FALSE(source->ops->maps_privately);
  char bytes[4];
  EXPECT_EQ(read_at(*source, 8, bytes, 4, "w").code, TF_STATUS_TRUNCATED);
  expect_error("array 'w': expected 4 bytes, the file ends after 2 (byte 8)", 8, "w");
  EXPECT_EQ(user.releases, 0);
  source = Ref<Source>();
  EXPECT_EQ(user.releases, 1);
}

TEST(MemorySource, Empty) {
  tf_source *source = nullptr;
  ASSERT_EQ(tf_source_from_memory(&source, nullptr, 0, nullptr, nullptr), TF_STATUS_OK);
  EXPECT_EQ(source->size, 0u);
  char byte = 0;
  EXPECT_TRUE(read_at(*source, 0, &byte, 0, "").ok());
  EXPECT_EQ(read_at(*source, 0, &byte, 1, "").code, TF_STATUS_TRUNCATED);
  tf_source_release(source);
}

TEST(MemorySource, EveryFailureReleasesOnce) {
  int released = 0;
  testing::fail_each_allocation([&](testing::TestMemory &memory) {
    ForeignSource user{"abc"};
    Status status;
    {
      Ref<Source> source;
      status = source_from_memory(source, *memory, user.bytes.data(), 3, ForeignSource::release, &user);
      EXPECT_EQ(user.releases, status.ok() ? 0 : 1);
    }
    EXPECT_EQ(user.releases, 1);
    ++released;
    return status;
  });
  EXPECT_GE(released, 3);
}

TEST(CallbackSource, EveryFailureReleasesOnce) {
  testing::fail_each_allocation([&](testing::TestMemory &memory) {
    ForeignSource user{"abc"};
    Status status;
    {
      Ref<Source> source;
      status = source_from_callbacks(source, *memory, 3, false, ForeignSource::read_at, nullptr, ForeignSource::release,
                                     &user);
    }
    EXPECT_EQ(user.releases, 1);
    return status;
  });
}

// Functions of a source that say why they fail.
struct DescribingSource {
  tf_status described = TF_STATUS_IO;
  tf_status returned = TF_STATUS_IO;
  std::string reason = "the cable\nis cut";

  static tf_status fail(void *user) {
    const auto *self = static_cast<const DescribingSource *>(user);
    const std::string longer = self->reason + "!!!";
    tf_error_set(self->described, longer.data(), self->reason.size());
    return self->returned;
  }
  static tf_status read_at(void *user, uint64_t, void *, size_t) { return fail(user); }
  static tf_status map(void *user, uint64_t, uint64_t, const void **) { return fail(user); }
  static tf_status resolve(void *user, const char *, tf_source **) { return fail(user); }
};

TEST(CallbackSource, SaysWhatTheCallbackSays) {
  DescribingSource user;
  tf_source *source = nullptr;
  ASSERT_EQ(tf_source_new(&source, 10, 1, DescribingSource::read_at, DescribingSource::map, nullptr, &user),
            TF_STATUS_OK);
  ASSERT_EQ(tf_source_set_name(source, "a/m.safetensors.index.json", SIZE_MAX), TF_STATUS_OK);
  ASSERT_EQ(tf_source_set_resolver(source, DescribingSource::resolve, nullptr, &user), TF_STATUS_OK);
  char bytes[4];
  const void *mapped = nullptr;
  EXPECT_EQ(read_at(*source, 3, bytes, 4, "w").code, TF_STATUS_IO);
  expect_error("a/m.safetensors.index.json: array 'w': the cable\\nis cut (byte 3)", 3, "w");
  EXPECT_EQ(map_range(*source, 3, 4, &mapped).code, TF_STATUS_IO);
  expect_error("a/m.safetensors.index.json: the cable\\nis cut (byte 3)", 3);
  Vec<char> path(default_memory());
  ASSERT_TRUE(path.append("a/b", 4).ok());
  Ref<Source> other;
  EXPECT_EQ(open_beside(other, default_memory(), *source, path, 2).code, TF_STATUS_IO);
  expect_error("a/b: the cable\\nis cut", kNoOffset);
  // What another call left in the record, or was said about another status, is no reason.
  user.described = TF_STATUS_NOT_FOUND;
  EXPECT_EQ(read_at(*source, 3, bytes, 4, "").code, TF_STATUS_IO);
  const char *const message = "a/m.safetensors.index.json: the source's read_at returned io for 4 bytes (byte 3)";
  expect_error(message, 3);
  user.described = TF_STATUS_IO;
  user.reason = "";
  EXPECT_EQ(read_at(*source, 3, bytes, 4, "").code, TF_STATUS_IO);
  expect_error(message, 3);
  tf_source_release(source);
}

TEST(ErrorSet, RefusesOkAndNull) {
  EXPECT_EQ(tf_error_set(TF_STATUS_OK, "fine", SIZE_MAX), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(tf_error_message(), "the status of an error cannot be ok");
  EXPECT_EQ(tf_error_set(TF_STATUS_IO, nullptr, SIZE_MAX), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_error_set(4711, "what", SIZE_MAX), 4711);
  EXPECT_EQ(tf_error_status(), 4711);
  EXPECT_STREQ(tf_error_message(), "what");
}

TEST(CallbackSource, PassesStatusesThrough) {
  ForeignSource user{"0123456789"};
  tf_source *source = nullptr;
  ASSERT_EQ(tf_source_new(&source, 10, 1, ForeignSource::read_at, ForeignSource::map, ForeignSource::release, &user),
            TF_STATUS_OK);
  EXPECT_TRUE(source->concurrent);
  EXPECT_EQ(read_string(*source, 3, 4), "3456");
  EXPECT_EQ(user.reads, 1);
  char bytes[16];
  EXPECT_EQ(read_at(*source, 8, bytes, 3, "").code, TF_STATUS_TRUNCATED);
  EXPECT_EQ(user.reads, 1) << "the callback was asked for bytes after the end";
  for (const tf_status status : {tf_status{TF_STATUS_IO}, tf_status{TF_STATUS_CANCELLED}, -7, 12345}) {
    user.answer = status;
    EXPECT_EQ(read_at(*source, 3, bytes, 4, "w").code, status);
    expect_error(
        "array 'w': the source's read_at returned " + std::string(status_name(status)) + " for 4 bytes (byte 3)", 3,
        "w");
    const void *mapped = bytes;
    EXPECT_EQ(map_range(*source, 5, 2, &mapped).code, status);
    EXPECT_EQ(mapped, nullptr);
    expect_error("the source's map returned " + std::string(status_name(status)) + " for 2 bytes (byte 5)", 5);
  }
  EXPECT_EQ(tf_source_retain(source), source);
  tf_source_release(source);
  EXPECT_EQ(user.releases, 0);
  tf_source_release(source);
  EXPECT_EQ(user.releases, 1);
}

TEST(CallbackSource, MayNotMap) {
  ForeignSource user{"0123456789"};
  tf_source *source = nullptr;
  const void *mapped = &user;
  ASSERT_EQ(tf_source_new(&source, 10, 0, ForeignSource::read_at, nullptr, nullptr, &user), TF_STATUS_OK);
  EXPECT_FALSE(source->concurrent);
  EXPECT_TRUE(map_range(*source, 0, 10, &mapped).ok());
  EXPECT_EQ(mapped, nullptr);
  tf_source_release(source);

  user.maps = false;
  ASSERT_EQ(tf_source_new(&source, 10, 0, ForeignSource::read_at, ForeignSource::map, nullptr, &user), TF_STATUS_OK);
  mapped = &user;
  EXPECT_TRUE(map_range(*source, 0, 10, &mapped).ok());
  EXPECT_EQ(mapped, nullptr);
  tf_source_release(source);
}

TEST(SourceAbi, RefusesBadArguments) {
  ForeignSource user{"abc"};
  tf_source *source = reinterpret_cast<tf_source *>(&user);
  EXPECT_EQ(tf_source_new(nullptr, 3, 0, ForeignSource::read_at, nullptr, ForeignSource::release, &user),
            TF_STATUS_INVALID_ARGUMENT);
  expect_error("out is NULL");
  EXPECT_EQ(user.releases, 1);
  EXPECT_EQ(tf_source_new(&source, 3, 0, nullptr, nullptr, ForeignSource::release, &user), TF_STATUS_INVALID_ARGUMENT);
  expect_error("read_at is NULL");
  EXPECT_EQ(source, nullptr);
  EXPECT_EQ(user.releases, 2);
  EXPECT_EQ(
      tf_source_new(&source, uint64_t{1} << 63, 0, ForeignSource::read_at, nullptr, ForeignSource::release, &user),
      TF_STATUS_INVALID_ARGUMENT);
  expect_error("the size 9223372036854775808 is not below 2^63");
  EXPECT_EQ(user.releases, 3);
  EXPECT_EQ(tf_source_from_memory(&source, nullptr, 1, ForeignSource::release, &user), TF_STATUS_INVALID_ARGUMENT);
  expect_error("data is NULL");
  EXPECT_EQ(user.releases, 4);
  EXPECT_EQ(tf_source_from_memory(nullptr, "x", 1, ForeignSource::release, &user), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(user.releases, 5);
  EXPECT_EQ(tf_source_from_path(&source, nullptr), TF_STATUS_INVALID_ARGUMENT);
  expect_error("path is NULL");
  EXPECT_EQ(tf_source_from_path(nullptr, "x"), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_EQ(tf_source_retain(nullptr), nullptr);
  tf_source_release(nullptr);
}

}  // namespace
}  // namespace tfile
