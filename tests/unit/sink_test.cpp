#include "io/sink.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "support/foreign.h"
#include "support/memory.h"

namespace tfile {
namespace {

// The calls of a progress callback.
struct ProgressLog {
  std::vector<std::pair<uint64_t, uint64_t>> calls;
  uint64_t stop_at = UINT64_MAX;

  static tf_status report(void *user, uint64_t done, uint64_t total) {
    auto &self = *static_cast<ProgressLog *>(user);
    self.calls.emplace_back(done, total);
    return done >= self.stop_at ? TF_STATUS_CANCELLED : TF_STATUS_OK;
  }
  Settings settings() {
    ProgressCallback *callback = nullptr;
    EXPECT_TRUE(make(&callback, default_memory()).ok());
    callback->memory = Ref<Memory>::share(&default_memory());
    callback->report = report;
    callback->user = this;
    Settings result;
    result.set_progress(Ref<ProgressCallback>::adopt(callback));
    return result;
  }
};

Ref<Sink> foreign_sink(ForeignSink &user) {
  tf_sink *sink = nullptr;
  EXPECT_EQ(tf_sink_new(&sink, ForeignSink::write, ForeignSink::release, &user), TF_STATUS_OK);
  return Ref<Sink>::adopt(sink);
}

std::string text_of(const Ref<Buffer> &buffer) {
  return std::string(static_cast<const char *>(tf_buffer_data(buffer.get())), tf_buffer_size(buffer.get()));
}

TEST(MemorySink, ReturnsWhatWasWritten) {
  testing::TestMemory allocator;
  Ref<Buffer> buffer;
  {
    MemorySink memory(*allocator);
    Ref<Sink> sink;
    ASSERT_TRUE(memory.open(sink).ok());
    Output output(*sink, Settings(), 0);
    ASSERT_TRUE(output.can_patch());
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
      const std::string piece = std::to_string(i) + ",";
      ASSERT_TRUE(output.write(piece.data(), piece.size()).ok());
      expected += piece;
    }
    ASSERT_TRUE(output.patch(100, "PATCH", 5).ok());
    expected.replace(100, 5, "PATCH");
    EXPECT_EQ(output.position(), expected.size());
    const int64_t before = allocator.bytes();
    ASSERT_TRUE(memory.finish(buffer).ok());
    EXPECT_LE(allocator.bytes(), before + static_cast<int64_t>(sizeof(Buffer))) << "the bytes were copied";
    EXPECT_EQ(text_of(buffer), expected);
  }
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data) % kDataAlignment, 0u);
  EXPECT_TRUE(buffer->writable);
}

TEST(MemorySink, GrowsInFewSteps) {
  testing::TestMemory allocator;
  MemorySink memory(*allocator);
  Ref<Sink> sink;
  ASSERT_TRUE(memory.open(sink).ok());
  Output output(*sink, Settings(), 0);
  for (int i = 0; i < 100000; ++i)
    ASSERT_TRUE(output.write("0123456789", 10).ok());
  EXPECT_LT(allocator.allocations(), 30);
}

TEST(MemorySink, AllocatesTheExpectedSizeAtOnce) {
  testing::TestMemory allocator;
  MemorySink memory(*allocator);
  Ref<Sink> sink;
  ASSERT_TRUE(memory.open(sink, 1000000).ok());
  const int64_t calls = allocator.allocations();
  Output output(*sink, Settings(), 0);
  for (int i = 0; i < 100000; ++i)
    ASSERT_TRUE(output.write("0123456789", 10).ok());
  EXPECT_EQ(allocator.allocations(), calls);
  Ref<Buffer> buffer;
  ASSERT_TRUE(memory.finish(buffer).ok());
  EXPECT_EQ(buffer->size, 1000000u);
}

TEST(MemorySink, EmptyBufferHasAPointer) {
  MemorySink memory(default_memory());
  Ref<Sink> sink;
  ASSERT_TRUE(memory.open(sink).ok());
  Ref<Buffer> buffer;
  ASSERT_TRUE(memory.finish(buffer).ok());
  EXPECT_NE(tf_buffer_data(buffer.get()), nullptr);
  EXPECT_EQ(tf_buffer_size(buffer.get()), 0u);
}

TEST(MemorySink, EveryFailedAllocationIsClean) {
  testing::fail_each_allocation([](testing::TestMemory &from) {
    MemorySink memory(*from);
    Ref<Sink> sink;
    TFILE_TRY(memory.open(sink));
    Output output(*sink, Settings(), 0);
    TFILE_TRY(output.write("abc", 3));
    TFILE_TRY(output.write_zeros(100000));
    Ref<Buffer> buffer;
    return memory.finish(buffer);
  });
}

TEST(MemorySink, ObeysABudget) {
  Ref<Memory> budget;
  ASSERT_TRUE(make_budget(budget, default_memory(), 100000).ok());
  MemorySink memory(*budget);
  Ref<Sink> sink;
  ASSERT_TRUE(memory.open(sink).ok());
  Output output(*sink, Settings(), 0);
  EXPECT_EQ(output.write_zeros(200000).code, TF_STATUS_LIMIT);
}

TEST(Output, PadsWithZeros) {
  ForeignSink user;
  const Ref<Sink> sink = foreign_sink(user);
  Output output(*sink, Settings(), 0);
  ASSERT_TRUE(output.pad_to(64).ok());
  EXPECT_EQ(output.position(), 0u);
  ASSERT_TRUE(output.write("abc", 3).ok());
  ASSERT_TRUE(output.pad_to(8).ok());
  ASSERT_TRUE(output.pad_to(8).ok());
  ASSERT_TRUE(output.pad_to(1).ok());
  ASSERT_TRUE(output.flush().ok());
  EXPECT_EQ(user.bytes, std::string("abc\0\0\0\0\0", 8));
  ASSERT_TRUE(output.pad_to(1 << 20).ok());
  EXPECT_EQ(output.position(), uint64_t{1} << 20);
  ASSERT_TRUE(output.flush().ok());
  ASSERT_EQ(user.bytes.size(), size_t{1} << 20);
  EXPECT_EQ(user.bytes.find_first_not_of('\0', 3), std::string::npos);
  ASSERT_TRUE(output.write(nullptr, 0).ok());
  ASSERT_TRUE(output.write_zeros(0).ok());
  EXPECT_EQ(output.position(), uint64_t{1} << 20);
}

TEST(Output, ReportsDataInPieces) {
  ForeignSink user;
  const Ref<Sink> sink = foreign_sink(user);
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  const std::string data(40 * kMiB, 'd');
  ProgressLog log;
  const Settings settings = log.settings();
  Output output(*sink, settings, data.size());
  ASSERT_TRUE(output.write("header", 6).ok());
  EXPECT_TRUE(log.calls.empty()) << "a header is no array data";
  ASSERT_TRUE(output.write_data(data.data(), data.size()).ok());
  const std::vector<std::pair<uint64_t, uint64_t>> expected = {
      {16 * kMiB, 40 * kMiB}, {32 * kMiB, 40 * kMiB}, {40 * kMiB, 40 * kMiB}};
  EXPECT_EQ(log.calls, expected);
  EXPECT_EQ(user.largest, 16 * kMiB);
  EXPECT_EQ(user.bytes, "header" + data);
}

TEST(Output, IsCancelledBetweenPieces) {
  ForeignSink user;
  const Ref<Sink> sink = foreign_sink(user);
  const std::string data(size_t{40} << 20, 'd');
  ProgressLog log;
  log.stop_at = 1;
  const Settings settings = log.settings();
  Output output(*sink, settings, data.size());
  EXPECT_EQ(output.write_data(data.data(), data.size()).code, TF_STATUS_CANCELLED);
  EXPECT_EQ(user.bytes.size(), size_t{16} << 20);
}

TEST(CallbackSink, PassesStatusesThrough) {
  for (const tf_status status : {tf_status{TF_STATUS_IO}, tf_status{TF_STATUS_CANCELLED}, -7, 12345}) {
    ForeignSink user;
    user.most = 10;
    user.answer = status;
    const Ref<Sink> sink = foreign_sink(user);
    Output output(*sink, Settings(), 0);
    ASSERT_TRUE(output.write("01234567", 8).ok());
    ASSERT_TRUE(output.flush().ok());
    ASSERT_TRUE(output.write("89abc", 5).ok());
    EXPECT_EQ(output.flush().code, status);
    EXPECT_EQ(std::string(error_record().message),
              "the sink's write returned " + std::string(status_name(status)) + " for 5 bytes (byte 8)");
    EXPECT_EQ(error_record().offset, 8u);
    EXPECT_STREQ(error_record().name, "");
    EXPECT_EQ(output.position(), 13u);
    EXPECT_FALSE(output.can_patch());
    EXPECT_EQ(output.patch(0, "x", 1).code, TF_STATUS_INTERNAL);
  }
}

TEST(CallbackSink, IsReleasedOnce) {
  ForeignSink user;
  tf_sink *sink = nullptr;
  ASSERT_EQ(tf_sink_new(&sink, ForeignSink::write, ForeignSink::release, &user), TF_STATUS_OK);
  EXPECT_EQ(tf_sink_retain(sink), sink);
  tf_sink_release(sink);
  EXPECT_EQ(user.releases, 0);
  tf_sink_release(sink);
  EXPECT_EQ(user.releases, 1);
  EXPECT_EQ(tf_sink_new(nullptr, ForeignSink::write, ForeignSink::release, &user), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(error_record().message, "out is NULL");
  EXPECT_EQ(user.releases, 2);
  EXPECT_EQ(tf_sink_new(&sink, nullptr, ForeignSink::release, &user), TF_STATUS_INVALID_ARGUMENT);
  EXPECT_STREQ(error_record().message, "write is NULL");
  EXPECT_EQ(sink, nullptr);
  EXPECT_EQ(user.releases, 3);
  EXPECT_EQ(tf_sink_retain(nullptr), nullptr);
  tf_sink_release(nullptr);
}

TEST(CallbackSink, EveryFailureReleasesOnce) {
  testing::fail_each_allocation([](testing::TestMemory &memory) {
    ForeignSink user;
    Status status;
    {
      Ref<Sink> sink;
      status = sink_from_callback(sink, *memory, ForeignSink::write, ForeignSink::release, &user);
    }
    EXPECT_EQ(user.releases, 1);
    return status;
  });
}

TEST(BufferAbi, NullHandles) {
  EXPECT_EQ(tf_buffer_data(nullptr), nullptr);
  EXPECT_STREQ(error_record().message, "buffer is NULL");
  EXPECT_EQ(tf_buffer_size(nullptr), 0u);
  EXPECT_EQ(tf_buffer_retain(nullptr), nullptr);
  tf_buffer_release(nullptr);
}

TEST(BufferAbi, SharesByCount) {
  testing::TestMemory allocator;
  Ref<Buffer> made;
  ASSERT_TRUE(make_buffer(made, *allocator, 5).ok());
  tf_buffer *buffer = made.take();
  EXPECT_EQ(tf_buffer_retain(buffer), buffer);
  tf_buffer_release(buffer);
  EXPECT_EQ(tf_buffer_size(buffer), 5u);
  tf_buffer_release(buffer);
  EXPECT_EQ(allocator.bytes(), 0);
}

}  // namespace
}  // namespace tfile
