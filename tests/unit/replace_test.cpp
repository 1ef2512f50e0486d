#include "io/replace.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "io/file.h"
#include "io/source.h"
#include "support/child.h"
#include "support/expect_error.h"
#include "support/memory.h"
#include "support/temp_folder.h"

namespace {

// The calls of fsync, in order: "folder", or the size of a file.
std::vector<std::string> synced;

}  // namespace

// Replaces libc's function to record what a durable save syncs.
extern "C" int fsync(int descriptor) {
  struct stat info {};
  EXPECT_EQ(fstat(descriptor, &info), 0);
  synced.push_back(S_ISDIR(info.st_mode) ? "folder" : std::to_string(info.st_size));
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}

namespace tfile {
namespace {

using Names = std::vector<std::string>;

constexpr bool kAtomic = true;
constexpr bool kInPlace = false;

// Saves content to a file.
Status save(const std::string &path, const std::string &content, bool atomic = kAtomic, bool durable = false,
            Memory &memory = default_memory()) {
  Replacement replacement(memory);
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, path.c_str(), atomic, durable));
  Output output(*sink, Settings(), content.size());
  TFILE_TRY(output.write_data(content.data(), content.size()));
  return replacement.commit();
}

// Begins a save of content and does not commit it.
Status abandon(const std::string &path, const std::string &content, bool atomic) {
  Replacement replacement(default_memory());
  Ref<Sink> sink;
  TFILE_TRY(replacement.begin(sink, path.c_str(), atomic, false));
  Output output(*sink, Settings(), content.size());
  return output.write(content.data(), content.size());
}

mode_t mode_of(const std::string &path) {
  struct stat info {};
  EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

std::string big(char letter) {
  return std::string(300000, letter);
}

TEST(Replacement, MakesANewFile) {
  const TempFolder folder;
  const mode_t umask_before = umask(027);
  for (const bool durable : {false, true}) {
    for (const bool atomic : {true, false}) {
      const std::string name = std::string("a") + (durable ? "d" : "") + (atomic ? "a" : "") + ".npy";
      ASSERT_TRUE(save(folder.path(name), big('x'), atomic, durable).ok()) << error_record().message;
      EXPECT_EQ(folder.read(name), big('x'));
      EXPECT_EQ(mode_of(folder.path(name)), 0640u);
    }
  }
  EXPECT_EQ(umask(umask_before), 027u) << "the library must not change the umask of the process";
  EXPECT_EQ(folder.names(), (Names{"a.npy", "aa.npy", "ad.npy", "ada.npy"}));
}

TEST(Replacement, DurableSavesSyncFileAndFolder) {
  const TempFolder folder;
  for (const bool atomic : {true, false}) {
    synced.clear();
    ASSERT_TRUE(save(folder.path("a.npy"), big('x'), atomic, false).ok());
    EXPECT_EQ(synced, Names{});
    ASSERT_TRUE(save(folder.path("a.npy"), big('x'), atomic, true).ok());
    EXPECT_EQ(synced, (Names{"300000", "folder"}));
  }
}

TEST(Replacement, KeepsTheModeOfTheOldFile) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", "old");
  for (const bool atomic : {true, false}) {
    for (const mode_t mode : {0600u, 0644u, 0666u, 0755u}) {
      ASSERT_EQ(chmod(path.c_str(), mode), 0);
      ASSERT_TRUE(save(path, big('n'), atomic).ok()) << error_record().message;
      EXPECT_EQ(mode_of(path), mode);
    }
  }
  EXPECT_EQ(folder.names(), Names{"a.npy"});
}

TEST(Replacement, ReadersSeeTheOldFileUntilItIsWhole) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", "old");
  Ref<Source> reader;
  ASSERT_TRUE(source_from_path(reader, default_memory(), path.c_str()).ok());
  const void *mapped = nullptr;
  ASSERT_TRUE(map_range(*reader, 0, 3, &mapped).ok());
  Replacement replacement(default_memory());
  Ref<Sink> sink;
  ASSERT_TRUE(replacement.begin(sink, path.c_str(), kAtomic, false).ok());
  Output output(*sink, Settings(), 0);
  const std::string content = big('n');
  ASSERT_TRUE(output.write(content.data(), content.size()).ok());
  EXPECT_EQ(folder.read("a.npy"), "old");
  const Names names = folder.names();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_TRUE(names[0].starts_with(".a.npy.tf-")) << names[0];
  EXPECT_EQ(names[0].size(), std::string(".a.npy.tf-XXXXXXXX").size());
  ASSERT_TRUE(replacement.commit().ok());
  EXPECT_EQ(folder.read("a.npy"), content);
  EXPECT_EQ(folder.names(), Names{"a.npy"});
  // A reader that opened the old file still has it.
  EXPECT_EQ(std::string(static_cast<const char *>(mapped), 3), "old");
}

TEST(Replacement, NotCommittedItLeavesTheOldFile) {
  const TempFolder folder;
  const size_t before = open_descriptors();
  const std::string path = folder.write("a.npy", "old");
  ASSERT_TRUE(abandon(path, big('n'), kAtomic).ok());
  EXPECT_EQ(folder.read("a.npy"), "old");
  ASSERT_TRUE(abandon(folder.path("b.npy"), big('n'), kAtomic).ok());
  EXPECT_EQ(folder.names(), Names{"a.npy"});
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Replacement, NotCommittedInPlaceItLeavesWhatWasWritten) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", std::string(400000, 'o'));
  ASSERT_TRUE(abandon(path, big('n'), kInPlace).ok());
  EXPECT_EQ(folder.read("a.npy"), big('n'));
  EXPECT_EQ(folder.names(), Names{"a.npy"});
}

TEST(Replacement, InPlaceIsTheSameFile) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", std::string(400000, 'o'));
  ASSERT_EQ(link(path.c_str(), folder.path("other").c_str()), 0);
  ASSERT_TRUE(save(path, "short", kInPlace).ok());
  EXPECT_EQ(folder.read("a.npy"), "short");
  EXPECT_EQ(folder.read("other"), "short");
}

TEST(Replacement, FollowsLinks) {
  for (const bool atomic : {true, false}) {
    const TempFolder folder;
    ASSERT_EQ(mkdir(folder.path("real").c_str(), 0700), 0);
    ASSERT_EQ(mkdir(folder.path("links").c_str(), 0700), 0);
    folder.write("real/a.npy", "old");
    ASSERT_EQ(symlink("../links/second", folder.path("real/first").c_str()), 0);
    ASSERT_EQ(symlink(folder.path("real/a.npy").c_str(), folder.path("links/second").c_str()), 0);
    ASSERT_EQ(symlink("real/first", folder.path("start").c_str()), 0);
    ASSERT_TRUE(save(folder.path("start"), "new", atomic).ok()) << error_record().message;
    EXPECT_EQ(folder.read("real/a.npy"), "new");
    EXPECT_EQ(std::filesystem::read_symlink(folder.path("start")), "real/first");
    EXPECT_EQ(std::filesystem::read_symlink(folder.path("real/first")), "../links/second");
    EXPECT_EQ(folder.names(), (Names{"links", "real", "start"}));

    // The target of a dangling link is created.
    ASSERT_EQ(symlink("../real/b.npy", folder.path("links/dangling").c_str()), 0);
    ASSERT_TRUE(save(folder.path("links/dangling"), "made", atomic).ok()) << error_record().message;
    EXPECT_EQ(folder.read("real/b.npy"), "made");
    EXPECT_TRUE(std::filesystem::is_symlink(folder.path("links/dangling")));

    // A folder of the path may be a link.
    ASSERT_EQ(symlink("real", folder.path("folder").c_str()), 0);
    ASSERT_TRUE(save(folder.path("folder/c.npy"), "c", atomic).ok()) << error_record().message;
    EXPECT_EQ(folder.read("real/c.npy"), "c");
  }
}

TEST(Replacement, LinksThatLoopAreRefused) {
  const TempFolder folder;
  ASSERT_EQ(symlink("b", folder.path("a").c_str()), 0);
  ASSERT_EQ(symlink("a", folder.path("b").c_str()), 0);
  const size_t before = open_descriptors();
  EXPECT_EQ(save(folder.path("a"), "x").code, TF_STATUS_IO);
  expect_error(folder.path("a") + ": could not follow the link: too many symbolic links");
  EXPECT_EQ(folder.names(), (Names{"a", "b"}));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Replacement, OnlyRegularFilesAreReplaced) {
  const TempFolder folder;
  const std::string inner = folder.path("folder");
  const std::string fifo = folder.path("fifo");
  const std::string linked = folder.path("link");
  ASSERT_EQ(mkdir(inner.c_str(), 0700), 0);
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_EQ(symlink("fifo", linked.c_str()), 0);
  for (const bool atomic : {true, false}) {
    EXPECT_EQ(save(inner, "x", atomic).code, TF_STATUS_IO);
    expect_error(inner + ": expected a regular file, found a folder");
    EXPECT_EQ(save(inner + "/", "x", atomic).code, TF_STATUS_IO);
    expect_error(inner + "/: expected a regular file, found a folder");
    EXPECT_EQ(save(inner + "/.", "x", atomic).code, TF_STATUS_IO);
    EXPECT_EQ(save(folder.path("new/"), "x", atomic).code, TF_STATUS_IO);
    expect_error(folder.path("new/") + ": expected a regular file, found the path of a folder");
    EXPECT_EQ(save(fifo, "x", atomic).code, TF_STATUS_IO);
    expect_error(fifo + ": expected a regular file, found a FIFO");
    EXPECT_EQ(save(linked, "x", atomic).code, TF_STATUS_IO);
    expect_error(linked + ": expected a regular file, found a FIFO");
    EXPECT_EQ(save("/dev/full", "x", atomic).code, TF_STATUS_IO);
    expect_error("/dev/full: expected a regular file, found a device");
  }
  EXPECT_EQ(folder.names(), (Names{"fifo", "folder", "link"}));
  EXPECT_TRUE(std::filesystem::is_empty(inner));
}

TEST(Replacement, APipeThatALinkOfTheSystemLeadsToIsRefused) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string path = "/proc/self/fd/" + std::to_string(ends[1]);
  EXPECT_EQ(save(path, "x").code, TF_STATUS_IO);
  expect_error(path + ": expected a regular file, found a FIFO");
  close(ends[0]);
  close(ends[1]);
}

TEST(Replacement, InvalidPaths) {
  const TempFolder folder;
  folder.write("file", "x");
  for (const bool atomic : {true, false}) {
    EXPECT_EQ(save("", "x", atomic).code, TF_STATUS_INVALID_ARGUMENT);
    expect_error("the path to save to is empty");
    EXPECT_EQ(save(folder.path("no/a.npy"), "x", atomic).code, TF_STATUS_NOT_FOUND);
    expect_error(folder.path("no/a.npy") + ": could not open the folder '" + folder.path("no") +
                 "': no such file or folder");
    EXPECT_EQ(save(folder.path("file/a.npy"), "x", atomic).code, TF_STATUS_IO);
    expect_error(folder.path("file/a.npy") + ": could not open the folder '" + folder.path("file") +
                 "': a part of the path is not a folder");
    const std::string longName = folder.path(std::string(256, 'n'));
    EXPECT_EQ(save(longName, "x", atomic).code, TF_STATUS_IO);
    expect_error(longName + ": could not open: the name is too long");
  }
  EXPECT_EQ(folder.names(), Names{"file"});
}

TEST(Replacement, LongNames) {
  const TempFolder folder;
  for (const std::string &name :
       {std::string(255, 'n'), std::string(121, 'n'), std::string(120, 'n'), std::string("x") + []() {
          std::string text;
          for (int i = 0; i < 100; ++i)
            text += "\xC3\xA9";
          return text;
        }()}) {
    Replacement replacement(default_memory());
    Ref<Sink> sink;
    ASSERT_TRUE(replacement.begin(sink, folder.path(name).c_str(), kAtomic, false).ok()) << error_record().message;
    const std::string temporary = folder.names().front();
    EXPECT_LE(temporary.size(), 143u);
    const size_t stem = temporary.size() - std::string(".").size() - std::string(".tf-XXXXXXXX").size();
    EXPECT_EQ(temporary.substr(1, stem), name.substr(0, stem));
    EXPECT_GE(stem, 119u);
    EXPECT_NE(static_cast<uint8_t>(name[stem]) & 0xC0, 0x80) << "cut within a character";
    ASSERT_TRUE(replacement.commit().ok());
    EXPECT_EQ(folder.names(), Names{name});
    std::filesystem::remove(folder.path(name));
  }
}

TEST(Replacement, RelativePaths) {
  const TempFolder folder;
  const TempFolder elsewhere;
  expect_in_child([&] {
    if (chdir(folder.path().c_str()) != 0) return false;
    Replacement replacement(default_memory());
    Ref<Sink> sink;
    if (!replacement.begin(sink, "a.npy", kAtomic, true).ok()) return false;
    // A change of the current folder does not move the target.
    if (chdir(elsewhere.path().c_str()) != 0) return false;
    Output output(*sink, Settings(), 0);
    return output.write("new", 3).ok() && replacement.commit().ok();
  });
  EXPECT_EQ(folder.read("a.npy"), "new");
  EXPECT_EQ(folder.names(), Names{"a.npy"});
  EXPECT_EQ(elsewhere.names(), Names{});
}

TEST(Replacement, WithoutPermission) {
  const TempFolder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  folder.write("a.npy", "old");
  ASSERT_EQ(chmod(folder.path("a.npy").c_str(), 0666), 0);
  ASSERT_EQ(mkdir(folder.path("closed").c_str(), 0), 0);
  ASSERT_EQ(mkdir(folder.path("open").c_str(), 0777), 0);
  ASSERT_EQ(chmod(folder.path("open").c_str(), 0777), 0);
  folder.write("open/kept.npy", "old");
  ASSERT_EQ(chmod(folder.path("open/kept.npy").c_str(), 0444), 0);
  expect_without_privileges([&] {
    EXPECT_EQ(save(folder.path("b.npy"), "x").code, TF_STATUS_IO);
    expect_error(folder.path("b.npy") + ": could not make a temporary file in the folder '" + folder.path() +
                 "': permission denied");
    EXPECT_EQ(save(folder.path("b.npy"), "x", kInPlace).code, TF_STATUS_IO);
    expect_error(folder.path("b.npy") + ": could not open for writing: permission denied");
    EXPECT_EQ(save(folder.path("closed/c.npy"), "x").code, TF_STATUS_IO);
    // If the file may be written but its folder may not, only a save in place works.
    EXPECT_EQ(save(folder.path("a.npy"), "x").code, TF_STATUS_IO);
    EXPECT_TRUE(save(folder.path("a.npy"), "new", kInPlace).ok());
    // The folder's mode would allow a read-only file to be replaced; the save respects the mode of the file.
    EXPECT_EQ(save(folder.path("open/kept.npy"), "x").code, TF_STATUS_IO);
    expect_error(folder.path("open/kept.npy") + ": could not open for writing: permission denied");
    return true;
  });
  ASSERT_EQ(chmod(folder.path("closed").c_str(), 0700), 0);
  EXPECT_EQ(folder.read("a.npy"), "new");
  EXPECT_EQ(folder.read("open/kept.npy"), "old");
  EXPECT_EQ(folder.names(), (Names{"a.npy", "closed", "open"}));
}

TEST(Replacement, AFolderThatMayNotBeListed) {
  const TempFolder folder;
  const std::string inner = folder.path("inner");
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(mkdir(inner.c_str(), 0), 0);
  ASSERT_EQ(chmod(inner.c_str(), 0333), 0);
  expect_without_privileges([&] {
    EXPECT_TRUE(save(inner + "/a.npy", "new").ok()) << error_record().message;
    // Such a folder cannot be synced either. The save fails before it replaces anything.
    EXPECT_EQ(save(inner + "/a.npy", "newer", true, true).code, TF_STATUS_IO);
    expect_error(inner + "/a.npy: could not open for syncing the folder '" + inner + "': permission denied");
    return true;
  });
  ASSERT_EQ(chmod(inner.c_str(), 0700), 0);
  EXPECT_EQ(folder.read("inner/a.npy"), "new");
}

TEST(Replacement, NoMoreSpace) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", "old");
  const std::string content(1000000, 'n');
  expect_in_child([&] {
    const rlimit limit{150000, 150000};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    EXPECT_EQ(save(path, content).code, TF_STATUS_IO);
    expect_error(path + ": could not write: the file would be larger than allowed (byte 150000)", 150000);
    EXPECT_EQ(save(folder.path("b.npy"), content, kInPlace).code, TF_STATUS_IO);
    expect_error(folder.path("b.npy") + ": could not write: the file would be larger than allowed (byte 150000)",
                 150000);
    return true;
  });
  EXPECT_EQ(folder.read("a.npy"), "old");
  EXPECT_EQ(folder.read("b.npy"), std::string(150000, 'n')) << "a save in place that fails leaves what was written";
  EXPECT_EQ(folder.names(), (Names{"a.npy", "b.npy"}));
}

TEST(Replacement, NoMoreSpaceForTheLastBytes) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", "old");
  expect_in_child([&] {
    const rlimit limit{10, 10};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    // So few bytes are buffered and written only by commit().
    EXPECT_EQ(save(path, "0123456789abc").code, TF_STATUS_IO);
    expect_error(path + ": could not write: the file would be larger than allowed (byte 10)", 10);
    return true;
  });
  EXPECT_EQ(folder.read("a.npy"), "old");
  EXPECT_EQ(folder.names(), Names{"a.npy"});
}

TEST(WriteFile, SaysWhyAndWhere) {
  const File full{open("/dev/full", O_WRONLY | O_CLOEXEC)};
  ASSERT_GE(full.descriptor, 0);
  EXPECT_EQ(write_file(full, "x.npy", 4096, "abc", 3).code, TF_STATUS_IO);
  expect_error("x.npy: could not write: no space left on the device (byte 4096)", 4096);
  close_file(full);
  EXPECT_EQ(finish_file(full, "x.npy").code, TF_STATUS_IO);
  expect_error("x.npy: could not finish: error 9");
}

TEST(Replacement, Patches) {
  for (const bool atomic : {true, false}) {
    const TempFolder folder;
    const std::string path = folder.path("a.npy");
    Replacement replacement(default_memory());
    Ref<Sink> sink;
    ASSERT_TRUE(replacement.begin(sink, path.c_str(), atomic, false).ok());
    Output output(*sink, Settings(), 0);
    ASSERT_TRUE(output.can_patch());
    std::string expected;
    for (int i = 0; i < 40000; ++i) {
      const std::string piece = std::to_string(i) + ",";
      ASSERT_TRUE(output.write(piece.data(), piece.size()).ok());
      expected += piece;
      if (i % 10000 != 9999) continue;
      // Patches bytes in the file, bytes across the end of the file, and the last bytes in memory.
      for (const size_t at : {size_t{3}, size_t{65534}, expected.size() - 4}) {
        if (at + 4 > expected.size()) continue;
        ASSERT_TRUE(output.patch(at, "####", 4).ok());
        expected.replace(at, 4, "####");
      }
    }
    EXPECT_EQ(output.patch(expected.size() - 3, "####", 4).code, TF_STATUS_INTERNAL);
    ASSERT_TRUE(replacement.commit().ok());
    EXPECT_EQ(folder.read("a.npy"), expected);
  }
}

TEST(Replacement, PiecesOfAllSizes) {
  const TempFolder folder;
  Replacement replacement(default_memory());
  Ref<Sink> sink;
  ASSERT_TRUE(replacement.begin(sink, folder.path("a.npy").c_str(), kAtomic, false).ok());
  Output output(*sink, Settings(), 0);
  std::string expected;
  char letter = 'a';
  for (const size_t size :
       std::initializer_list<size_t>{1, 65535, 65536, 1, 65534, 2, 65537, 200000, 3, 65533, 131072, 0, 7}) {
    const std::string piece(size, letter++);
    ASSERT_TRUE(output.write(piece.data(), piece.size()).ok());
    expected += piece;
    EXPECT_EQ(output.position(), expected.size());
  }
  ASSERT_TRUE(replacement.commit().ok());
  EXPECT_EQ(folder.read("a.npy"), expected);
}

TEST(Replacement, OfTwoWritersTheLastWins) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", "old");
  Replacement first(default_memory());
  Replacement second(default_memory());
  Ref<Sink> sinks[2];
  ASSERT_TRUE(first.begin(sinks[0], path.c_str(), kAtomic, false).ok());
  ASSERT_TRUE(second.begin(sinks[1], path.c_str(), kAtomic, false).ok());
  EXPECT_EQ(folder.names().size(), 3u);
  Output one(*sinks[0], Settings(), 0);
  Output two(*sinks[1], Settings(), 0);
  ASSERT_TRUE(one.write("first", 5).ok());
  ASSERT_TRUE(two.write("second", 6).ok());
  ASSERT_TRUE(second.commit().ok());
  EXPECT_EQ(folder.read("a.npy"), "second");
  ASSERT_TRUE(first.commit().ok());
  EXPECT_EQ(folder.read("a.npy"), "first");
  EXPECT_EQ(folder.names(), Names{"a.npy"});
}

TEST(Replacement, ReadersNeverSeeAPart) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", big('a'));
  std::atomic<int> left{4};
  std::vector<std::thread> writers;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    writers.emplace_back([&, letter] {
      for (int i = 0; i < 25; ++i)
        EXPECT_TRUE(save(path, big(letter)).ok()) << error_record().message;
      --left;
    });
  }
  do {
    const std::string content = folder.read("a.npy");
    ASSERT_EQ(content.size(), big('a').size());
    ASSERT_EQ(content.find_first_not_of(content[0]), std::string::npos);
  } while (left > 0);
  for (std::thread &writer : writers)
    writer.join();
  EXPECT_EQ(folder.names(), Names{"a.npy"});
}

TEST(Replacement, FileIsClosedOnExec) {
  const TempFolder folder;
  const size_t before = open_descriptors();
  Replacement replacement(default_memory());
  Ref<Sink> sink;
  ASSERT_TRUE(replacement.begin(sink, folder.path("a.npy").c_str(), kAtomic, false).ok());
  EXPECT_EQ(open_descriptors(), before + 2) << "folder and file";
  size_t inherited = 0;
  for (int descriptor = 3; descriptor < 1024; ++descriptor) {
    char target[4096] = {};
    if (readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), target, sizeof(target) - 1) < 0) continue;
    if (!std::string(target).starts_with(folder.path())) continue;
    inherited += (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0 ? 1 : 0;
  }
  EXPECT_EQ(inherited, 0u);
}

TEST(Replacement, EveryFailedAllocationIsClean) {
  const TempFolder folder;
  const std::string path = folder.write("a.npy", "old");
  ASSERT_EQ(symlink("a.npy", folder.path("link").c_str()), 0);
  const size_t before = open_descriptors();
  testing::fail_each_allocation([&](testing::TestMemory &memory) {
    EXPECT_EQ(folder.read("a.npy"), "old");
    EXPECT_EQ(folder.names(), (Names{"a.npy", "link"}));
    return save(folder.path("link"), "new", kAtomic, true, *memory);
  });
  EXPECT_EQ(folder.read("a.npy"), "new");
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace tfile
