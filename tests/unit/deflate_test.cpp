#include "codec/deflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "codec/crc32.h"
#include "support/memory.h"

#if !defined(_WIN32)
#include <sys/mman.h>
#endif

namespace tfile {
namespace {

Bytes bytes_of(const std::string &text) {
  return Bytes(reinterpret_cast<const uint8_t *>(text.data()), text.size());
}

std::string text_of(Bytes bytes) {
  return std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size());
}

// Returns every method that this build supports.
std::vector<DeflateMethod> methods() {
  std::vector<DeflateMethod> all;
  for (int level = -1; level <= 9; ++level) {
    all.push_back({false, level});
    if (has_zlib()) all.push_back({true, level});
  }
  return all;
}

std::string pack(Deflater &deflater, const std::string &text, bool last, const DeflateMethod &method) {
  EXPECT_TRUE(deflater.run(bytes_of(text), last, method).ok());
  return text_of(deflater.output());
}

std::string pack(const std::string &text, const DeflateMethod &method = {}) {
  Deflater deflater(default_memory());
  return pack(deflater, text, true, method);
}

// Inflates with zlib itself, without any code of the library.
std::string unpack_by_zlib(const std::string &packed, size_t size) {
  std::string text(size + 1, '?');
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, -15), Z_OK);
  z.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef *>(text.data());
  z.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0u);
  text.resize(z.total_out);
  inflateEnd(&z);
  return text;
}

// Returns bytes of which half are compressible.
std::string sample(size_t size) {
  std::mt19937 random(7);
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i)
    text[i] = static_cast<char>(i / 1000 % 2 == 0 ? i % 13 : random());
  return text;
}

TEST(Deflater, ZlibReadsEveryMethodAndChunk) {
  const std::string text = sample(300000);
  Deflater deflater(default_memory());
  for (const DeflateMethod &method : methods()) {
    for (const size_t chunk : {size_t{1} << 20, size_t{65537}, size_t{4097}}) {
      std::string packed;
      for (size_t at = 0; at < text.size(); at += chunk)
        packed += pack(deflater, text.substr(at, chunk), at + chunk >= text.size(), method);
      EXPECT_EQ(unpack_by_zlib(packed, text.size()), text) << method.zlib << method.level;
      if (method.level == 0) {
        EXPECT_GE(packed.size(), text.size()) << "level 0 packs nothing";
      } else if (chunk > 5000) {
        EXPECT_LT(packed.size(), text.size() * 2 / 3) << method.zlib << method.level;
      }
    }
  }
}

// Deflates with zlib itself, as a Deflater must have it do.
std::string pack_by_zlib(const std::string &text, int level, int flush) {
  std::string packed(text.size() + text.size() / 8 + 256, '?');
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef *>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&z, flush), flush == Z_FINISH ? Z_STREAM_END : Z_OK);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

TEST(Deflater, ZlibWritesItsOwnBytes) {
  ASSERT_TRUE(has_zlib());
  Deflater deflater(default_memory());
  for (const std::string &text : {sample(300000), sample(100), std::string(), std::string(70000, 'x')}) {
    for (int level = -1; level <= 9; ++level) {
      for (const bool last : {false, true}) {
        EXPECT_TRUE(pack(deflater, text, last, {true, level}) ==
                    pack_by_zlib(text, level, last ? Z_FINISH : Z_FULL_FLUSH))
            << text.size() << ' ' << level << ' ' << last;
      }
    }
  }
}

TEST(Deflater, EachChunkIsInflatedIndependently) {
  const std::string text = sample(200000);
  Deflater deflater(default_memory());
  Inflater inflater(default_memory());
  for (const DeflateMethod &method : methods()) {
    // The second chunk equals the first, but must not refer to it.
    for (const bool last : {false, false, true}) {
      const std::string packed = pack(deflater, text, last, method);
      std::string got(text.size() + 1, '#');
      ASSERT_TRUE(inflater.begin().ok());
      Bytes input = bytes_of(packed);
      Span<uint8_t> output(reinterpret_cast<uint8_t *>(got.data()), got.size());
      bool valid = false;
      bool done = !last;
      ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
      EXPECT_TRUE(valid);
      EXPECT_EQ(done, last);
      EXPECT_TRUE(input.empty());
      EXPECT_EQ(got, text + '#');
    }
  }
}

// In a short text of few letters, one byte that is read from a wrong address changes much of the output.
TEST(Deflater, OutputDoesNotDependOnTheAddressOfItsState) {
  constexpr size_t kStates = 8;
  for (const DeflateMethod &method : methods()) {
    std::mt19937 random(5);
    std::vector<std::unique_ptr<Deflater>> deflaters;
    while (deflaters.size() < kStates)
      deflaters.push_back(std::make_unique<Deflater>(default_memory()));
    for (int i = 0; i < 500; ++i) {
      std::string text(1 + random() % 200, 'a');
      for (char &letter : text)
        letter = static_cast<char>('a' + random() % 4);
      const std::string first = pack(*deflaters[0], text, true, method);
      EXPECT_EQ(unpack_by_zlib(first, text.size()), text);
      for (size_t k = 1; k < kStates; ++k)
        ASSERT_EQ(pack(*deflaters[k], text, true, method), first) << method.zlib << method.level << text;
    }
  }
}

TEST(Deflater, DoesNotExpandIncompressibleBytes) {
  std::string noise(500000, '\0');
  std::mt19937 random(3);
  for (char &byte : noise)
    byte = static_cast<char>(random());
  for (const DeflateMethod &method : methods())
    EXPECT_LE(pack(noise, method).size(), noise.size() + noise.size() / 500) << method.zlib << method.level;
}

TEST(Deflater, EmptyStream) {
  EXPECT_EQ(pack(""), std::string("\x03\x00", 2));
  for (const DeflateMethod &method : methods())
    EXPECT_EQ(unpack_by_zlib(pack("", method), 0), "");
}

TEST(Inflater, ReadsWhatPythonWrote) {
  // The result of zlib.compressobj(6, zlib.DEFLATED, -15) for b"hello hello hello hello", followed by two other bytes.
  const std::string packed("\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\xAA\xBB", 12);
  Inflater inflater(default_memory());
  ASSERT_TRUE(inflater.begin().ok());
  uint8_t buffer[64];
  Bytes input = bytes_of(packed);
  Span<uint8_t> output(buffer, sizeof(buffer));
  bool valid = false;
  bool done = false;
  ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
  EXPECT_TRUE(valid);
  EXPECT_TRUE(done);
  EXPECT_EQ(std::string(reinterpret_cast<char *>(buffer), sizeof(buffer) - output.size()), "hello hello hello hello");
  ASSERT_EQ(input.size(), 2u) << "consumed bytes after the stream";
  EXPECT_EQ(input[0], 0xAA);
  ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
  EXPECT_TRUE(done);
  EXPECT_EQ(input.size(), 2u);
  EXPECT_EQ(output.size(), sizeof(buffer) - 23);
}

TEST(Inflater, PiecesOfAnySize) {
  const std::string text = sample(50000);
  Inflater inflater(default_memory());
  for (const int level : {0, 1, 6}) {
    const std::string packed = pack(text, {false, level});
    for (const auto &[in_piece, out_piece] :
         {std::pair<size_t, size_t>{1, 1}, {1, 100000}, {100000, 1}, {7, 13}, {1000, 50000}, {100000, 100000}}) {
      ASSERT_TRUE(inflater.begin().ok());
      std::string got(text.size() + 8, '#');
      size_t in = 0;
      size_t out = 0;
      bool valid = true;
      bool done = false;
      // The output buffer has exactly the size of the text.
      while (!done) {
        Bytes input = bytes_of(packed).from(in).first(in_piece);
        Span<uint8_t> output(reinterpret_cast<uint8_t *>(got.data()) + out, std::min(out_piece, text.size() - out));
        const size_t before = input.size() + output.size();
        const size_t in_before = input.size();
        const size_t out_before = output.size();
        ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
        ASSERT_TRUE(valid);
        ASSERT_TRUE(done || input.size() + output.size() < before) << "no progress";
        ASSERT_TRUE(done || input.empty() || output.empty());
        in += in_before - input.size();
        out += out_before - output.size();
      }
      EXPECT_EQ(in, packed.size());
      EXPECT_EQ(out, text.size());
      EXPECT_EQ(got, text + "########");
    }
  }
}

TEST(Inflater, NeverWritesBeyondItsOutput) {
  const std::string packed = pack(std::string(100000, 'x'));
  Inflater inflater(default_memory());
  ASSERT_TRUE(inflater.begin().ok());
  std::string buffer(1000, '#');
  Bytes input = bytes_of(packed);
  Span<uint8_t> output(reinterpret_cast<uint8_t *>(buffer.data()), 100);
  bool valid = false;
  bool done = true;
  ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
  EXPECT_TRUE(valid);
  EXPECT_FALSE(done);
  EXPECT_TRUE(output.empty());
  EXPECT_EQ(buffer, std::string(100, 'x') + std::string(900, '#'));
}

TEST(Inflater, GarbageIsNotValid) {
  Inflater inflater(default_memory());
  uint8_t buffer[64];
  // A block of type 3; a stored block whose length does not match; a distance before the start.
  for (const std::string &garbage :
       {std::string("\x07\x00", 2), std::string("\x01\x05\x00\x00\x00", 5), std::string("\x03\x02\x00\x00", 4)}) {
    ASSERT_TRUE(inflater.begin().ok());
    Bytes input = bytes_of(garbage);
    Span<uint8_t> output(buffer, sizeof(buffer));
    bool valid = true;
    bool done = true;
    ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
    EXPECT_FALSE(valid) << garbage.size();
    EXPECT_FALSE(done);
    input = bytes_of(garbage);
    ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
    EXPECT_FALSE(valid) << "a broken stream stays broken";
  }
}

TEST(Inflater, CutStreamIsNotDone) {
  const std::string packed = pack(sample(5000));
  Inflater inflater(default_memory());
  uint8_t buffer[6000];
  for (const size_t size : {size_t{0}, size_t{1}, packed.size() / 2, packed.size() - 1}) {
    ASSERT_TRUE(inflater.begin().ok());
    Bytes input = bytes_of(packed).first(size);
    Span<uint8_t> output(buffer, sizeof(buffer));
    bool valid = false;
    bool done = true;
    ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
    EXPECT_TRUE(valid);
    EXPECT_FALSE(done);
    EXPECT_TRUE(input.empty());
  }
}

#if SIZE_MAX > UINT32_MAX && !defined(_WIN32)
// The zeros need no memory, because the system maps one page of zeros for all of them.
TEST(Deflater, MoreThanFourGigabytesAtOnce) {
  constexpr size_t kSize = (size_t{1} << 32) + 12345;
  void *zeros = mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(zeros, MAP_FAILED);
  Deflater deflater(default_memory());
  const DeflateMethod fast{false, 1};
  ASSERT_TRUE(deflater.run(Bytes(static_cast<const uint8_t *>(zeros), kSize), true, fast).ok());
  const std::string packed = text_of(deflater.output());
  munmap(zeros, kSize);

  Inflater inflater(default_memory());
  ASSERT_TRUE(inflater.begin().ok());
  std::string buffer(size_t{1} << 20, '#');
  Bytes input = bytes_of(packed);
  bool valid = true;
  bool done = false;
  uint64_t total = 0;
  while (valid && !done) {
    Span<uint8_t> output(reinterpret_cast<uint8_t *>(buffer.data()), buffer.size());
    ASSERT_TRUE(inflater.run(&valid, &done, &input, &output).ok());
    ASSERT_TRUE(done || output.empty());
    total += buffer.size() - output.size();
  }
  EXPECT_TRUE(valid);
  EXPECT_EQ(total, kSize);
  EXPECT_EQ(buffer.find_first_not_of('\0'), std::string::npos);
}
#endif

TEST(Deflate, EveryFailedAllocationIsClean) {
  const std::string text = sample(100000);
  testing::fail_each_allocation([&](testing::TestMemory &memory) {
    Deflater deflater(*memory);
    TFILE_TRY(deflater.run(bytes_of(text), false, DeflateMethod{false, 1}));
    TFILE_TRY(deflater.run(bytes_of(text), true, DeflateMethod{has_zlib(), 6}));
    const std::string packed = text_of(deflater.output());
    Inflater inflater(*memory);
    TFILE_TRY(inflater.begin());
    std::string got(text.size(), '#');
    Bytes input = bytes_of(packed);
    // The output is made in two pieces, because zlib allocates its window only if a stream continues.
    for (const auto &[from, size] : {std::pair<size_t, size_t>{0, 50000}, {50000, 50000}}) {
      Span<uint8_t> output(reinterpret_cast<uint8_t *>(got.data()) + from, size);
      bool valid = false;
      bool done = false;
      TFILE_TRY(inflater.run(&valid, &done, &input, &output));
      EXPECT_TRUE(valid);
      EXPECT_EQ(done, from != 0);
    }
    EXPECT_EQ(got, text);
    return kOk;
  });
}

TEST(Deflate, MemoryObeysABudget) {
  Ref<Memory> budget;
  ASSERT_TRUE(make_budget(budget, default_memory(), 100000).ok());
  Deflater deflater(*budget);
  const std::string text = sample(200000);
  for (const DeflateMethod &method : methods())
    EXPECT_EQ(deflater.run(bytes_of(text), true, method).code, TF_STATUS_LIMIT) << method.zlib << method.level;
}

}  // namespace
}  // namespace tfile
