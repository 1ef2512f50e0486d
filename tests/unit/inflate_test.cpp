// The decoder against zlib's, on streams of all kinds of blocks, whole and damaged.
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/endian.h"
#include "codec/deflate.h"
#include "codec/deflate_format.h"

namespace tfile {
namespace {

using Buffer8 = std::vector<uint8_t>;

struct Inflated {
  bool done = false;
  size_t used = 0;
  Buffer8 output;
};

// Memory of exactly the size that is needed, so that sanitizers see a byte too far.
std::unique_ptr<uint8_t[]> exact_copy(const Buffer8 &bytes) {
  auto copy = std::make_unique<uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return copy;
}

Inflated by_zlib(const Buffer8 &packed, size_t capacity) {
  Inflated result;
  result.output.resize(capacity + 1);
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, -15), Z_OK);
  z.next_in = const_cast<Bytef *>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = result.output.data();
  z.avail_out = static_cast<uInt>(capacity);
  result.done = inflate(&z, Z_FINISH) == Z_STREAM_END;
  result.used = packed.size() - z.avail_in;
  result.output.resize(capacity - z.avail_out);
  inflateEnd(&z);
  return result;
}

// The loops for this CPU, and those that every CPU can run.
constexpr InflateVariant kVariants[] = {InflateVariant::kBest, InflateVariant::kPortable};

Inflated by_us(const Buffer8 &packed, size_t capacity, InflateVariant variant = InflateVariant::kBest) {
  Inflated result;
  Inflater inflater(default_memory(), variant);
  EXPECT_TRUE(inflater.begin().ok());
  const auto input = exact_copy(packed);
  const auto output = std::make_unique<uint8_t[]>(capacity);
  Bytes in(input.get(), packed.size());
  Span<uint8_t> out(output.get(), capacity);
  bool valid = true;
  EXPECT_TRUE(inflater.run(&valid, &result.done, &in, &out).ok());
  EXPECT_FALSE(!valid && result.done);
  result.used = packed.size() - in.size();
  result.output.assign(output.get(), output.get() + (capacity - out.size()));
  return result;
}

void expect_equal(const Buffer8 &packed, size_t capacity) {
  const Inflated expected = by_zlib(packed, capacity);
  for (const InflateVariant variant : kVariants) {
    const Inflated got = by_us(packed, capacity, variant);
    ASSERT_EQ(got.done, expected.done);
    if (!expected.done) continue;
    ASSERT_EQ(got.used, expected.used);
    ASSERT_EQ(got.output, expected.output);
  }
}

// A memory level m of zlib makes blocks of 2^(m + 6) symbols.
Buffer8 deflate_by_zlib(const Buffer8 &text, int level, int strategy, int memory_level = 8) {
  Buffer8 packed(text.size() + text.size() / 8 + 256);
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, level, Z_DEFLATED, -15, memory_level, strategy), Z_OK);
  z.next_in = const_cast<Bytef *>(text.data());
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = packed.data();
  z.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

Buffer8 deflate_by_us(const Buffer8 &text, int level) {
  Deflater deflater(default_memory());
  EXPECT_TRUE(deflater.run(Bytes(text.data(), text.size()), true, {false, level}).ok());
  return Buffer8(deflater.output().begin(), deflater.output().end());
}

// Text, numbers and noise.
Buffer8 mixture(size_t size) {
  std::mt19937 random(17);
  Buffer8 bytes(size);
  for (size_t i = 0; i < size; ++i) {
    const size_t kind = i / 300 % 4;
    bytes[i] = static_cast<uint8_t>(kind == 0   ? random()
                                    : kind == 1 ? random() % 4
                                    : kind == 2 ? (i % 4 == 0 ? random() % 50 : 0)
                                                : bytes[i - 1 - random() % 200]);
  }
  return bytes;
}

// Streams that between them have stored, fixed and dynamic blocks, with and without matches.
std::vector<Buffer8> streams(size_t size) {
  const Buffer8 text = mixture(size);
  std::vector<Buffer8> all;
  for (const int level : {0, 1, 6, 9})
    all.push_back(deflate_by_zlib(text, level, Z_DEFAULT_STRATEGY));
  for (const int strategy : {Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE})
    all.push_back(deflate_by_zlib(text, 6, strategy));
  for (const int level : {0, 1, 2, 6})
    all.push_back(deflate_by_us(text, level));
  return all;
}

// Inflates two pieces of a stream, each in memory of its own that is gone afterwards.
Inflated in_two_pieces(const Buffer8 &packed, size_t split, size_t capacity, InflateVariant variant) {
  Inflated result;
  Inflater inflater(default_memory(), variant);
  EXPECT_TRUE(inflater.begin().ok());
  const auto output = std::make_unique<uint8_t[]>(capacity);
  Span<uint8_t> out(output.get(), capacity);
  const auto middle = packed.begin() + static_cast<ptrdiff_t>(split);
  for (const Buffer8 &piece : {Buffer8(packed.begin(), middle), Buffer8(middle, packed.end())}) {
    const auto input = exact_copy(piece);
    Bytes in(input.get(), piece.size());
    bool valid = false;
    EXPECT_TRUE(inflater.run(&valid, &result.done, &in, &out).ok());
    EXPECT_TRUE(valid);
    result.used += piece.size() - in.size();
    if (!valid) break;
  }
  result.output.assign(output.get(), output.get() + (capacity - out.size()));
  return result;
}

// The input of a file is read in pieces. A code can begin in one and end in the next, also one that the fast loops leave
// to the slow one, such as the end of a block, whose code is long in blocks of many symbols.
TEST(InflatePieces, OfEveryLength) {
  const Buffer8 text = mixture(2500);
  std::vector<Buffer8> all = streams(text.size());
  for (const int memory_level : {3, 4}) {
    all.push_back(deflate_by_zlib(text, 6, Z_HUFFMAN_ONLY, memory_level));
    all.push_back(deflate_by_zlib(text, 6, Z_DEFAULT_STRATEGY, memory_level));
  }
  for (const Buffer8 &stream : all) {
    for (size_t split = 0; split <= stream.size(); ++split) {
      for (const InflateVariant variant : kVariants) {
        const Inflated got = in_two_pieces(stream, split, text.size(), variant);
        ASSERT_TRUE(got.done) << "after " << split << " of " << stream.size() << " bytes";
        ASSERT_EQ(got.used, stream.size());
        ASSERT_EQ(got.output, text);
      }
    }
  }
}

TEST(InflateDamage, EveryPrefix) {
  for (const Buffer8 &stream : streams(2500)) {
    for (size_t size = 0; size <= stream.size(); ++size)
      expect_equal(Buffer8(stream.begin(), stream.begin() + static_cast<ptrdiff_t>(size)), 2500);
  }
}

TEST(InflateDamage, EveryByteChanged) {
  std::mt19937 random(4);
  for (Buffer8 stream : streams(1500)) {
    for (uint8_t &byte : stream) {
      const uint8_t original = byte;
      for (const uint32_t change : {1U, 0x80U, 0xffU, static_cast<uint32_t>(1 + random() % 255)}) {
        byte = static_cast<uint8_t>(original ^ change);
        expect_equal(stream, 4000);
      }
      byte = original;
    }
  }
}

// Text of four letters, whose codes are short and whose repetitions are long, so that a short stream reaches the fast loops.
Buffer8 letters(size_t size) {
  std::mt19937 random(5);
  Buffer8 bytes(size);
  for (size_t i = 0; i < size; ++i)
    bytes[i] = i % 100 < 20 ? static_cast<uint8_t>("acgt"[random() % 4]) : bytes[i - 20];
  return bytes;
}

DeflateBlockKind kind_of(const Buffer8 &stream) {
  return static_cast<DeflateBlockKind>(stream[0] >> 1 & 3);
}

// A stream of one block of each kind, of dynamic ones with and without matches, each byte of which gets every value.
TEST(InflateDamage, EveryValueOfEveryByte) {
  const Buffer8 text = letters(340);
  struct Case {
    DeflateBlockKind kind;
    Buffer8 stream;
  };
  const Case cases[] = {
      {DeflateBlockKind::kStored, deflate_by_zlib(letters(40), 0, Z_DEFAULT_STRATEGY)},
      {DeflateBlockKind::kFixed, deflate_by_zlib(text, 6, Z_FIXED)},
      {DeflateBlockKind::kDynamic, deflate_by_zlib(text, 6, Z_DEFAULT_STRATEGY)},
      {DeflateBlockKind::kDynamic, deflate_by_zlib(text, 6, Z_HUFFMAN_ONLY)},
  };
  for (const Case &block : cases) {
    ASSERT_EQ(kind_of(block.stream), block.kind);
    Buffer8 stream = block.stream;
    for (size_t i = 0; i < stream.size(); ++i) {
      for (unsigned value = 0; value < 256; ++value) {
        stream[i] = static_cast<uint8_t>(value);
        ASSERT_NO_FATAL_FAILURE(expect_equal(stream, 2 * text.size())) << "byte " << i << " is " << value;
      }
      stream[i] = block.stream[i];
    }
  }
}

TEST(InflateDamage, EveryOutputCapacity) {
  for (const Buffer8 &stream : streams(1200)) {
    for (size_t capacity = 0; capacity <= 1200; capacity += 7) {
      const Buffer8 expected = by_zlib(stream, capacity).output;
      for (const InflateVariant variant : kVariants) {
        const Inflated got = by_us(stream, capacity, variant);
        EXPECT_FALSE(got.done);
        EXPECT_EQ(got.output, expected);
      }
    }
  }
}

TEST(InflateStreams, OfEveryLevelAndStrategy) {
  const Buffer8 text = mixture(300000);
  for (int level = 0; level <= 9; ++level) {
    for (const int strategy : {Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED}) {
      const Buffer8 packed = deflate_by_zlib(text, level, strategy);
      for (const InflateVariant variant : kVariants)
        ASSERT_EQ(by_us(packed, text.size(), variant).output, text) << level << ' ' << strategy;
    }
  }
}

// The bytes that make_deflate_streams.py gave to other programs.
Buffer8 given_bytes() {
  uint32_t state = 1;
  const auto draw = [&](uint32_t limit) {
    state = state * 1664525 + 1013904223;
    return static_cast<uint8_t>(uint64_t{state} * limit >> 32);
  };
  Buffer8 bytes;
  for (int i = 0; i < 400; ++i) {
    const std::string line = std::to_string(i) + ' ' + std::to_string(i * i) + '\n';
    bytes.insert(bytes.end(), line.begin(), line.end());
  }
  for (int i = 0; i < 500; ++i) {
    bytes.push_back(draw(50));
    bytes.insert(bytes.end(), 3, 0);
  }
  bytes.insert(bytes.end(), 24000, 0);
  for (int i = 0; i < 400; ++i)
    bytes.push_back(draw(256));
  const Buffer8 again(bytes.begin(), bytes.begin() + 2000);
  bytes.insert(bytes.end(), again.begin(), again.end());
  return bytes;
}

// Streams of zlib, zlib-ng, libdeflate, ISA-L, 7-Zip and Java at their levels.
TEST(InflateStreams, OfOtherPrograms) {
  std::ifstream file(TENSORFILE_TEST_DATA_DIR "/deflate_streams.bin", std::ios::binary);
  const auto number = [&] {
    uint8_t bytes[4] = {};
    file.read(reinterpret_cast<char *>(bytes), sizeof(bytes));
    return load_le<uint32_t>(bytes);
  };
  char magic[8] = {};
  file.read(magic, sizeof(magic));
  ASSERT_EQ(std::string(magic, sizeof(magic)), "TFDEFLA1");
  const uint32_t count = number();
  ASSERT_EQ(count, 38U);
  const Buffer8 text = given_bytes();
  EXPECT_EQ(number(), static_cast<uint32_t>(crc32_z(0, text.data(), text.size())));
  ASSERT_EQ(number(), text.size());
  for (uint32_t i = 0; i < count; ++i) {
    char name[25] = {};
    file.read(name, 24);
    Buffer8 packed(number());
    file.read(reinterpret_cast<char *>(packed.data()), static_cast<std::streamsize>(packed.size()));
    ASSERT_TRUE(file.good()) << name;
    for (const InflateVariant variant : kVariants) {
      const Inflated got = by_us(packed, text.size(), variant);
      EXPECT_TRUE(got.done) << name;
      EXPECT_EQ(got.used, packed.size()) << name;
      EXPECT_EQ(got.output, text) << name;
    }
  }
  file.get();
  EXPECT_TRUE(file.eof());
}

// Writes streams by hand.
class StreamBuilder {
 public:
  StreamBuilder &bits(uint32_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i, ++size_) {
      if (size_ % 8 == 0) bytes_.push_back(0);
      if (i < 32 && (value >> i & 1) != 0) bytes_.back() = static_cast<uint8_t>(bytes_.back() | 1U << size_ % 8);
    }
    return *this;
  }
  // A code, whose highest bit comes first.
  StreamBuilder &code(uint32_t value, unsigned count) { return bits(reverse_code(value, count), count); }
  StreamBuilder &block(unsigned last, DeflateBlockKind type) {
    return bits(last | static_cast<uint32_t>(type) << 1, 3);
  }
  StreamBuilder &fixed_literal(uint8_t byte) {
    return byte < 144 ? code(0x30U + byte, 8) : code(0x190U + byte - 144U, 9);
  }
  StreamBuilder &fixed_end() { return code(0, 7); }
  // Length 3 (symbol 257), at a distance given by its symbol.
  StreamBuilder &fixed_match(unsigned distance_symbol) { return code(1, 7).code(distance_symbol, 5); }
  StreamBuilder &stored(const std::string &text) {
    size_ = bytes_.size() * 8;
    const auto size = static_cast<uint32_t>(text.size());
    bits(size, 16).bits(~size, 16);
    for (const char byte : text)
      bits(static_cast<uint8_t>(byte), 8);
    return *this;
  }
  // The head of a dynamic block whose precode has 4 bits for each of 0 to 15, then the code lengths themselves.
  StreamBuilder &dynamic(unsigned last, const std::vector<uint8_t> &litlen, const std::vector<uint8_t> &distance) {
    block(last, DeflateBlockKind::kDynamic);
    bits(static_cast<uint32_t>(litlen.size() - 257), 5).bits(static_cast<uint32_t>(distance.size() - 1), 5).bits(15, 4);
    for (const uint8_t symbol : kPrecodeOrder)
      bits(symbol < 16 ? 4 : 0, 3);
    for (const uint8_t length : litlen)
      code(length, 4);
    for (const uint8_t length : distance)
      code(length, 4);
    return *this;
  }
  const Buffer8 &bytes() const { return bytes_; }

 private:
  Buffer8 bytes_;
  size_t size_ = 0;
};

void expect_refused(const StreamBuilder &builder) {
  ASSERT_NO_FATAL_FAILURE(expect_equal(builder.bytes(), 1000));
  EXPECT_FALSE(by_us(builder.bytes(), 1000).done);
}

std::vector<uint8_t> with(size_t size, std::initializer_list<std::pair<size_t, uint8_t>> lengths) {
  std::vector<uint8_t> all(size, 0);
  for (const auto &[symbol, length] : lengths)
    all[symbol] = length;
  return all;
}

TEST(InflateHostile, BlockTypeThree) {
  expect_refused(StreamBuilder().bits(7, 3).bits(0, 32));
}

TEST(InflateHostile, StoredSizes) {
  expect_refused(StreamBuilder().block(1, DeflateBlockKind::kStored).bits(0, 5).bits(5, 16).bits(5, 16).bits(0, 40));
  expect_refused(
      StreamBuilder().block(1, DeflateBlockKind::kStored).bits(0, 5).bits(5, 16).bits(0xfffa, 16).bits(0, 32));
}

TEST(InflateHostile, OversubscribedCodes) {
  const auto lengths = with(257, {{0, 1}, {1, 1}, {256, 1}});
  expect_refused(StreamBuilder().dynamic(1, lengths, {1}).bits(0, 64));
  const auto good = with(257, {{0, 1}, {256, 1}});
  expect_refused(StreamBuilder().dynamic(1, good, {1, 1, 1}).bits(0, 64));
}

TEST(InflateHostile, IncompleteCodes) {
  expect_refused(StreamBuilder().dynamic(1, with(257, {{0, 2}, {256, 2}}), {1}).bits(0, 64));
  expect_refused(StreamBuilder().dynamic(1, with(257, {{0, 1}, {256, 1}}), {2, 2}).bits(0, 64));
  // A single code of one bit is valid; the other value of that bit is an error.
  const StreamBuilder only_end = StreamBuilder().dynamic(1, with(257, {{256, 1}}), {0}).code(0, 1);
  ASSERT_NO_FATAL_FAILURE(expect_equal(only_end.bytes(), 10));
  EXPECT_TRUE(by_us(only_end.bytes(), 10).done);
  expect_refused(StreamBuilder().dynamic(1, with(257, {{256, 1}}), {0}).code(1, 1).bits(0, 64));
}

TEST(InflateHostile, NoEndOfBlock) {
  expect_refused(StreamBuilder().dynamic(1, with(257, {{0, 1}, {1, 1}}), {1}).bits(0, 64));
  expect_refused(StreamBuilder().block(1, DeflateBlockKind::kFixed).fixed_literal('a').fixed_literal('b'));
}

TEST(InflateHostile, DistancesBeforeTheStart) {
  for (unsigned symbol = 1; symbol < 32; ++symbol) {
    StreamBuilder builder;
    builder.block(1, DeflateBlockKind::kFixed).fixed_literal('a').fixed_match(symbol);
    // Extra bits of the largest distances, and much that could follow.
    expect_refused(builder.bits(0, 13).fixed_end().bits(0, 512));
  }
  const StreamBuilder good =
      StreamBuilder().block(1, DeflateBlockKind::kFixed).fixed_literal('a').fixed_match(0).fixed_end();
  EXPECT_EQ(by_us(good.bytes(), 10).output, Buffer8(4, 'a'));
}

// A match that goes beyond the end of the output, at the end and far from it.
TEST(InflateHostile, LengthsPastTheEnd) {
  StreamBuilder builder;
  builder.block(1, DeflateBlockKind::kFixed).fixed_literal('a');
  for (int i = 0; i < 300; ++i)
    builder.fixed_match(0);
  const Buffer8 stream = builder.fixed_end().bits(0, 512).bytes();
  for (const size_t capacity : {size_t{1}, size_t{2}, size_t{3}, size_t{500}, size_t{899}, size_t{900}}) {
    const Inflated got = by_us(stream, capacity);
    EXPECT_FALSE(got.done) << capacity;
    EXPECT_EQ(got.output, Buffer8(capacity, 'a'));
  }
  EXPECT_TRUE(by_us(stream, 901).done);
  // As a chunk: the output must be filled exactly.
  for (const size_t capacity : {size_t{500}, size_t{900}, size_t{901}, size_t{902}}) {
    Buffer8 output(capacity);
    const size_t used = by_us(stream, 901).used;
    InflateChunk chunk{Bytes(stream.data(), used), Span<uint8_t>(output.data(), capacity), true};
    InterleavedInflater inflater(default_memory());
    ASSERT_TRUE(inflater.run(Span<InflateChunk>(&chunk, 1)).ok());
    EXPECT_EQ(chunk.good, capacity == 901) << capacity;
  }
}

TEST(InflateHostile, CodeOfCodeLengths) {
  // Three codes of one bit are too many, and one of two bits is too few.
  const auto head = [] {
    return StreamBuilder().block(1, DeflateBlockKind::kDynamic).bits(0, 5).bits(0, 5).bits(0, 4);
  };
  expect_refused(head().bits(1, 3).bits(1, 3).bits(1, 3).bits(0, 3).bits(0, 512));
  expect_refused(head().bits(2, 3).bits(0, 3).bits(0, 3).bits(0, 3).bits(0, 512));
  expect_refused(head().bits(0, 3).bits(0, 3).bits(0, 3).bits(0, 3).bits(0, 512));
}

TEST(InflateHostile, MatchesWithoutDistances) {
  // Symbol 257 has a code, and no distance has.
  const auto lengths = with(258, {{0, 1}, {256, 2}, {257, 2}});
  expect_refused(StreamBuilder().dynamic(1, lengths, {0}).code(0, 1).code(3, 2).bits(0, 64));
}

TEST(InflateHostile, SymbolsThatMustNotBeUsed) {
  for (const uint32_t symbol : {286U, 287U})
    expect_refused(
        StreamBuilder().block(1, DeflateBlockKind::kFixed).fixed_literal('a').code(0xc0 + symbol - 280, 8).bits(0, 99));
  // 287 symbols, or 31 distances, may not even be declared.
  expect_refused(StreamBuilder().block(1, DeflateBlockKind::kDynamic).bits(30, 5).bits(0, 5).bits(15, 4).bits(0, 512));
  expect_refused(StreamBuilder().block(1, DeflateBlockKind::kDynamic).bits(0, 5).bits(30, 5).bits(15, 4).bits(0, 512));
}

TEST(InflateHostile, RepeatsOfCodeLengths) {
  // A precode of 16, 17, 18 and 0 with two bits each: a repeat without a length before it, and one beyond the last.
  const auto head = [] {
    return StreamBuilder()
        .block(1, DeflateBlockKind::kDynamic)
        .bits(0, 5)
        .bits(0, 5)
        .bits(0, 4)
        .bits(2, 3)
        .bits(2, 3)
        .bits(2, 3)
        .bits(2, 3);
  };
  expect_refused(head().code(1, 2).bits(0, 512));
  expect_refused(head().code(3, 2).bits(127, 7).code(3, 2).bits(127, 7).bits(0, 512));
}

TEST(InflateHostile, ThousandEmptyBlocks) {
  for (const auto kind : {DeflateBlockKind::kStored, DeflateBlockKind::kFixed, DeflateBlockKind::kDynamic}) {
    StreamBuilder builder;
    for (int i = 0; i < 1000; ++i) {
      if (kind == DeflateBlockKind::kFixed) builder.block(0, kind).fixed_end();
      if (kind == DeflateBlockKind::kStored) builder.block(0, kind).stored("");
      if (kind == DeflateBlockKind::kDynamic) builder.dynamic(0, with(257, {{0, 1}, {256, 1}}), {0}).code(1, 1);
    }
    builder.block(1, DeflateBlockKind::kFixed).fixed_literal('x').fixed_end();
    ASSERT_NO_FATAL_FAILURE(expect_equal(builder.bytes(), 10));
    EXPECT_EQ(by_us(builder.bytes(), 10).output, Buffer8(1, 'x'));
  }
}

// One stream cut into chunks, and where they end.
struct Chunked {
  std::vector<Buffer8> texts;
  std::vector<Buffer8> chunks;
};

Chunked chunked(size_t count, int level) {
  Chunked made;
  Deflater deflater(default_memory());
  std::mt19937 random(9);
  for (size_t i = 0; i < count; ++i) {
    Buffer8 text = mixture(100000 + i * 1000);
    // Noise of few values, which becomes literals alone.
    for (size_t k = 0; i % 2 == 0 && k < text.size(); ++k)
      text[k] = static_cast<uint8_t>(random() % 100);
    EXPECT_TRUE(deflater.run(Bytes(text.data(), text.size()), i + 1 == count, {false, level}).ok());
    made.chunks.emplace_back(deflater.output().begin(), deflater.output().end());
    made.texts.push_back(std::move(text));
  }
  return made;
}

// Inflates the chunks together, each from and to memory of exactly its size.
std::vector<bool> inflate_together(const Chunked &made, std::vector<Buffer8> *outputs, size_t last,
                                   InflateVariant variant = InflateVariant::kBest) {
  std::vector<std::unique_ptr<uint8_t[]>> memory;
  std::vector<InflateChunk> chunks(made.chunks.size());
  for (size_t i = 0; i < chunks.size(); ++i) {
    memory.push_back(exact_copy(made.chunks[i]));
    chunks[i].input = Bytes(memory.back().get(), made.chunks[i].size());
    memory.push_back(std::make_unique<uint8_t[]>(made.texts[i].size()));
    chunks[i].output = Span<uint8_t>(memory.back().get(), made.texts[i].size());
    chunks[i].last = i == last;
  }
  InterleavedInflater inflater(default_memory(), variant);
  EXPECT_TRUE(inflater.run(Span<InflateChunk>(chunks.data(), chunks.size())).ok());
  std::vector<bool> good;
  for (const InflateChunk &chunk : chunks) {
    good.push_back(chunk.good);
    outputs->emplace_back(chunk.output.begin(), chunk.output.end());
  }
  return good;
}

TEST(InterleavedInflater, OneToFourChunks) {
  for (const int level : {0, 1, 2, 6}) {
    for (size_t count = 1; count <= InterleavedInflater::kMaxChunks; ++count) {
      const Chunked made = chunked(count, level);
      for (const InflateVariant variant : kVariants) {
        std::vector<Buffer8> outputs;
        EXPECT_EQ(inflate_together(made, &outputs, count - 1, variant), std::vector<bool>(count, true)) << level;
        EXPECT_EQ(outputs, made.texts);
      }
    }
  }
}

TEST(InterleavedInflater, AChunkMustEndAtItsBorder) {
  const Chunked made = chunked(4, 2);
  std::vector<Buffer8> outputs;
  EXPECT_EQ(inflate_together(made, &outputs, 1), (std::vector<bool>{true, false, true, false}))
      << "only the last chunk ends the stream";
  Chunked changed = made;
  changed.chunks[0].push_back(0);
  changed.chunks[1].pop_back();
  changed.texts[2].push_back(0);
  changed.texts[3].pop_back();
  EXPECT_EQ(inflate_together(changed, &outputs, 3), std::vector<bool>(4, false));
}

// The second chunk repeats the first by a distance across the border, as an ordinary stream would.
TEST(InterleavedInflater, NoDistanceAcrossABorder) {
  Chunked made;
  made.texts = {Buffer8(3, 'a'), Buffer8(3, 'a')};
  made.chunks = {StreamBuilder().block(0, DeflateBlockKind::kStored).stored("aaa").bytes(),
                 StreamBuilder().block(1, DeflateBlockKind::kFixed).fixed_match(0).fixed_end().bytes()};
  std::vector<Buffer8> outputs;
  EXPECT_EQ(inflate_together(made, &outputs, 1), (std::vector<bool>{true, false}));
  Buffer8 whole = made.chunks[0];
  whole.insert(whole.end(), made.chunks[1].begin(), made.chunks[1].end());
  EXPECT_EQ(by_us(whole, 6).output, Buffer8(6, 'a'));
}

TEST(InterleavedInflater, DamagedChunksDoNotHarmTheOthers) {
  const Chunked made = chunked(4, 2);
  std::mt19937 random(21);
  for (int i = 0; i < 200; ++i) {
    Chunked damaged = made;
    const size_t which = random() % 4;
    Buffer8 &chunk = damaged.chunks[which];
    chunk[random() % (i % 2 == 0 ? 200 : chunk.size())] ^= static_cast<uint8_t>(1 + random() % 255);
    std::vector<Buffer8> outputs;
    const std::vector<bool> good = inflate_together(damaged, &outputs, 3);
    for (size_t k = 0; k < 4; ++k) {
      if (k == which) continue;
      EXPECT_TRUE(good[k]);
      EXPECT_EQ(outputs[k], made.texts[k]);
    }
    EXPECT_FALSE(good[which] && outputs[which].size() != made.texts[which].size());
  }
}

}  // namespace
}  // namespace tfile
