// What the encoder makes of the data that arrays hold: zlib inflates it, it is about as small as zlib's, and it is the same
// on every machine.
#include "codec/deflate_encoder.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "codec/crc32.h"
#include "codec/deflate.h"
#include "codec/literal_counts.h"
#include "codec/literal_writer.h"
#include "codec/matcher.h"

namespace tfile {
namespace {

using ByteVector = std::vector<uint8_t>;

ByteVector deflate_chunks(const ByteVector &bytes, int level, size_t chunk) {
  Vec<uint8_t> packed(default_memory());
  DeflateEncoder encoder(default_memory());
  size_t at = 0;
  do {
    const Bytes piece = Bytes(bytes.data(), bytes.size()).from(at).first(chunk);
    at += piece.size();
    const size_t before = packed.size();
    EXPECT_TRUE(encoder.run(&packed, piece, at == bytes.size(), level).ok());
    EXPECT_LE(packed.size() - before, deflate_bound(piece.size()));
  } while (at < bytes.size());
  return ByteVector(packed.begin(), packed.end());
}

ByteVector inflate_by_zlib(const ByteVector &packed, size_t size) {
  ByteVector bytes(size + 1);
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, -15), Z_OK);
  z.next_in = const_cast<Bytef *>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = bytes.data();
  z.avail_out = static_cast<uInt>(bytes.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(z.avail_in, 0U);
  bytes.resize(z.total_out);
  inflateEnd(&z);
  return bytes;
}

size_t zlib_size(const ByteVector &bytes, int level) {
  ByteVector packed(bytes.size() + bytes.size() / 8 + 256);
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  z.next_in = const_cast<Bytef *>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = packed.data();
  z.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  const size_t size = z.total_out;
  deflateEnd(&z);
  return size;
}

// Numbers that every machine draws alike, as the distributions of the standard library are not.
class Numbers {
 public:
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_()) % limit; }
  // Of a bell-shaped distribution around 0.
  int32_t bell(int32_t width) {
    int64_t sum = 0;
    for (int i = 0; i < 12; ++i)
      sum += below(static_cast<uint32_t>(width));
    return static_cast<int32_t>(sum - int64_t{6} * width);
  }

 private:
  std::mt19937 random_{2026};
};

template <typename T>
ByteVector items(size_t nbytes, const std::function<T(size_t)> &item) {
  ByteVector bytes(nbytes / sizeof(T) * sizeof(T));
  for (size_t i = 0; i < bytes.size() / sizeof(T); ++i)
    store_le(bytes.data() + i * sizeof(T), item(i));
  return bytes;
}

uint32_t float_bits(Numbers &numbers) {
  const float value = static_cast<float>(numbers.bell(1 << 20)) / static_cast<float>(1 << 24);
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

struct Kind {
  const char *name;
  ByteVector bytes;
  double most;  // of zlib's level 6, for the default level
};

std::vector<Kind> kinds(size_t nbytes) {
  Numbers numbers;
  std::vector<Kind> all;
  all.push_back({"float32", items<uint32_t>(nbytes, [&](size_t) { return float_bits(numbers); }), 1.0});
  all.push_back({"bfloat16",
                 items<uint16_t>(nbytes, [&](size_t) { return static_cast<uint16_t>(float_bits(numbers) >> 16); }),
                 1.0});
  all.push_back({"small int32", items<uint32_t>(nbytes, [&](size_t) { return numbers.below(50); }), 1.03});
  all.push_back({"int64 indices", items<uint64_t>(nbytes, [&](size_t i) { return i * 37 + numbers.below(20); }), 1.05});
  all.push_back({"image",
                 items<uint8_t>(nbytes,
                                [&](size_t i) {
                                  const double wave = 120 + 80 * std::sin(static_cast<double>(i % 1024) / 97);
                                  return static_cast<uint8_t>(wave + numbers.below(8));
                                }),
                 1.05});
  all.push_back(
      {"mask", items<uint8_t>(nbytes, [&](size_t) { return static_cast<uint8_t>(numbers.below(10) == 0); }), 1.05});
  all.push_back({"zeros", ByteVector(nbytes), 1.1});
  all.push_back({"noise", items<uint32_t>(nbytes, [&](size_t) { return numbers.below(UINT32_MAX); }), 1.001});
  all.push_back({"sparse",
                 items<uint32_t>(nbytes, [&](size_t) { return numbers.below(10) == 0 ? float_bits(numbers) : 0; }),
                 1.05});
  all.push_back({"tokens",
                 items<uint32_t>(nbytes,
                                 [&](size_t) {
                                   const uint32_t skewed = numbers.below(1 + numbers.below(50000));
                                   return numbers.below(1 + skewed);
                                 }),
                 1.05});
  all.push_back(
      {"one-hot rows",
       items<uint32_t>(nbytes, [&](size_t i) { return i % 1000 == i / 1000 * 7919 % 1000 ? 0x3f800000U : 0U; }), 2.5});
  return all;
}

TEST(DeflateEncoder, ZlibInflatesEveryKindAtEveryLevel) {
  for (const Kind &kind : kinds(400000)) {
    for (int level = 0; level <= kMaxDeflateLevel; ++level) {
      SCOPED_TRACE(std::string(kind.name) + ' ' + std::to_string(level));
      ASSERT_EQ(inflate_by_zlib(deflate_chunks(kind.bytes, level, SIZE_MAX), kind.bytes.size()), kind.bytes);
      ASSERT_EQ(inflate_by_zlib(deflate_chunks(kind.bytes, level, 70001), kind.bytes.size()), kind.bytes);
    }
  }
}

TEST(DeflateEncoder, EverySmallSize) {
  const std::vector<Kind> all = kinds(70000);
  for (const Kind &kind : all) {
    for (const int level : {1, 2, 6}) {
      for (size_t size = 0; size < 300; size += size < 40 ? 1 : 13) {
        const ByteVector bytes(kind.bytes.begin(), kind.bytes.begin() + static_cast<ptrdiff_t>(size));
        ASSERT_EQ(inflate_by_zlib(deflate_chunks(bytes, level, SIZE_MAX), size), bytes) << kind.name << level << size;
      }
      for (const size_t size : {size_t{4095}, size_t{4096}, size_t{65535}, size_t{65536}, size_t{65537}}) {
        const ByteVector bytes(kind.bytes.begin(), kind.bytes.begin() + static_cast<ptrdiff_t>(size));
        ASSERT_EQ(inflate_by_zlib(deflate_chunks(bytes, level, SIZE_MAX), size), bytes) << kind.name << level << size;
      }
    }
  }
}

TEST(DeflateEncoder, IsAboutAsSmallAsZlib) {
  for (const Kind &kind : kinds(size_t{1} << 20)) {
    const auto zlib = static_cast<double>(zlib_size(kind.bytes, 6));
    const size_t ours = deflate_chunks(kind.bytes, kDefaultDeflateLevel, SIZE_MAX).size();
    EXPECT_LE(static_cast<double>(ours), zlib * kind.most) << kind.name << ' ' << static_cast<double>(ours) / zlib;
  }
}

// More kinds, for the levels that are compared with zlib's: what repeats at long distances, is nearly constant, or drifts.
std::vector<Kind> deep_kinds(size_t nbytes) {
  Numbers numbers;
  std::vector<Kind> all = kinds(nbytes);
  const auto bytes_of = [&](const char *name, const std::function<uint32_t(size_t)> &item) {
    all.push_back({name, items<uint8_t>(nbytes, [&](size_t i) { return static_cast<uint8_t>(item(i)); }), 0});
  };
  const auto words_of = [&](const char *name, const std::function<uint32_t(size_t)> &item) {
    all.push_back({name, items<uint32_t>(nbytes, item), 0});
  };
  bytes_of("mask of 1 %", [&](size_t) { return numbers.below(100) == 0 ? 1 : 0; });
  bytes_of("mask of 1 in 1,000", [&](size_t) { return numbers.below(1000) == 0 ? 1 : 0; });
  bytes_of("bits", [&](size_t) { return numbers.below(2); });
  bytes_of("four letters", [&](size_t) { return static_cast<uint32_t>("ACGT"[numbers.below(4)]); });
  bytes_of("labels", [&](size_t) { return numbers.below(10); });
  bytes_of("weights of 8 bits", [&](size_t) { return static_cast<uint32_t>(numbers.bell(20)); });
  bytes_of("smooth image", [](size_t i) { return (i % 1024 / 7 + i / 1024 / 3) & 255; });
  uint32_t hot = 0;
  bytes_of("one-hot of 10", [&](size_t i) {
    if (i % 10 == 0) hot = numbers.below(10);
    return i % 10 == hot ? 1 : 0;
  });
  bytes_of("one-hot of 100", [&](size_t i) {
    if (i % 100 == 0) hot = numbers.below(100);
    return i % 100 == hot ? 1 : 0;
  });
  words_of("identity", [](size_t i) { return i % 513 == 0 ? 0x3f800000U : 0U; });
  words_of("ones", [](size_t) { return 0x3f800000U; });
  words_of("count", [](size_t i) { return static_cast<uint32_t>(i); });
  words_of("labels of 64 bits", [&](size_t i) { return i % 2 == 0 ? numbers.below(10) : 0; });
  uint32_t categories[50];
  for (uint32_t &category : categories)
    category = float_bits(numbers);
  words_of("categories", [&](size_t) { return categories[numbers.below(50)]; });
  words_of("hundredths", [&](size_t) {
    const float value = static_cast<float>(numbers.bell(200)) / 100;
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
  });
  words_of("padded rows", [&](size_t i) { return i % 512 < 60 ? numbers.below(30000) : 0; });
  all.push_back({"steps", items<uint64_t>(nbytes, [](size_t i) { return uint64_t{i} * 0x10410410410400; }), 0});
  uint64_t time = 1700000000000000000;
  all.push_back(
      {"times", items<uint64_t>(nbytes, [&](size_t) { return time += numbers.below(1000000) * uint64_t{1000}; }), 0});
  return all;
}

// What docs/performance.md promises of the levels from 4 on.
TEST(DeflateEncoder, DeepLevelsAreAsSmallAsZlibs) {
  constexpr double kMost = 1.01;
  constexpr double kFew = 16;  // bytes
  for (const Kind &kind : deep_kinds(70000)) {
    for (int level = 4; level <= kMaxDeflateLevel; ++level) {
      const auto zlib = static_cast<double>(zlib_size(kind.bytes, level));
      const ByteVector packed = deflate_chunks(kind.bytes, level, SIZE_MAX);
      ASSERT_EQ(inflate_by_zlib(packed, kind.bytes.size()), kind.bytes) << kind.name << ' ' << level;
      EXPECT_LE(static_cast<double>(packed.size()), zlib * kMost + kFew)
          << kind.name << ' ' << level << ": zlib's are " << zlib << " bytes";
    }
  }
}

// An array of three chunks, compared with zlib's output for the whole array, whose matches need not end at a chunk.
TEST(DeflateEncoder, DeepLevelsInChunks) {
  constexpr size_t kChunk = size_t{1} << 20;
  constexpr int kLevel = 6;
  const std::vector<std::string> some = {"float32", "sparse", "tokens", "image"};
  for (const Kind &kind : kinds(3 * kChunk)) {
    if (std::find(some.begin(), some.end(), kind.name) == some.end()) continue;
    const size_t zlib = zlib_size(kind.bytes, kLevel);
    const ByteVector packed = deflate_chunks(kind.bytes, kLevel, kChunk);
    EXPECT_LE(packed.size(), zlib + zlib / 100 + size_t{3} * 16) << kind.name << ": zlib's are " << zlib << " bytes";
  }
}

// At most 5 bytes more for each 65,535 begun of a chunk, also where kinds of data alternate, and where chunks are flushed.
TEST(DeflateEncoder, NeverExceedsItsBound) {
  Numbers numbers;
  for (const size_t size : {size_t{0}, size_t{1}, size_t{65534}, size_t{65535}, size_t{65536}, size_t{500000}}) {
    ByteVector bytes(size);
    for (size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<uint8_t>(i / 65535 % 3 == 2 && i % 65535 < 20 ? 0 : numbers.below(256));
    for (int level = 0; level <= kMaxDeflateLevel; ++level) {
      Vec<uint8_t> packed(default_memory());
      DeflateEncoder encoder(default_memory());
      for (const bool last : {false, true}) {
        packed.clear();
        ASSERT_TRUE(encoder.run(&packed, Bytes(bytes.data(), size), last, level).ok());
        EXPECT_LE(packed.size(), size + 5 * std::max<size_t>(1, (size + 65534) / 65535)) << level << last;
      }
    }
  }
}

// Segments that are stored and segments that are hardly smaller alternate, in several lengths, so that blocks of all forms
// follow each other at levels whose segments are shorter than a stored block.
TEST(DeflateEncoder, NeverExceedsItsBoundWhereBlocksAlternate) {
  Numbers numbers;
  for (const size_t length : {size_t{1000}, size_t{8000}, size_t{16384}, size_t{20000}, size_t{40000}}) {
    for (const uint32_t values : {250U, 254U, 255U}) {
      ByteVector bytes(200000);
      for (size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<uint8_t>(numbers.below(i / length % 2 == 0 ? 256 : values));
      for (int level = 1; level <= kMaxDeflateLevel; ++level) {
        // deflate_chunks() compares with the bound.
        const ByteVector packed = deflate_chunks(bytes, level, 199990);
        ASSERT_EQ(inflate_by_zlib(packed, bytes.size()), bytes) << length << ' ' << values << ' ' << level;
      }
    }
  }
}

// Every build of the library must write these bytes, whatever the machine, the compiler and the CPU. A change of the
// encoder changes the sums; then they are written down anew.
TEST(DeflateEncoder, WritesTheSameBytesEverywhere) {
  uint32_t sums[kMaxDeflateLevel + 1] = {};
  for (const Kind &kind : kinds(200000)) {
    // Of the kinds that need no floating point to be made.
    if (std::string(kind.name) == "image") continue;
    for (int level = 0; level <= kMaxDeflateLevel; ++level) {
      const ByteVector packed = deflate_chunks(kind.bytes, level, 90000);
      sums[level] = crc32_update(sums[level], packed.data(), packed.size());
    }
  }
  const uint32_t expected[kMaxDeflateLevel + 1] = {106737646,  2198422249, 2648701535, 579165014,  3957549454,
                                                   2831445521, 2744551618, 1570620757, 2160924274, 2790136654};
  for (int level = 0; level <= kMaxDeflateLevel; ++level)
    EXPECT_EQ(sums[level], expected[level]) << "level " << level;
}

// Codes are made from a sample of the literals. Here the sample has few different bytes, and what it leaves out is noise,
// so the codes do not suit the block.
TEST(DeflateEncoder, ASampleThatMisleads) {
  Numbers numbers;
  ByteVector bytes(200000);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(numbers.below(256));
  // Finds out which bytes are counted by counting a mark that is set in one part after another.
  constexpr size_t kPart = 64;
  ByteVector marks(65535);
  for (size_t at = 0; at + kPart <= marks.size(); at += kPart) {
    marks[at] = 1;
    uint32_t counts[256];
    sample_literals(counts, Bytes(marks.data(), marks.size()));
    marks[at] = 0;
    if (counts[1] == 0) continue;
    for (size_t segment = 0; segment + at + kPart <= bytes.size(); segment += marks.size()) {
      for (size_t i = 0; i < kPart; ++i) {
        uint8_t &byte = bytes[segment + at + i];
        if (numbers.below(16) != 0) byte = static_cast<uint8_t>(byte % 16);
      }
    }
  }
  const ByteVector packed = deflate_chunks(bytes, kDefaultDeflateLevel, SIZE_MAX);
  EXPECT_EQ(inflate_by_zlib(packed, bytes.size()), bytes);
  EXPECT_LE(packed.size(), zlib_size(bytes, 6) * 101 / 100);
}

// The way of searching that suits the first segments does not suit the later ones, and the other way round.
TEST(DeflateEncoder, DataThatChange) {
  Numbers numbers;
  const size_t half = 3 * size_t{65535};
  ByteVector sparse(half);
  for (size_t i = 0; i < half; i += 256)
    sparse[i] = static_cast<uint8_t>(numbers.below(256));
  ByteVector bits(half);
  for (uint8_t &byte : bits)
    byte = static_cast<uint8_t>(numbers.below(2) * 255);
  ByteVector rising = sparse;
  rising.insert(rising.end(), bits.begin(), bits.end());
  ByteVector falling = bits;
  falling.insert(falling.end(), sparse.begin(), sparse.end());
  for (const ByteVector &bytes : {rising, falling}) {
    for (int level = 1; level <= kMaxDeflateLevel; ++level) {
      SCOPED_TRACE(testing::Message() << "level " << level);
      const ByteVector packed = deflate_chunks(bytes, level, SIZE_MAX);
      EXPECT_EQ(inflate_by_zlib(packed, bytes.size()), bytes);
      if (level == kDefaultDeflateLevel) {
        EXPECT_LE(packed.size(), zlib_size(bytes, 6) * 105 / 100);
      }
    }
  }
}

TEST(DeflateEncoder, TheSampleIsAQuarter) {
  const ByteVector bytes(65536, 7);
  uint32_t counts[256];
  sample_literals(counts, Bytes(bytes.data(), bytes.size()));
  EXPECT_EQ(counts[7], 65536U);
  EXPECT_EQ(std::count(counts, counts + 256, 0U), 255);
}

// Runs of every length at every distance, where they begin, continue and end in the vectors that compare them.
TEST(RunMatcher, FindsEveryRun) {
  Numbers numbers;
  SymbolCounts literals{};
  for (unsigned i = 0; i < 256; ++i)
    literals.litlen[i] = 1;
  SymbolCosts costs{};
  costs.guess(literals.litlen);
  for (const unsigned distance : {1U, 2U, 3U, 4U, 6U, 8U, 12U, 16U}) {
    for (size_t length = 0; length < 700; length += length < 140 ? 1 : 37) {
      // Bytes without repetitions, a run, and such bytes again.
      ByteVector bytes;
      const size_t start = distance + numbers.below(70);
      for (size_t i = 0; i < start + length + 80; ++i) {
        const bool run = i >= start && i < start + length;
        bytes.push_back(run ? bytes[i - distance] : static_cast<uint8_t>(i * 37 + (i >= start ? 5 : 0)));
      }
      Vec<Sequence> sequences(default_memory());
      ASSERT_TRUE(sequences.reserve(ParseOutput::max_sequences(bytes.size())).ok());
      SymbolCounts counts{};
      parse_runs({&sequences, &counts}, Bytes(bytes.data(), bytes.size()), bytes.data(), costs, distance);
      ByteVector again;
      size_t longest = 0;
      for (const Sequence &sequence : sequences) {
        for (uint32_t i = 0; i < sequence.literals; ++i)
          again.push_back(bytes[again.size()]);
        for (unsigned i = 0; i < sequence.length; ++i)
          again.push_back(again[again.size() - sequence.distance]);
        longest = std::max<size_t>(longest, sequence.length);
      }
      ASSERT_EQ(again, bytes) << distance << ' ' << length;
      ASSERT_GE(longest, length < 8 ? 0 : std::min<size_t>(length, kMaxMatch)) << distance << ' ' << length;
    }
  }
}

// The numbers of positions have 32 bits, so that the matcher begins anew after some bytes. Here these are few.
TEST(ChainMatcher, ForgetsPositions) {
  Numbers numbers;
  ByteVector bytes(300000);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = i < 10000 ? static_cast<uint8_t>(numbers.below(256)) : bytes[i - 10000];
  SymbolCounts counts{};
  for (unsigned i = 0; i < 256; ++i)
    counts.litlen[i] = 1;
  SymbolCosts costs{};
  costs.guess(counts.litlen);
  constexpr size_t kHistory = 70000;
  ChainMatcher matcher(default_memory(), kHistory);
  ASSERT_TRUE(matcher.begin(Bytes(bytes.data(), bytes.size()), {8, 16, 128, 128}).ok());
  Vec<Sequence> sequences(default_memory());
  for (Bytes rest(bytes.data(), bytes.size()); !rest.empty();) {
    const Bytes segment = rest.first(5000);
    ASSERT_TRUE(sequences.reserve(sequences.size() + ParseOutput::max_sequences(segment.size())).ok());
    const uint8_t *const end = matcher.parse({&sequences, &counts}, segment, &costs);
    ASSERT_GE(end, segment.end());
    rest = rest.from(static_cast<size_t>(end - rest.data()));
  }
  ByteVector again;
  size_t literals = 0;
  for (const Sequence &sequence : sequences) {
    literals += sequence.literals;
    for (uint32_t i = 0; i < sequence.literals; ++i)
      again.push_back(bytes[again.size()]);
    for (unsigned i = 0; i < sequence.length; ++i)
      again.push_back(again[again.size() - sequence.distance]);
  }
  EXPECT_EQ(again, bytes);
  // After each beginning the period is unknown again.
  const size_t beginnings = bytes.size() / kHistory + 1;
  EXPECT_GE(literals, (beginnings - 1) * 10000);
  EXPECT_LE(literals, beginnings * 10500);
}

TEST(DeflateEncoder, OneEncoderForManyChunks) {
  DeflateEncoder encoder(default_memory());
  for (const Kind &kind : kinds(150000)) {
    for (const int level : {6, 1, 2}) {
      Vec<uint8_t> packed(default_memory());
      ASSERT_TRUE(encoder.run(&packed, Bytes(kind.bytes.data(), kind.bytes.size()), true, level).ok());
      EXPECT_EQ(ByteVector(packed.begin(), packed.end()), deflate_chunks(kind.bytes, level, SIZE_MAX)) << kind.name;
    }
  }
}

#if defined(TENSORFILE_LITERALS_VBMI)
TEST(LiteralWriter, VectorsWriteTheSameBytes) {
  if (!cpu_has_vbmi()) GTEST_SKIP() << "this CPU has no AVX-512 VBMI";
  Numbers numbers;
  for (int i = 0; i < 200; ++i) {
    PackedCode literal[256];
    for (PackedCode &code : literal) {
      const uint32_t bits = 1 + numbers.below(kMaxPackedLiteral);
      code = numbers.below(1U << bits) << kPackedShift | bits;
    }
    ByteVector bytes(numbers.below(700));
    for (uint8_t &byte : bytes)
      byte = static_cast<uint8_t>(numbers.below(256));
    ByteVector scalar(2000);
    ByteVector vectors(2000);
    BitWriter scalar_writer(scalar.data());
    BitWriter vector_writer(vectors.data());
    const uint32_t offset = 1 + static_cast<uint32_t>(i) % 7;
    scalar_writer.put(5, offset);
    vector_writer.put(5, offset);
    put_literals(&scalar_writer, literal, bytes.data(), bytes.size());
    put_literals_vbmi(&vector_writer, literal, bytes.data(), bytes.size());
    scalar.resize(static_cast<size_t>(scalar_writer.align() - scalar.data()));
    vectors.resize(static_cast<size_t>(vector_writer.align() - vectors.data()));
    ASSERT_EQ(vectors, scalar);
  }
}
#endif

}  // namespace
}  // namespace tfile
