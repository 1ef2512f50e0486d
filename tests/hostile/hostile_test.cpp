// Opens and loads every malicious file: the status must be the expected one, and memory, reads and stack must be small.
#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdlib>
#include <cstring>
#include <set>

#include "hostile/cases.h"
#include "support/aligned.h"
#include "support/handles.h"

namespace tfile::hostile {
namespace {

using tfile::testing::Handle;

// Sanitizers need more stack, because they put guards between variables.
constexpr size_t kStack = size_t{TENSORFILE_SANITIZED ? 256 : 64} << 10;
constexpr size_t kMostMemory = size_t{1} << 20;  // in addition to 4 times the size of the header

// Counts the allocations and the reads of a call.
struct Costs {
  size_t allocated = 0;
  size_t peak = 0;
  size_t allocations = 0;
  size_t reads = 0;
  size_t bytes_read = 0;
  const std::string *bytes = nullptr;

  static void *allocate(void *user, size_t size, size_t alignment) {
    auto &self = *static_cast<Costs *>(user);
    void *pointer = tfile::testing::allocate_aligned(size, alignment);
    if (pointer == nullptr) return nullptr;
    self.allocated += size;
    if (self.allocated > self.peak) self.peak = self.allocated;
    ++self.allocations;
    return pointer;
  }
  static void free_block(void *user, void *pointer, size_t size, size_t) {
    static_cast<Costs *>(user)->allocated -= size;
    tfile::testing::free_aligned(pointer);
  }
  static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
    auto &self = *static_cast<Costs *>(user);
    ++self.reads;
    self.bytes_read += nbytes;
    if (nbytes > self.bytes->size() || offset > self.bytes->size() - nbytes) return TF_STATUS_INTERNAL;
    memcpy(dst, self.bytes->data() + offset, nbytes);
    return TF_STATUS_OK;
  }
};

struct Outcome {
  tf_status open = TF_STATUS_INTERNAL;
  std::string message;
  uint64_t offset = 0;
  tf_status load = TF_STATUS_INTERNAL;
  std::string load_message;
  size_t arrays = 0;
  Costs open_costs;
};

void open(Outcome *out, const Case &file, tf_options *options) {
  Costs &costs = out->open_costs;
  costs.bytes = &file.bytes;
  tf_source *source = nullptr;
  tf_source_new(&source, file.bytes.size(), 0, Costs::read_at, nullptr, nullptr, &costs);
  tf_file *opened = nullptr;
  out->open = tf_file_open_source(&opened, source, file.format, options);
  out->message = tf_error_message();
  out->offset = tf_error_offset();
  out->arrays = opened != nullptr ? tf_file_count(opened) : 0;
  tf_file_release(opened);
  tf_source_release(source);
}

Outcome judge(const Case &file) {
  Outcome outcome;
  tf_options *options = nullptr;
  if (tf_options_new(&options) != TF_STATUS_OK) return outcome;
  tf_options_set_allocator(options, Costs::allocate, Costs::free_block, nullptr, &outcome.open_costs);
  tf_options_set(options, TF_OPTION_THREADS, 1);
  open(&outcome, file, options);
  tf_options_release(options);

  tf_options_new(&options);
  tf_options_set(options, TF_OPTION_THREADS, 1);
  tf_dict *arrays = nullptr;
  outcome.load = tf_load_memory(nullptr, &arrays, nullptr, file.bytes.data(), file.bytes.size(), file.format, options);
  if (outcome.load != TF_STATUS_OK) outcome.load_message = tf_error_message();
  tf_dict_release(arrays);
  tf_options_release(options);
  return outcome;
}

// Runs judge() on a thread with a stack as small as some programs use.
Outcome judge_on_small_stack(const Case &file) {
  struct Job {
    const Case *file;
    Outcome outcome;
  } job{&file, {}};
  pthread_attr_t attributes;
  EXPECT_EQ(pthread_attr_init(&attributes), 0);
  EXPECT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  pthread_t thread;
  const auto run = [](void *raw) -> void * {
    auto &self = *static_cast<Job *>(raw);
    self.outcome = judge(*self.file);
    return nullptr;
  };
  EXPECT_EQ(pthread_create(&thread, &attributes, run, &job), 0);
  EXPECT_EQ(pthread_join(thread, nullptr), 0);
  EXPECT_EQ(pthread_attr_destroy(&attributes), 0);
  return job.outcome;
}

void check(const Case &file) {
  SCOPED_TRACE(file.name);
  const Outcome outcome = judge_on_small_stack(file);
  const Costs &costs = outcome.open_costs;
  if (file.also == TF_STATUS_OK || outcome.open != file.also) {
    EXPECT_STREQ(tf_status_name(outcome.open), tf_status_name(file.open)) << outcome.message;
    EXPECT_STREQ(tf_status_name(outcome.load), tf_status_name(file.load)) << outcome.load_message;
  }
  EXPECT_EQ(costs.allocated, 0u);
  EXPECT_LE(costs.bytes_read, 2 * file.bytes.size() + 8192);
  // Reads may go over a network, so there must be few: a handful, and one for each member of an archive.
  EXPECT_LE(costs.reads, 5 + (file.format == TF_FORMAT_NPZ ? file.bytes.size() / 76 : file.bytes.size() >> 19));
  EXPECT_LE(costs.allocations, 64 + file.bytes.size() / 16);
  if (outcome.open == TF_STATUS_OK) return;
  EXPECT_LE(costs.peak, 4 * file.bytes.size() + kMostMemory);
  EXPECT_EQ(outcome.message, outcome.load_message);
  EXPECT_FALSE(outcome.message.empty());
  EXPECT_EQ(outcome.message.find('\n'), std::string::npos);
  EXPECT_TRUE(outcome.offset == UINT64_MAX || outcome.offset <= file.bytes.size()) << outcome.message;
}

void check_all(const std::vector<Case> &files) {
  std::set<std::string> names;
  for (const Case &file : files) {
    EXPECT_TRUE(names.insert(file.name).second) << file.name << " is not unique";
    check(file);
  }
  EXPECT_GE(files.size(), 150u);
  ::testing::Test::RecordProperty("files", static_cast<int>(files.size()));
}

TEST(Hostile, Npy) {
  check_all(npy_cases());
}
TEST(Hostile, Npz) {
  check_all(npz_cases());
}
TEST(Hostile, Safetensors) {
  check_all(safetensors_cases());
}
TEST(Hostile, Gguf) {
  check_all(gguf_cases());
}

}  // namespace
}  // namespace tfile::hostile
