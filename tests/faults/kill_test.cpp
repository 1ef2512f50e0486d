// Processes that are killed while they save: a file is the old one or the new one, byte for byte, and a set is never a
// mixture. sets_test.cpp kills at each system call; here the moments are random.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "support/handles.h"
#include "support/sets.h"
#include "support/temp_folder.h"

namespace tfile::faults {
namespace {

using testing::dict_of;
using testing::Handle;
using testing::options_with;
using testing::random_array;

int kills() {
  return std::getenv("TENSORFILE_TEST_LONG") != nullptr ? 10000 : 500;
}

struct Saver {
  Handle<tf_array> arrays[2] = {random_array(TF_DTYPE_FLOAT32, {40000}, 1), random_array(TF_DTYPE_INT16, {30, 70}, 2)};
  Handle<tf_dict> dicts[2] = {dict_of({{"a", arrays[0].get()}}), dict_of({{"b", arrays[1].get()}})};

  tf_status save(const std::string &path, tf_format format, int which, const tf_options *options) const {
    switch (format) {
      case TF_FORMAT_NPY:
        return tf_save(path.c_str(), arrays[which].get(), options);
      case TF_FORMAT_NPZ:
        return tf_savez_compressed(path.c_str(), nullptr, 0, dicts[which].get(), options);
      case TF_FORMAT_GGUF:
        return tf_save_gguf(path.c_str(), dicts[which].get(), nullptr, options);
      default:
        return tf_save_safetensors(path.c_str(), dicts[which].get(), nullptr, options);
    }
  }
  [[noreturn]] void save_for_ever(const std::string &path, tf_format format, int first,
                                  const tf_options *options) const {
    for (int i = first;; ++i) {
      if (save(path, format, i % 2, options) != TF_STATUS_OK) _exit(1);
    }
  }
};

void kill_many(tf_format format, int count, bool durable) {
  const TempFolder folder;
  const Saver saver;
  const auto options = options_with({{TF_OPTION_EXACT_PATH, 1}, {TF_OPTION_THREADS, 1}, {TF_OPTION_DURABLE, durable}});
  std::array<std::string, 2> wanted;
  const auto start = std::chrono::steady_clock::now();
  for (int which = 0; which < 2; ++which) {
    ASSERT_EQ(saver.save(folder.path("wanted"), format, which, options.get()), TF_STATUS_OK) << tf_error_message();
    wanted[static_cast<size_t>(which)] = folder.read("wanted");
  }
  ASSERT_EQ(saver.save(folder.path("target"), format, 0, options.get()), TF_STATUS_OK);
  // Processes are killed at random moments within the time that a few saves take on this machine.
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  const auto most = 2000 + 2 * static_cast<unsigned long>(std::min<long long>(took.count(), 20000));
  std::mt19937 random(1);
  bool first = true;
  std::array<int, 2> seen{};
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) saver.save_for_ever(folder.path("target"), format, first ? 1 : 0, options.get());
    usleep(static_cast<useconds_t>(random() % most));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the save itself failed";
    const std::string found = folder.read("target");
    first = found == wanted[0];
    ASSERT_TRUE(first || found == wanted[1]) << "kill " << i << " left " << found.size() << " other bytes";
    ++seen[first ? 0 : 1];
    // A killed process cannot remove its temporary file.
    for (const std::string &name : folder.names()) {
      if (name.rfind(".target.tf-", 0) == 0) std::filesystem::remove(folder.path(name));
    }
    ASSERT_EQ(folder.names().size(), 2u);
  }
  // Both files have been seen, so kills came before and after replacements.
  EXPECT_GT(seen[0], 0);
  EXPECT_GT(seen[1], 0);
}

TEST(Killed, SavesLeaveTheOldFileOrTheNew) {
  const int each = kills() / 5;
  kill_many(TF_FORMAT_NPY, each, false);
  kill_many(TF_FORMAT_NPY, each, true);
  kill_many(TF_FORMAT_NPZ, each, false);
  kill_many(TF_FORMAT_SAFETENSORS, each, false);
  kill_many(TF_FORMAT_GGUF, each, false);
  std::printf("%d kills\n", 5 * each);
}

// Saves sets of three and of four files alternately, so that parts of one replace those of the other or are removed.
void kill_saves_of_sets(tf_format format, int count, bool durable) {
  const TempFolder folder;
  const std::string path = folder.path("target");
  const auto options =
      options_with({{TF_OPTION_PART_BYTES, 50}, {TF_OPTION_THREADS, 1}, {TF_OPTION_DURABLE, durable ? 1 : 0}});
  const auto save = [&](int i) {
    return testing::save_weights_of(path, format, static_cast<float>(i), options.get(), i % 5 < 3 ? 3 : 4);
  };
  ASSERT_EQ(save(0), TF_STATUS_OK) << tf_error_message();
  std::mt19937 random(2);
  int loaded = 0;
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int k = i;; ++k) {
        if (save(k) != TF_STATUS_OK) _exit(1);
      }
    }
    usleep(static_cast<useconds_t>(random() % 10000));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the save itself failed";
    loaded += testing::expect_no_mixture(folder, "target", format) ? 1 : 0;
    ASSERT_FALSE(::testing::Test::HasFailure()) << "kill " << i;
    for (const std::string &name : folder.names()) {
      if (name[0] == '.') std::filesystem::remove(folder.path(name));
    }
  }
  EXPECT_GT(loaded, 0);
}

TEST(Killed, SavesOfSetsLeaveNoMixture) {
  for (const tf_format format : {TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    kill_saves_of_sets(format, kills() / 5, false);
    kill_saves_of_sets(format, kills() / 25, true);
  }
}

}  // namespace
}  // namespace tfile::faults
