// The decoder against zlib's: of any bytes both make the same output, or both refuse them. Whole, in pieces, and as a
// chunk among others; with the loops for this CPU, and with those that every CPU can run.
#include <zlib.h>

#include <vector>

#include "codec/deflate.h"
#include "fuzz.h"

namespace {

using tfile::Bytes;
using tfile::InflateChunk;
using tfile::Inflater;
using tfile::InflateVariant;
using tfile::InterleavedInflater;
using tfile::Span;

constexpr size_t kMaxOutput = size_t{1} << 16;

struct Inflated {
  bool done = false;
  size_t used = 0;
  std::vector<uint8_t> output;
};

Inflated by_zlib(Bytes input) {
  Inflated result;
  result.output.resize(kMaxOutput);
  z_stream z{};
  FUZZ_CHECK(inflateInit2(&z, -15) == Z_OK);
  z.next_in = const_cast<Bytef *>(input.data());
  z.avail_in = static_cast<uInt>(input.size());
  z.next_out = result.output.data();
  z.avail_out = static_cast<uInt>(kMaxOutput);
  result.done = inflate(&z, Z_FINISH) == Z_STREAM_END;
  result.used = input.size() - z.avail_in;
  result.output.resize(kMaxOutput - z.avail_out);
  inflateEnd(&z);
  return result;
}

// Inflates with pieces of input and output of at most this many bytes. Each piece of input is in memory of its own.
Inflated in_pieces(Bytes input, size_t in_piece, size_t out_piece, InflateVariant variant) {
  Inflated result;
  result.output.resize(kMaxOutput);
  Inflater inflater(tfile::default_memory(), variant);
  FUZZ_CHECK(inflater.begin().ok());
  size_t made = 0;
  bool valid = true;
  for (;;) {
    const Bytes next = input.from(result.used).first(in_piece);
    const std::vector<uint8_t> piece(next.begin(), next.end());
    Bytes in(piece.data(), piece.size());
    Span<uint8_t> out = Span<uint8_t>(result.output.data(), kMaxOutput).from(made).first(out_piece);
    const size_t in_size = in.size();
    const size_t out_size = out.size();
    FUZZ_CHECK(inflater.run(&valid, &result.done, &in, &out).ok());
    const size_t took = in_size - in.size();
    result.used += took;
    made += out_size - out.size();
    FUZZ_CHECK(!valid || result.done || in.empty() || out.empty());
    if (!valid || result.done || (took == 0 && out_size == out.size())) break;
  }
  result.output.resize(made);
  return result;
}

void compare(const Inflated &expected, const Inflated &got) {
  FUZZ_CHECK(got.done == expected.done);
  if (!expected.done) return;
  FUZZ_CHECK(got.used == expected.used);
  FUZZ_CHECK(got.output == expected.output);
}

void compare_chunks(Bytes input, const Inflated &expected, InflateVariant variant) {
  std::vector<uint8_t> outputs[InterleavedInflater::kMaxChunks];
  InflateChunk chunks[InterleavedInflater::kMaxChunks];
  for (size_t i = 0; i < InterleavedInflater::kMaxChunks; ++i) {
    outputs[i].resize(expected.output.size() + 1);
    chunks[i].input = i == 1 ? input.first(input.size() / 2) : input;
    chunks[i].output = Span<uint8_t>(outputs[i].data(), expected.output.size());
    chunks[i].last = true;
  }
  InterleavedInflater inflater(tfile::default_memory(), variant);
  FUZZ_CHECK(inflater.run(Span<InflateChunk>(chunks, InterleavedInflater::kMaxChunks)).ok());
  for (const size_t i : {size_t{0}, size_t{2}, size_t{3}}) {
    FUZZ_CHECK(chunks[i].good == (expected.done && expected.used == input.size()));
    outputs[i].resize(expected.output.size());
    if (chunks[i].good) FUZZ_CHECK(outputs[i] == expected.output);
  }
}

}  // namespace

// The first two bytes give the sizes of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  const Bytes input(data + 2, size - 2);
  const Inflated expected = by_zlib(input);
  if (!expected.done && expected.output.size() == kMaxOutput) return 0;
  for (const InflateVariant variant : {InflateVariant::kBest, InflateVariant::kPortable}) {
    compare(expected, in_pieces(input, size, kMaxOutput, variant));
    compare(expected, in_pieces(input, size_t{data[0]} + 1, size_t{data[1]} * data[1] + 1, variant));
    compare_chunks(input, expected, variant);
  }
  return 0;
}
