// Uses handles from many threads at once. It also runs under ThreadSanitizer.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>

#include "support/handles.h"
#include "support/temp_folder.h"

namespace {

using namespace tfile::testing;
using tfile::TempFolder;

constexpr int kThreads = 8;
constexpr int kRounds = 40;

// Runs work(0) to work(7) on threads that start at the same moment.
void at_once(const std::function<void(int)> &work) {
  std::atomic<int> waiting{kThreads};
  std::vector<std::thread> threads;
  for (int id = 0; id < kThreads; ++id) {
    threads.emplace_back([&, id] {
      for (--waiting; waiting > 0;)
        std::this_thread::yield();
      work(id);
    });
  }
  for (std::thread &thread : threads)
    thread.join();
}

Handle<tf_dict> some_arrays() {
  const auto a = random_array(TF_DTYPE_FLOAT32, {50, 40}, 1);
  const auto b = random_array(TF_DTYPE_INT16, {300}, 2);
  const auto c = random_array(TF_DTYPE_INT8, {7, 11}, 3);
  return dict_of({{"a", a.get()}, {"b", b.get()}, {"c", c.get()}});
}

// Writes a file of each format that holds several arrays, and both a stored and a deflated .npz.
std::vector<std::string> some_files(const TempFolder &folder, const tf_dict *arrays) {
  std::vector<std::string> paths;
  for (const char *name : {"stored.npz", "packed.npz", "a.safetensors", "a.gguf"})
    paths.push_back(folder.path(name));
  EXPECT_EQ(tf_savez(paths[0].c_str(), nullptr, 0, arrays, nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_savez_compressed(paths[1].c_str(), nullptr, 0, arrays, nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_save_safetensors(paths[2].c_str(), arrays, nullptr, nullptr), TF_STATUS_OK);
  EXPECT_EQ(tf_save_gguf(paths[3].c_str(), arrays, nullptr, nullptr), TF_STATUS_OK);
  return paths;
}

TEST(Threads, ShareOneFile) {
  const TempFolder folder;
  const auto arrays = some_arrays();
  for (const std::string &path : some_files(folder, arrays.get())) {
    for (const int64_t mode : {TF_LOAD_MODE_OWN, TF_LOAD_MODE_MAP}) {
      const auto options = options_with({{TF_OPTION_LOAD_MODE, mode}, {TF_OPTION_THREADS, 2}});
      tf_file *file = nullptr;
      ASSERT_EQ(tf_file_open(&file, path.c_str(), options.get()), TF_STATUS_OK);
      std::atomic<int> wrong{0};
      at_once([&](int id) {
        tf_file *const mine = tf_file_retain(file);
        for (int round = 0; round < kRounds; ++round) {
          const auto index = static_cast<size_t>(id + round) % tf_file_count(mine);
          const char *name = nullptr;
          size_t length = 0;
          tf_array *array = nullptr;
          tf_array *expected = nullptr;
          int32_t equal = 0;
          if (tf_file_name(&name, &length, mine, index) != TF_STATUS_OK) ++wrong;
          if (tf_file_read(&array, mine, index) != TF_STATUS_OK) ++wrong;
          if (tf_dict_get_array(&expected, arrays.get(), name, length) != TF_STATUS_OK) ++wrong;
          if (tf_file_metadata(mine) == nullptr) ++wrong;
          if (tf_array_equal(&equal, array, expected) != TF_STATUS_OK || equal != 1) ++wrong;
          tf_array_release(array);
          tf_array_release(expected);
        }
        tf_file_release(mine);
      });
      EXPECT_EQ(wrong, 0);
      tf_file_release(file);
    }
  }
}

// A slice continues where the previous one ended, even if another thread read that one.
TEST(Threads, SliceOneFile) {
  const TempFolder folder;
  const auto arrays = some_arrays();
  const auto whole = array_of(arrays.get(), "a");
  const auto *const expected = static_cast<const char *>(tf_array_data(whole.get()));
  for (const std::string &path : some_files(folder, arrays.get())) {
    const auto file = made<tf_file>([&](tf_file **out) { return tf_file_open(out, path.c_str(), nullptr); });
    size_t index = 0;
    ASSERT_EQ(tf_file_find(&index, file.get(), "a", SIZE_MAX), TF_STATUS_OK);
    std::atomic<int> wrong{0};
    at_once([&](int id) {
      for (int round = 0; round < kRounds; ++round) {
        const int64_t start[] = {(id + round) % 10 * 5, 0};
        const int64_t stop[] = {start[0] + 5, 40};
        float rows[5 * 40];
        if (tf_file_read_slice_into(file.get(), index, start, stop, nullptr, 2, TF_DTYPE_FLOAT32, rows, sizeof(rows)) !=
                TF_STATUS_OK ||
            memcmp(rows, expected + static_cast<size_t>(start[0]) * 40 * sizeof(float), sizeof(rows)) != 0) {
          ++wrong;
        }
      }
    });
    EXPECT_EQ(wrong, 0);
  }
}

TEST(Threads, ShareArraysAndReleaseThemInAnyOrder) {
  std::atomic<int> released{0};
  std::vector<int32_t> memory(1000, 7);
  const int64_t shape[] = {1000};
  std::atomic<int> wrong{0};
  for (int round = 0; round < kRounds; ++round) {
    tf_array *array = nullptr;
    ASSERT_EQ(tf_array_wrap(
                  &array, TF_DTYPE_INT32, shape, 1, nullptr, memory.data(), memory.size() * 4, 1,
                  [](void *user) { ++*static_cast<std::atomic<int> *>(user); }, &released),
              TF_STATUS_OK);
    std::vector<tf_array *> views(kThreads);
    for (int id = 0; id < kThreads; ++id) {
      const int64_t start[] = {id};
      ASSERT_EQ(tf_array_slice(&views[static_cast<size_t>(id)], array, start, nullptr, nullptr, 1), TF_STATUS_OK);
    }
    tf_array_release(array);
    at_once([&](int id) {
      tf_array *const mine = views[static_cast<size_t>(id)];
      const int64_t index[] = {-1};
      int64_t value = 0;
      tf_array *more = tf_array_retain(mine);
      if (tf_array_item_int64(&value, more, index, 1) != TF_STATUS_OK || value != 7) ++wrong;
      tf_array_release(mine);
      if (tf_array_make_mut(&more) != TF_STATUS_OK) ++wrong;
      tf_array_release(more);
    });
    EXPECT_EQ(released, round + 1);
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, ShareOneDict) {
  const auto dict = some_arrays();
  std::atomic<int> wrong{0};
  at_once([&](int id) {
    for (int round = 0; round < kRounds; ++round) {
      const char *const key = (id + round) % 2 == 0 ? "a" : "missing";
      tf_array *array = nullptr;
      tf_dict *flat = nullptr;
      const tf_status expected = *key == 'a' ? TF_STATUS_OK : TF_STATUS_NOT_FOUND;
      if (tf_dict_get_array(&array, dict.get(), key, SIZE_MAX) != expected) ++wrong;
      if (tf_dict_flatten(&flat, dict.get()) != TF_STATUS_OK || tf_dict_size(flat) != 3) ++wrong;
      tf_array_release(array);
      tf_dict_release(flat);
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, SaveToTheSameAndToDifferentTargets) {
  const TempFolder folder;
  const auto arrays = some_arrays();
  const std::string same = folder.path("same.safetensors");
  ASSERT_EQ(tf_save_safetensors(same.c_str(), arrays.get(), nullptr, nullptr), TF_STATUS_OK);
  const std::string expected = folder.read("same.safetensors");
  std::atomic<int> wrong{0};
  at_once([&](int id) {
    const std::string own = folder.path(std::to_string(id) + ".npz");
    for (int round = 0; round < kRounds; ++round) {
      tf_dict *loaded = nullptr;
      if (tf_savez(own.c_str(), nullptr, 0, arrays.get(), nullptr) != TF_STATUS_OK) ++wrong;
      if (tf_save_safetensors(same.c_str(), arrays.get(), nullptr, nullptr) != TF_STATUS_OK) ++wrong;
      // A load during a replacement must get a whole file, old or new.
      if (tf_load(nullptr, &loaded, nullptr, same.c_str(), nullptr) != TF_STATUS_OK || tf_dict_size(loaded) != 3)
        ++wrong;
      tf_dict_release(loaded);
    }
  });
  EXPECT_EQ(wrong, 0) << tf_error_message();
  EXPECT_EQ(folder.read("same.safetensors"), expected);
  EXPECT_EQ(folder.names().size(), 1u + kThreads) << "a temporary file was left";
}

TEST(Threads, DoNotSeeErrorsOfOtherThreads) {
  const TempFolder folder;
  std::atomic<int> wrong{0};
  at_once([&](int id) {
    if (*tf_error_message() != '\0' || tf_error_offset() != UINT64_MAX) ++wrong;
    const std::string path = folder.path("missing" + std::to_string(id) + ".npy");
    for (int round = 0; round < kRounds; ++round) {
      tf_array *array = nullptr;
      if (tf_load(&array, nullptr, nullptr, path.c_str(), nullptr) != TF_STATUS_NOT_FOUND) ++wrong;
      std::this_thread::yield();
      if (tf_error_message() != path + ": no such file") ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
}

// An error in a worker thread is reported to the thread whose call it works for.
TEST(Threads, ErrorsOfWorkersReachTheCaller) {
  const TempFolder folder;
  const auto arrays = some_arrays();
  ASSERT_EQ(tf_savez(folder.path("a.npz").c_str(), nullptr, 0, arrays.get(), nullptr), TF_STATUS_OK);
  std::string bytes = folder.read("a.npz");
  bytes[200] = static_cast<char>(bytes[200] ^ 1);  // in the data of the first array
  std::atomic<int> wrong{0};
  at_once([&](int id) {
    const std::string name = std::to_string(id) + ".npz";
    folder.write(name, bytes);
    const std::string path = folder.path(name);
    for (int round = 0; round < kRounds; ++round) {
      tf_dict *loaded = nullptr;
      if (tf_load(nullptr, &loaded, nullptr, path.c_str(), nullptr) != TF_STATUS_CORRUPT) ++wrong;
      if (std::string(tf_error_message()).rfind(path + ": ", 0) != 0) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0) << tf_error_message();
}

}  // namespace
