// Tests the user's own workers (tf_options_set_executor): with them, the library creates no threads.
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/options.h"
#include "base/threads.h"
#include "support/expect_error.h"
#include "support/handles.h"
#include "support/temp_folder.h"

namespace {
std::atomic<int> threads_made{0};
}  // namespace

// The linker (--wrap) replaces every call of pthread_create in this program by this function, but not those in the C++
// library.
extern "C" int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                                     void *argument);
extern "C" int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                                     void *argument) {
  ++threads_made;
  return __real_pthread_create(thread, attributes, run, argument);
}

namespace tfile {
namespace {

using testing::Handle;
using testing::made;
using testing::random_array;
using testing::same;

// A program with its own worker threads.
struct Host {
  size_t width = 3;
  tf_status answer = TF_STATUS_OK;
  bool runs = true;
  int calls = 0;
  int releases = 0;
  size_t largest = 0;
  std::mutex mutex;
  std::set<std::thread::id> threads;

  static tf_status execute(void *user, tf_job_fn run, void *jobs, size_t count) {
    auto &self = *static_cast<Host *>(user);
    ++self.calls;
    self.largest = std::max(self.largest, count);
    if (!self.runs) return self.answer;
    std::vector<std::thread> workers;
    for (size_t i = 0; i < count; ++i) {
      workers.emplace_back([&self, run, jobs, i] {
        {
          const std::lock_guard<std::mutex> lock(self.mutex);
          self.threads.insert(std::this_thread::get_id());
        }
        run(jobs, i);
      });
    }
    for (std::thread &worker : workers)
      worker.join();
    return self.answer;
  }
  static void release(void *user) { ++static_cast<Host *>(user)->releases; }
};

Handle<tf_options> options_on(Host &host) {
  auto options = testing::options_with({});
  EXPECT_EQ(tf_options_set_executor(options.get(), Host::execute, host.width, Host::release, &host), TF_STATUS_OK);
  return options;
}

// The array is so large that several threads load and cast it.
constexpr int64_t kLarge = int64_t{12} << 20;

class Executor : public ::testing::Test {
 protected:
  void SetUp() override {
    array_ = random_array(TF_DTYPE_INT32, {kLarge});
    ASSERT_EQ(tf_save(folder_.path("large.npy").c_str(), array_.get(), nullptr), TF_STATUS_OK) << tf_error_message();
  }
  tf_status load(const tf_options *options) {
    tf_array *raw = nullptr;
    const tf_status status = tf_load(&raw, nullptr, nullptr, folder_.path("large.npy").c_str(), options);
    loaded_.reset(raw);
    return status;
  }

  TempFolder folder_;
  Handle<tf_array> array_;
  Handle<tf_array> loaded_;
};

TEST_F(Executor, LoadsOnTheUsersWorkers) {
  Host host;
  {
    const auto options = options_on(host);
    const int before = threads_made;
    ASSERT_EQ(load(options.get()), TF_STATUS_OK) << tf_error_message();
    EXPECT_EQ(threads_made, before);
    EXPECT_TRUE(same(array_.get(), loaded_.get()));
    EXPECT_EQ(host.calls, 1);
    EXPECT_EQ(host.largest, 3u);
    EXPECT_EQ(host.threads.count(std::this_thread::get_id()), 0u);
  }
  EXPECT_EQ(host.releases, 1);
}

TEST_F(Executor, CastsOnTheUsersWorkers) {
  Host host;
  const auto options = options_on(host);
  const int before = threads_made;
  const auto doubles =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, array_.get(), TF_DTYPE_FLOAT64, options.get()); });
  EXPECT_EQ(threads_made, before);
  EXPECT_GE(host.calls, 1);
  const auto alone = testing::options_with({{TF_OPTION_THREADS, 1}});
  const auto expected =
      made<tf_array>([&](tf_array **out) { return tf_array_cast(out, array_.get(), TF_DTYPE_FLOAT64, alone.get()); });
  EXPECT_TRUE(same(doubles.get(), expected.get()));
}

TEST_F(Executor, OneThreadMakesNoneAndUsesNone) {
  Host host;
  const auto options = options_on(host);
  ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_THREADS, 1), TF_STATUS_OK);
  const int before = threads_made;
  ASSERT_EQ(load(options.get()), TF_STATUS_OK);
  EXPECT_EQ(host.calls, 0);
  const auto alone = testing::options_with({{TF_OPTION_THREADS, 1}});
  ASSERT_EQ(load(alone.get()), TF_STATUS_OK);
  EXPECT_EQ(threads_made, before);
  // Shows that the counter works: without an executor, three threads means two new ones.
  const auto several = testing::options_with({{TF_OPTION_THREADS, 3}});
  ASSERT_EQ(load(several.get()), TF_STATUS_OK);
  EXPECT_EQ(threads_made, before + 2);
}

TEST_F(Executor, SavesAndLoadsEveryFormatWithoutAThread) {
  Host host;
  const auto options = options_on(host);
  const auto arrays = testing::dict_of({{"a", array_.get()}, {"b", array_.get()}});
  const int before = threads_made;
  for (const tf_format format : {TF_FORMAT_NPZ, TF_FORMAT_SAFETENSORS, TF_FORMAT_GGUF}) {
    const auto buffer = made<tf_buffer>(
        [&](tf_buffer **out) { return tf_save_memory(out, format, nullptr, arrays.get(), nullptr, options.get()); });
    const auto loaded = made<tf_dict>([&](tf_dict **out) {
      return tf_load_memory(nullptr, out, nullptr, tf_buffer_data(buffer.get()), tf_buffer_size(buffer.get()), format,
                            options.get());
    });
    EXPECT_TRUE(same(testing::array_of(loaded.get(), "b").get(), array_.get()));
  }
  EXPECT_EQ(threads_made, before);
}

TEST_F(Executor, IsNoWiderThanTheThreadsAskedFor) {
  Host host;
  host.width = 16;
  const auto options = options_on(host);
  ASSERT_EQ(tf_options_set(options.get(), TF_OPTION_THREADS, 2), TF_STATUS_OK);
  ASSERT_EQ(load(options.get()), TF_STATUS_OK);
  EXPECT_EQ(host.largest, 2u);
}

TEST_F(Executor, LastsAsLongAsTheFileOpenedWithIt) {
  Host host;
  auto options = options_on(host);
  auto file =
      made<tf_file>([&](tf_file **out) { return tf_file_open(out, folder_.path("large.npy").c_str(), options.get()); });
  ASSERT_EQ(tf_options_set_executor(options.get(), nullptr, 0, nullptr, nullptr), TF_STATUS_OK);
  options.reset();
  EXPECT_EQ(host.releases, 0);
  const int before = threads_made;
  loaded_ = made<tf_array>([&](tf_array **out) { return tf_file_read(out, file.get(), 0); });
  EXPECT_EQ(host.calls, 1);
  EXPECT_EQ(threads_made, before);
  file.reset();
  EXPECT_EQ(host.releases, 1);
}

TEST_F(Executor, AFailureEndsTheCall) {
  Host host;
  const auto options = options_on(host);
  for (const tf_status answer : {tf_status{TF_STATUS_CANCELLED}, 4711}) {
    host.answer = answer;
    EXPECT_EQ(load(options.get()), answer);
    expect_error("the executor returned " + std::string(status_name(answer)) + " for 3 jobs");
  }
  host.answer = TF_STATUS_OK;
  host.runs = false;
  EXPECT_EQ(load(options.get()), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the executor returned before it had run its jobs");
  EXPECT_FALSE(loaded_);
}

struct ProgressLog {
  std::thread::id thread = std::this_thread::get_id();
  uint64_t stop = UINT64_MAX;
  std::vector<uint64_t> done;
  int elsewhere = 0;

  static tf_status report(void *user, uint64_t done, uint64_t /*total*/) {
    auto &self = *static_cast<ProgressLog *>(user);
    self.done.push_back(done);
    if (std::this_thread::get_id() != self.thread) ++self.elsewhere;
    return done < self.stop ? TF_STATUS_OK : TF_STATUS_CANCELLED;
  }
};

TEST_F(Executor, ProgressIsReportedBetweenItsJobsAndCancels) {
  Host host;
  host.width = 2;
  const auto options = options_on(host);
  ProgressLog log;
  ASSERT_EQ(tf_options_set_progress(options.get(), ProgressLog::report, nullptr, &log), TF_STATUS_OK);
  ASSERT_EQ(load(options.get()), TF_STATUS_OK);
  EXPECT_GT(log.done.size(), 1u);
  EXPECT_TRUE(std::is_sorted(log.done.begin(), log.done.end()));
  EXPECT_EQ(log.done.back(), static_cast<uint64_t>(kLarge) * 4);
  EXPECT_EQ(log.elsewhere, 0);
  log.stop = 1;
  const int before = host.calls;
  EXPECT_EQ(load(options.get()), TF_STATUS_CANCELLED);
  EXPECT_EQ(host.calls, before + 1);
}

TEST(ExecutorAbi, RefusesAWidthOfZero) {
  Host host;
  const auto options = testing::options_with({});
  EXPECT_EQ(tf_options_set_executor(options.get(), Host::execute, 0, Host::release, &host), TF_STATUS_INVALID_ARGUMENT);
  expect_error("the width of an executor is 1 or more, not 0");
  EXPECT_EQ(host.releases, 1);
  EXPECT_EQ(tf_options_set_executor(nullptr, Host::execute, 1, Host::release, &host), TF_STATUS_INVALID_ARGUMENT);
  expect_error("options is NULL");
  EXPECT_EQ(host.releases, 2);
  EXPECT_EQ(tf_options_set_executor(options.get(), nullptr, 0, Host::release, &host), TF_STATUS_OK);
  EXPECT_EQ(host.releases, 3);
  ASSERT_EQ(tf_options_set_executor(options.get(), Host::execute, 2, Host::release, &host), TF_STATUS_OK);
  EXPECT_EQ(host.releases, 3);
  ASSERT_EQ(tf_options_set_executor(options.get(), Host::execute, 2, Host::release, &host), TF_STATUS_OK);
  EXPECT_EQ(host.releases, 4);
}

struct Jobs {
  std::vector<std::atomic<int>> runs;
  size_t failing = SIZE_MAX;
  explicit Jobs(size_t count) : runs(count) {}
};

Status run_job(void *context, size_t i) {
  auto &jobs = *static_cast<Jobs *>(context);
  ++jobs.runs[i];
  // The jobs after the failing one take longer, so that the failure is seen before the last job, also on a busy
  // machine.
  if (i > jobs.failing) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (i != jobs.failing) return kOk;
  return Failure(TF_STATUS_CORRUPT).array("w").at(99) << "job " << static_cast<uint64_t>(i);
}

TEST(ExecutorJobs, RunEachOnceInRoundsOrAtOnce) {
  for (const bool notified : {false, true}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{5}, size_t{100}}) {
      Host host;
      const tfile::Executor executor{{}, {}, Host::execute, 3, nullptr, &host};
      Jobs jobs(count);
      const Notify notify = [](void *) -> Status { return kOk; };
      ASSERT_TRUE(parallel_for(count, Workers{3, &executor}, run_job, &jobs, notified ? notify : nullptr).ok());
      for (const std::atomic<int> &runs : jobs.runs)
        EXPECT_EQ(runs, 1);
      EXPECT_LE(host.largest, 3u);
      EXPECT_EQ(host.calls > 1, notified && count > 6) << count;
    }
  }
}

TEST(ExecutorJobs, AWorkersErrorIsReportedToTheCaller) {
  Host host;
  const tfile::Executor executor{{}, {}, Host::execute, 3, nullptr, &host};
  Jobs jobs(1000);
  jobs.failing = 300;
  // The status of the failed job must not be replaced by the one that the executor returns afterwards.
  host.answer = TF_STATUS_CANCELLED;
  EXPECT_EQ(parallel_for(1000, Workers{3, &executor}, run_job, &jobs).code, TF_STATUS_CORRUPT);
  expect_error("array 'w': job 300 (byte 99)", 99, "w");
  EXPECT_EQ(jobs.runs[300], 1);
  EXPECT_EQ(jobs.runs[999], 0);
}

}  // namespace
}  // namespace tfile
