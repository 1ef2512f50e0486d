// The small parts of src/base: checked arithmetic, text, lines, lists, arenas, memory, threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/checked.h"
#include "base/endian.h"
#include "base/error.h"
#include "base/line.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "support/memory.h"

namespace tfile {
namespace {

using testing::TestMemory;

constexpr uint64_t kMost = INT64_MAX;

TEST(Checked, StaysBelow63Bits) {
  EXPECT_EQ((Checked(3) + 4).value(), 7u);
  EXPECT_EQ((Checked(3) * 4).value(), 12u);
  EXPECT_EQ((Checked(4) - 4).value(), 0u);
  EXPECT_EQ((Checked(kMost - 1) + 1).value(), kMost);
  EXPECT_FALSE((Checked(kMost) + 1).valid());
  EXPECT_FALSE(Checked(kMost + 1).valid());
  EXPECT_FALSE((Checked(uint64_t{1} << 32) * (uint64_t{1} << 31)).valid());
  EXPECT_FALSE((Checked(uint64_t{1} << 32) * (uint64_t{1} << 32)).valid());
  EXPECT_FALSE((Checked(3) - 4).valid());
  EXPECT_FALSE(Checked::from_signed(-1).valid());
  EXPECT_EQ(Checked::from_signed(INT64_MAX).value(), kMost);
}

TEST(Checked, StaysInvalid) {
  const Checked bad = Checked(0) - 1;
  EXPECT_FALSE((bad + 1).valid());
  EXPECT_FALSE((bad * 0).valid());
  EXPECT_FALSE((Checked(5) - bad).valid());
  EXPECT_FALSE(bad.align_up(64).valid());
  EXPECT_FALSE(bad.fits_memory());
  EXPECT_FALSE(Checked::within(bad, 0, 10));
  EXPECT_FALSE(Checked::within(0, 0, bad));
}

TEST(Checked, AlignsAndContains) {
  EXPECT_EQ(Checked(0).align_up(64).value(), 0u);
  EXPECT_EQ(Checked(1).align_up(64).value(), 64u);
  EXPECT_EQ(Checked(64).align_up(64).value(), 64u);
  EXPECT_EQ(Checked(65).align_up(1).value(), 65u);
  EXPECT_FALSE(Checked(kMost).align_up(64).valid());
  EXPECT_TRUE(Checked::within(4, 6, 10));
  EXPECT_FALSE(Checked::within(4, 7, 10));
  EXPECT_TRUE(Checked::within(10, 0, 10));
  EXPECT_FALSE(Checked::within(UINT64_MAX, 2, 10));
}

TEST(Endian, LoadsAndStoresAtAnyAddress) {
  unsigned char bytes[9] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(load_le<uint16_t>(bytes + 1), 0x0201u);
  EXPECT_EQ(load_le<uint32_t>(bytes + 1), 0x04030201u);
  EXPECT_EQ(load_le<uint64_t>(bytes + 1), 0x0807060504030201u);
  EXPECT_EQ(load<uint16_t>(bytes + 1, true), 0x0102u);
  EXPECT_EQ(load<uint64_t>(bytes + 1, true), 0x0102030405060708u);
  store_le<uint32_t>(bytes + 1, 0xA0B0C0D0u);
  EXPECT_EQ(std::string(reinterpret_cast<char *>(bytes), 6), std::string("\0\xD0\xC0\xB0\xA0\x05", 6));
}

TEST(Text, ComparesByBytes) {
  EXPECT_LT(compare(Text("a"), "b"), 0);
  EXPECT_LT(compare(Text("a"), "ab"), 0);
  EXPECT_GT(compare(Text("\xC3\xA9"), "z"), 0);
  EXPECT_EQ(compare(Text(""), ""), 0);
  EXPECT_TRUE(Text("model.gguf").ends_with(".gguf"));
  EXPECT_FALSE(Text("f").ends_with("gguf"));
  EXPECT_TRUE(Text("abc").starts_with("ab"));
  EXPECT_FALSE(Text("a").starts_with("ab"));
  EXPECT_EQ(Text::of("abc", SIZE_MAX).size(), 3u);
  EXPECT_EQ(Text::of("abc", 2), Text("ab"));
  EXPECT_TRUE(Text("abc").from(3).empty());
  EXPECT_TRUE(Text("abc").from(4).empty());
}

// The tables of RFC 3629, section 4.
bool rfc3629(const std::string &s) {
  size_t i = 0;
  const auto in = [&s](size_t at, int low, int high) {
    return at < s.size() && static_cast<unsigned char>(s[at]) >= low && static_cast<unsigned char>(s[at]) <= high;
  };
  while (i < s.size()) {
    const bool tail1 = in(i + 1, 0x80, 0xBF);
    const bool tail2 = in(i + 2, 0x80, 0xBF);
    const bool tail3 = in(i + 3, 0x80, 0xBF);
    if (in(i, 0, 0x7F)) {
      i += 1;
    } else if (in(i, 0xC2, 0xDF) && tail1) {
      i += 2;
    } else if (((in(i, 0xE0, 0xE0) && in(i + 1, 0xA0, 0xBF)) || (in(i, 0xE1, 0xEC) && tail1) ||
                (in(i, 0xED, 0xED) && in(i + 1, 0x80, 0x9F)) || (in(i, 0xEE, 0xEF) && tail1)) &&
               tail2) {
      i += 3;
    } else if (((in(i, 0xF0, 0xF0) && in(i + 1, 0x90, 0xBF)) || (in(i, 0xF1, 0xF3) && tail1) ||
                (in(i, 0xF4, 0xF4) && in(i + 1, 0x80, 0x8F))) &&
               tail2 && tail3) {
      i += 4;
    } else {
      return false;
    }
  }
  return true;
}

TEST(Utf8, IsRfc3629) {
  // Tests every pair of bytes after eight ASCII characters, with several endings that may complete a sequence.
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      for (const char *tail : {"", "\x80", "\x80\x80", "\xBF\xBF"}) {
        std::string text = "12345678";
        text += static_cast<char>(a);
        text += static_cast<char>(b);
        text += tail;
        ASSERT_EQ(is_utf8(Text(text.data(), text.size())), rfc3629(text)) << a << " " << b;
      }
    }
  }
  EXPECT_EQ(utf8_valid_prefix("abc\xFFz"), 3u);
  EXPECT_EQ(utf8_valid_prefix(""), 0u);
}

TEST(Utf8, EncodesWhatItReads) {
  const std::pair<uint32_t, std::string> cases[] = {
      {0x24, "$"},
      {0x7F, "\x7F"},
      {0x80, "\xC2\x80"},
      {0x7FF, "\xDF\xBF"},
      {0x800, "\xE0\xA0\x80"},
      {0xFFFF, "\xEF\xBF\xBF"},
      {0x10000, "\xF0\x90\x80\x80"},
      {0x10FFFF, "\xF4\x8F\xBF\xBF"},
  };
  for (const auto &[point, bytes] : cases) {
    char out[4];
    const size_t size = utf8_encode(out, point);
    EXPECT_EQ(std::string(out, size), bytes);
    EXPECT_EQ(utf8_sequence(Bytes(reinterpret_cast<const uint8_t *>(out), size)), size);
  }
}

TEST(LineWriter, EscapesAndCuts) {
  char buffer[16];
  LineWriter line(buffer, sizeof(buffer));
  line << "a\n\t\r\x01\x7F";
  EXPECT_STREQ(buffer, "a\\n\\t\\r\\x01\\x7f");
  EXPECT_EQ(line.remaining(), 0u);
  EXPECT_FALSE(line.full());
  line << "x";
  EXPECT_TRUE(line.full());
  line.cut(1);
  line << "\xC3\xA9\xC3" << uint64_t{UINT64_MAX};
  EXPECT_STREQ(buffer, "a\xC3\xA9\\xc3");
  line << "z";
  EXPECT_STREQ(buffer, "a\xC3\xA9\\xc3") << "nothing follows what was left out";
}

TEST(LineWriter, EscapesEachByteAtEachPosition) {
  for (int byte = 0; byte < 0x100; ++byte) {
    const char last = static_cast<char>(byte);
    char escape[8];
    snprintf(escape, sizeof(escape), "\\x%02x", byte);
    const std::string expected = byte == '\n'                  ? "\\n"
                                 : byte == '\t'                ? "\\t"
                                 : byte == '\r'                ? "\\r"
                                 : byte >= 0x20 && byte < 0x7F ? std::string(1, last)
                                                               : escape;
    for (size_t before = 0; before < 20; ++before) {
      for (size_t after : {size_t{0}, size_t{1}, size_t{8}}) {
        const std::string text = std::string(before, ' ') + last + std::string(after, '~');
        char buffer[64];
        LineWriter line(buffer, sizeof(buffer));
        line << Text(text.data(), text.size());
        EXPECT_EQ(std::string(before, ' ') + expected + std::string(after, '~'), buffer);
      }
    }
  }
}

TEST(LineWriter, WritesNumbersAndShapes) {
  char buffer[200];
  LineWriter line(buffer, sizeof(buffer));
  const int64_t sizes[] = {2, 3};
  line << uint64_t{UINT64_MAX} << " " << int64_t{INT64_MIN} << " " << int32_t{-1} << " " << uint32_t{7} << " ";
  line.hex(0x1F) << " ";
  line.hex(0) << " ";
  line.shape({sizes, 2}) << " ";
  line.shape({sizes, 1}) << " ";
  line.shape({});
  EXPECT_STREQ(buffer, "18446744073709551615 -9223372036854775808 -1 7 0x1f 0x0 (2, 3) (2,) ()");
}

TEST(Vec, Grows) {
  TestMemory memory;
  Vec<uint32_t> list(*memory);
  for (uint32_t i = 0; i < 10000; ++i)
    ASSERT_TRUE(list.push(i).ok());
  EXPECT_LT(memory.allocations(), 30);
  ASSERT_TRUE(list.append(list.data() + 5, 3).ok());
  EXPECT_EQ(list.size(), 10003u);
  EXPECT_EQ(list.back(), 7u);
  list.erase(1);
  EXPECT_EQ(list[1], 2u);
  EXPECT_EQ(list.size(), 10002u);
  list.truncate(2);
  EXPECT_EQ(list.size(), 2u);
  list.clear();
  EXPECT_TRUE(list.empty());
}

TEST(Vec, AppendsAndPushesAPartOfItself) {
  TestMemory memory;
  Vec<char> list(*memory);
  ASSERT_TRUE(list.append("abc", 3).ok());
  for (int i = 0; i < 12; ++i)
    ASSERT_TRUE(list.append(list.data(), list.size()).ok());
  ASSERT_EQ(list.size(), 3u << 12);
  for (size_t i = 0; i < list.size(); ++i)
    ASSERT_EQ(list[i], "abc"[i % 3]);
  Vec<uint64_t> numbers(*memory);
  ASSERT_TRUE(numbers.push(7).ok());
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(numbers.push(numbers[0]).ok());
  EXPECT_EQ(numbers.back(), 7u);
}

TEST(Vec, IsUnchangedIfItCannotGrow) {
  TestMemory memory;
  Vec<uint64_t> list(*memory);
  ASSERT_TRUE(list.push(1).ok());
  memory.fail_after(0);
  EXPECT_EQ(list.resize(100000).code, TF_STATUS_OUT_OF_MEMORY);
  EXPECT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0], 1u);
  memory.fail_after(-1);
  EXPECT_EQ(list.reserve(SIZE_MAX / 8).code, TF_STATUS_OUT_OF_MEMORY);
  const volatile size_t too_many = SIZE_MAX - 2;  // volatile, or the compiler would warn
  EXPECT_EQ(list.append(nullptr, too_many).code, TF_STATUS_OUT_OF_MEMORY);
  EXPECT_EQ(list.size(), 1u);
}

TEST(Arena, KeepsEverythingApart) {
  TestMemory memory;
  Arena arena(*memory);
  std::vector<Text> texts;
  std::vector<std::string> expected;
  for (size_t i = 0; i < 3000; ++i) {
    expected.emplace_back(i % 97 == 0 ? i * 10 : i % 13, static_cast<char>('a' + i % 26));
    Text copy;
    ASSERT_TRUE(arena.copy(&copy, Text(expected[i].data(), expected[i].size())).ok());
    texts.push_back(copy);
    const int64_t shape[] = {static_cast<int64_t>(i), 2};
    Span<const int64_t> copied;
    ASSERT_TRUE(arena.copy(&copied, Span<const int64_t>(shape, i % 3)).ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(copied.data()) % alignof(int64_t), 0u);
    for (size_t j = 0; j < i % 3; ++j)
      EXPECT_EQ(copied[j], shape[j]);
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(std::string(texts[i].data(), texts[i].size()), expected[i]);
    ASSERT_EQ(texts[i].data()[texts[i].size()], '\0');
  }
  EXPECT_LT(memory.allocations(), 60);
}

TEST(Arena, FailsWhenMemoryRunsOut) {
  TestMemory memory;
  Arena arena(*memory);
  void *pointer = nullptr;
  ASSERT_TRUE(arena.allocate(&pointer, 10, 1).ok());
  memory.fail_after(0);
  EXPECT_EQ(arena.allocate(&pointer, 100000, 8).code, TF_STATUS_OUT_OF_MEMORY);
  EXPECT_EQ(arena.allocate(&pointer, SIZE_MAX, 1).code, TF_STATUS_OUT_OF_MEMORY);
  ASSERT_TRUE(arena.allocate(&pointer, 10, 16).ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % 16, 0u);
}

TEST(Budget, HoldsAtMostItsLimit) {
  TestMemory memory;
  Ref<Memory> budget;
  ASSERT_TRUE(make_budget(budget, *memory, 1000).ok());
  void *first = nullptr;
  void *second = nullptr;
  ASSERT_TRUE(allocate(&first, *budget, 600, 8).ok());
  EXPECT_EQ(allocate(&second, *budget, 401, 8).code, TF_STATUS_LIMIT);
  EXPECT_STREQ(error_record().message,
               "the call needs 401 bytes more than the 600 in use; the limit (max_bytes) is 1000");
  ASSERT_TRUE(allocate(&second, *budget, 400, 8).ok());
  EXPECT_EQ(allocate(&second, *budget, 0, 8).code, TF_STATUS_LIMIT);
  deallocate(*budget, first, 600, 8);
  memory.fail_after(0);
  EXPECT_EQ(allocate(&first, *budget, 600, 8).code, TF_STATUS_OUT_OF_MEMORY);
  memory.fail_after(-1);
  ASSERT_TRUE(allocate(&first, *budget, 600, 8).ok()) << "a failed allocation is not booked";
  deallocate(*budget, first, 600, 8);
  deallocate(*budget, second, 400, 8);
  EXPECT_EQ(budget->used.load(), 0u);
}

TEST(Memory, AllocatesNothingAndALot) {
  for (const size_t alignment : {size_t{1}, size_t{8}, size_t{64}, size_t{4096}}) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{100000}, size_t{5} << 20}) {
      void *pointer = nullptr;
      ASSERT_TRUE(allocate(&pointer, default_memory(), size, alignment).ok());
      EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % alignment, 0u);
      memset(pointer, 1, size);
      deallocate(default_memory(), pointer, size, alignment);
    }
  }
  void *pointer = nullptr;
  EXPECT_EQ(allocate(&pointer, default_memory(), SIZE_MAX, 64).code, TF_STATUS_OUT_OF_MEMORY);
  deallocate(default_memory(), nullptr, 5, 8);
}

int released;
void count_release(void * /*user*/) {
  ++released;
}

TEST(Buffer, ReleasesWhatItWraps) {
  TestMemory memory;
  released = 0;
  char bytes[4];
  Ref<Buffer> buffer;
  ASSERT_TRUE(wrap_buffer(buffer, *memory, bytes, 4, false, count_release, nullptr).ok());
  const Ref<Buffer> other = buffer;
  buffer = Ref<Buffer>();
  EXPECT_EQ(released, 0);
  memory.fail_after(0);
  EXPECT_EQ(wrap_buffer(buffer, *memory, bytes, 4, false, count_release, nullptr).code, TF_STATUS_OUT_OF_MEMORY);
  EXPECT_EQ(released, 1);
}

TEST(Buffer, EveryFailedAllocationIsClean) {
  testing::fail_each_allocation([](TestMemory &memory) {
    Ref<Buffer> buffer;
    TFILE_TRY(make_buffer(buffer, *memory, 0));
    EXPECT_NE(buffer->data, nullptr);
    TFILE_TRY(make_buffer(buffer, *memory, 100));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data) % kDataAlignment, 0u);
    return kOk;
  });
  Ref<Buffer> buffer;
  EXPECT_EQ(make_buffer(buffer, default_memory(), UINT64_MAX).code, TF_STATUS_OUT_OF_MEMORY);
}

struct Jobs {
  std::vector<std::atomic<int>> runs;
  size_t failing;
  explicit Jobs(size_t count, size_t fail = SIZE_MAX) : runs(count), failing(fail) {}
};

Status run_job(void *context, size_t i) {
  auto &jobs = *static_cast<Jobs *>(context);
  ++jobs.runs[i];
  if (i != jobs.failing) return kOk;
  return Failure(TF_STATUS_CORRUPT).array("w").at(99) << "job " << static_cast<uint64_t>(i);
}

TEST(ParallelFor, RunsEachOnce) {
  for (const size_t threads : {size_t{0}, size_t{1}, size_t{2}, size_t{7}, size_t{100}, SIZE_MAX}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{50}}) {
      Jobs jobs(count);
      ASSERT_TRUE(parallel_for(count, Workers{threads}, run_job, &jobs).ok());
      for (const std::atomic<int> &runs : jobs.runs)
        EXPECT_EQ(runs, 1);
    }
  }
  EXPECT_GE(core_count(), 1u);
}

TEST(ParallelFor, BringsAWorkersErrorToTheCaller) {
  for (const size_t threads : {size_t{1}, size_t{2}, size_t{8}}) {
    Jobs jobs(1000, 300);
    const Status before = Failure(TF_STATUS_IO) << "another";
    EXPECT_EQ(before.code, TF_STATUS_IO);
    EXPECT_EQ(parallel_for(1000, Workers{threads}, run_job, &jobs).code, TF_STATUS_CORRUPT);
    EXPECT_STREQ(error_record().message, "array 'w': job 300 (byte 99)");
    EXPECT_STREQ(error_record().name, "w");
    EXPECT_EQ(error_record().offset, 99u);
    EXPECT_EQ(error_record().status, TF_STATUS_CORRUPT);
    EXPECT_EQ(jobs.runs[300], 1);
    if (threads == 1) {
      EXPECT_EQ(jobs.runs[301], 0);
    }
  }
}

// Each job waits until the other has begun, so that two threads must run them, whatever the scheduler does.
struct Pair {
  std::atomic<int> begun{0};
  std::atomic<const ErrorRecord *> callers{nullptr};
};

TEST(ParallelFor, BringsTheErrorOfAThreadThatIsNotTheCaller) {
  Pair pair;
  pair.callers = &error_record();
  const Job job = [](void *context, size_t i) -> Status {
    auto &shared = *static_cast<Pair *>(context);
    ++shared.begun;
    while (shared.begun < 2) {
    }
    if (&error_record() == shared.callers) return kOk;
    return Failure(TF_STATUS_TRUNCATED).at(i) << "in a worker";
  };
  EXPECT_EQ(parallel_for(2, Workers{2}, job, &pair).code, TF_STATUS_TRUNCATED);
  EXPECT_EQ(std::string(error_record().message).substr(0, 18), "in a worker (byte ");
}

}  // namespace
}  // namespace tfile
