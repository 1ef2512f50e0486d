// Times compression and decompression of the data that arrays hold, on one core, beside zlib and (where it is found)
// libdeflate. Prints a table in Markdown.
//
// usage: deflate_bench [MIB [ROUNDS [KIND [LEVEL]]]]
//
// KIND is a name or a part of some, "" for all. With 0 rounds, only the names are printed. LEVEL is that of both encoders;
// without it, the default of the library is compared with level 6 of zlib.
// Times are CPU times, the best of all rounds, and include CRC-32, as in a file. Chunks have 1 MiB. codec.py counts the
// instructions of the functions that are not inlined.
#include <time.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "codec/crc32.h"
#include "codec/deflate.h"

#if defined(TENSORFILE_BENCH_LIBDEFLATE)
#include <libdeflate.h>
#endif

namespace {

using tfile::Bytes;
using tfile::Deflater;
using tfile::InflateChunk;
using tfile::Inflater;
using tfile::InterleavedInflater;
using tfile::Span;

using ByteVector = std::vector<uint8_t>;

constexpr size_t kChunk = size_t{1} << 20;

double cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

[[noreturn]] void fail(const char *what) {
  std::fprintf(stderr, "deflate_bench: %s\n", what);
  std::exit(1);
}

template <typename T>
ByteVector items(size_t nbytes, const std::function<T(size_t)> &item) {
  ByteVector bytes(nbytes);
  for (size_t i = 0; i < nbytes / sizeof(T); ++i) {
    const T value = item(i);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
  return bytes;
}

// Converts to bfloat16, which is the upper 16 bits of a float32.
uint32_t bits_of(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// Converts a number below 2 that is not tiny to float16 by truncation.
uint16_t half_of(float value) {
  const uint32_t bits = bits_of(value);
  const auto exponent = static_cast<int>(bits >> 23 & 255) - 112;
  if (exponent <= 0) return 0;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | static_cast<uint32_t>(exponent) << 10 | (bits >> 13 & 0x3ff));
}

ByteVector image(size_t nbytes, std::mt19937 &random) {
  constexpr size_t kWidth = 1024;
  std::normal_distribution<double> noise(0, 1.5);
  return items<uint8_t>(nbytes, [&](size_t i) {
    const auto x = static_cast<double>(i % (4 * kWidth) / 4);
    const auto y = static_cast<double>(i / (4 * kWidth));
    const double value = 120 + 60 * std::sin(x / 197 + y / 153 + static_cast<double>(i % 4)) + noise(random);
    return static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
  });
}

ByteVector tokens(size_t nbytes, std::mt19937 &random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  // Draws ranks from 1 to 50,000 by Zipf's law.
  return items<int32_t>(nbytes, [&](size_t) { return static_cast<int32_t>(std::pow(50000.0, uniform(random))) - 1; });
}

struct Kind {
  const char *name;
  std::function<ByteVector(size_t, std::mt19937 &)> make;
};

std::vector<Kind> kinds() {
  static std::normal_distribution<float> weight(0, 0.02F);
  using Random = std::mt19937;
  return {
      {"float32", [](size_t n, Random &r) { return items<float>(n, [&](size_t) { return weight(r); }); }},
      {"float16", [](size_t n, Random &r) { return items<uint16_t>(n, [&](size_t) { return half_of(weight(r)); }); }},
      {"bfloat16",
       [](size_t n, Random &r) {
         return items<uint16_t>(n, [&](size_t) { return static_cast<uint16_t>(bits_of(weight(r)) >> 16); });
       }},
      {"float64",
       [](size_t n, Random &r) {
         return items<double>(n, [&](size_t) { return std::normal_distribution<double>()(r); });
       }},
      {"int32 below 50",
       [](size_t n, Random &r) { return items<int32_t>(n, [&](size_t) { return static_cast<int32_t>(r() % 50); }); }},
      {"int64 indices",
       [](size_t n, Random &r) {
         return items<int64_t>(n, [&](size_t) { return static_cast<int64_t>(r() % 1000000); });
       }},
      {"uint8 image", image},
      {"bool mask",
       [](size_t n, Random &r) {
         return items<uint8_t>(n, [&](size_t) { return static_cast<uint8_t>(r() % 10 == 0); });
       }},
      {"mask of 1 %",
       [](size_t n, Random &r) {
         return items<uint8_t>(n, [&](size_t) { return static_cast<uint8_t>(r() % 100 == 0); });
       }},
      {"one-hot rows",
       [](size_t n, Random &r) {
         size_t hot = 0;
         return items<float>(n, [&](size_t i) {
           if (i % 1000 == 0) hot = r() % 1000;
           return i % 1000 == hot ? 1.0F : 0.0F;
         });
       }},
      {"zeros", [](size_t n, Random &) { return ByteVector(n); }},
      {"random bytes",
       [](size_t n, Random &r) { return items<uint32_t>(n, [&](size_t) { return static_cast<uint32_t>(r()); }); }},
      {"90 % zeros",
       [](size_t n, Random &r) { return items<float>(n, [&](size_t) { return r() % 10 == 0 ? weight(r) : 0; }); }},
      {"token ids", tokens},
  };
}

// A stream of chunks that can be inflated independently.
struct Packed {
  ByteVector bytes;
  std::vector<size_t> ends;
};

[[gnu::noinline]] Packed deflate_ours(const ByteVector &data, int level) {
  Packed packed;
  packed.bytes.reserve(data.size() + data.size() / 100 + kChunk);
  Deflater deflater(tfile::default_memory());
  uint32_t crc = 0;
  for (size_t at = 0; at < data.size(); at += kChunk) {
    const Bytes chunk = Bytes(data.data(), data.size()).from(at).first(kChunk);
    crc = tfile::crc32_update(crc, chunk.data(), chunk.size());
    if (!deflater.run(chunk, at + kChunk >= data.size(), {false, level}).ok()) fail("the library cannot deflate");
    packed.bytes.insert(packed.bytes.end(), deflater.output().begin(), deflater.output().end());
    packed.ends.push_back(packed.bytes.size());
  }
  return packed;
}

[[gnu::noinline]] void inflate_ours(ByteVector *out, const Packed &packed) {
  InterleavedInflater inflater(tfile::default_memory());
  uint32_t crc = 0;
  const size_t count = packed.ends.size();
  for (size_t i = 0; i < count; i += InterleavedInflater::kMaxChunks) {
    InflateChunk chunks[InterleavedInflater::kMaxChunks];
    const size_t together = std::min(count - i, InterleavedInflater::kMaxChunks);
    const Span<uint8_t> output = Span<uint8_t>(out->data(), out->size()).from(i * kChunk).first(together * kChunk);
    for (size_t k = 0; k < together; ++k) {
      const size_t start = i + k == 0 ? 0 : packed.ends[i + k - 1];
      chunks[k].input = Bytes(packed.bytes.data() + start, packed.ends[i + k] - start);
      chunks[k].output = output.from(k * kChunk).first(kChunk);
      chunks[k].last = i + k + 1 == count;
    }
    if (!inflater.run(Span<InflateChunk>(chunks, together)).ok()) fail("the library cannot inflate");
    for (size_t k = 0; k < together; ++k) {
      if (!chunks[k].good) fail("a chunk of the library's is not good");
    }
    crc = tfile::crc32_update(crc, output.data(), output.size());
  }
}

// Inflates the output of another program, which is a single stream.
[[gnu::noinline]] void inflate_foreign(ByteVector *out, const ByteVector &packed) {
  Inflater inflater(tfile::default_memory());
  Bytes input(packed.data(), packed.size());
  Span<uint8_t> output(out->data(), out->size());
  bool valid = false;
  bool done = false;
  if (!inflater.begin().ok() || !inflater.run(&valid, &done, &input, &output).ok() || !done)
    fail("the library refuses");
  (void)tfile::crc32_update(0, out->data(), out->size());
}

[[gnu::noinline]] ByteVector deflate_zlib(const ByteVector &data, int level) {
  ByteVector packed(data.size() + data.size() / 100 + kChunk);
  z_stream z{};
  if (deflateInit2(&z, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) fail("zlib cannot begin");
  z.next_in = const_cast<Bytef *>(data.data());
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = packed.data();
  z.avail_out = static_cast<uInt>(packed.size());
  if (deflate(&z, Z_FINISH) != Z_STREAM_END) fail("zlib cannot deflate");
  packed.resize(z.total_out);
  deflateEnd(&z);
  (void)crc32_z(0, data.data(), data.size());
  return packed;
}

[[gnu::noinline]] void inflate_zlib(ByteVector *out, const ByteVector &packed) {
  z_stream z{};
  if (inflateInit2(&z, -15) != Z_OK) fail("zlib cannot begin");
  z.next_in = const_cast<Bytef *>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = out->data();
  z.avail_out = static_cast<uInt>(out->size());
  if (inflate(&z, Z_FINISH) != Z_STREAM_END) fail("zlib cannot inflate");
  inflateEnd(&z);
  (void)crc32_z(0, out->data(), out->size());
}

#if defined(TENSORFILE_BENCH_LIBDEFLATE)
[[gnu::noinline]] void inflate_libdeflate(ByteVector *out, const ByteVector &packed) {
  static libdeflate_decompressor *const decompressor = libdeflate_alloc_decompressor();
  size_t size = 0;
  if (libdeflate_deflate_decompress(decompressor, packed.data(), packed.size(), out->data(), out->size(), &size) !=
      LIBDEFLATE_SUCCESS)
    fail("libdeflate cannot inflate");
  (void)libdeflate_crc32(0, out->data(), out->size());
}
#endif

// Returns the speed in MB/s of array data.
double best_speed(size_t nbytes, int rounds, const std::function<void()> &run) {
  double best = 1e9;
  for (int i = 0; i < rounds; ++i) {
    const double before = cpu_time();
    run();
    best = std::min(best, cpu_time() - before);
  }
  return static_cast<double>(nbytes) / best / 1e6;
}

void measure(const Kind &kind, size_t nbytes, int rounds, int level) {
  std::mt19937 random(1);
  const ByteVector data = kind.make(nbytes, random);
  ByteVector out(nbytes);
  Packed ours;
  ByteVector zlib;
  const double zlib_deflate =
      best_speed(nbytes, std::min(rounds, 2), [&] { zlib = deflate_zlib(data, level < 0 ? 6 : level); });
  const double our_deflate = best_speed(nbytes, rounds, [&] { ours = deflate_ours(data, level); });
  const double zlib_inflate = best_speed(nbytes, rounds, [&] { inflate_zlib(&out, zlib); });
  const double foreign = best_speed(nbytes, rounds, [&] { inflate_foreign(&out, zlib); });
  if (out != data) fail("the library inflated zlib's stream to other bytes");
#if defined(TENSORFILE_BENCH_LIBDEFLATE)
  const double libdeflate = best_speed(nbytes, rounds, [&] { inflate_libdeflate(&out, zlib); });
#else
  const double libdeflate = 0;
#endif
  const double our_inflate = best_speed(nbytes, rounds, [&] { inflate_ours(&out, ours); });
  if (out != data) fail("the library inflated its own stream to other bytes");
  std::printf("| %s | %.3f | %.0f | %.1f | %.0f | %.1f | %.0f | %.2f | %.2f |\n", kind.name,
              static_cast<double>(ours.bytes.size()) / static_cast<double>(zlib.size()), our_deflate,
              our_deflate / zlib_deflate, our_inflate, our_inflate / zlib_inflate, foreign, foreign / zlib_inflate,
              libdeflate > 0 ? foreign / libdeflate : 0);
  std::fflush(stdout);
}

// The kinds that have this name, or else those whose names contain it.
std::vector<Kind> kinds_named(const std::string &word) {
  std::vector<Kind> found;
  for (const Kind &kind : kinds()) {
    if (kind.name == word) return {kind};
    if (std::string(kind.name).find(word) != std::string::npos) found.push_back(kind);
  }
  return found;
}

}  // namespace

int main(int argc, char **argv) {
  const size_t nbytes = (argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 16) << 20;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  const int level = argc > 4 ? std::atoi(argv[4]) : -1;
  const std::vector<Kind> wanted = kinds_named(argc > 3 ? argv[3] : "");
  for (const Kind &kind : wanted) {
    if (rounds == 0) std::printf("%s\n", kind.name);
  }
  if (rounds == 0) return 0;
  std::printf(
      "| data | size, zlib = 1 | deflate, MB/s | times zlib | inflate own chunks, MB/s | times zlib |"
      " inflate zlib's stream, MB/s | times zlib | times libdeflate |\n"
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Kind &kind : wanted)
    measure(kind, nbytes, rounds, level);
  return 0;
}
