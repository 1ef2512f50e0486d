// The encoder: of any bytes, at any level and in any chunks, zlib and the library's own decoder inflate what it writes to the
// same bytes, and it exceeds no bound.
#include <zlib.h>

#include <vector>

#include "codec/deflate.h"
#include "fuzz.h"

namespace {

using tfile::Bytes;
using tfile::Deflater;
using tfile::InflateChunk;
using tfile::InterleavedInflater;
using tfile::Span;
using tfile::fuzz::Input;

// Repeats the input, by which it exceeds the window of deflate and the segments of the encoder.
std::vector<uint8_t> expand(Input &input) {
  constexpr size_t kMaxRepeated = 4096;
  const size_t times = input.flag() || input.size() > kMaxRepeated ? 1 : 1 + input.byte() % 64;
  const auto change = input.byte();
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < times; ++i) {
    bytes.insert(bytes.end(), input.data(), input.data() + input.size());
    // Now and then another byte.
    if (!bytes.empty() && (change & 1) != 0) bytes[(i * 977 + change) % bytes.size()] ^= static_cast<uint8_t>(i);
  }
  return bytes;
}

void check_zlib(const std::vector<uint8_t> &bytes, const std::vector<uint8_t> &packed) {
  std::vector<uint8_t> inflated(bytes.size() + 1);
  z_stream z{};
  FUZZ_CHECK(inflateInit2(&z, -15) == Z_OK);
  z.next_in = const_cast<Bytef *>(packed.data());
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = inflated.data();
  z.avail_out = static_cast<uInt>(inflated.size());
  FUZZ_CHECK(inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0);
  inflated.resize(z.total_out);
  inflateEnd(&z);
  FUZZ_CHECK(inflated == bytes);
}

void check_chunks(const std::vector<uint8_t> &bytes, std::vector<InflateChunk> &chunks) {
  std::vector<uint8_t> inflated(bytes.size());
  size_t at = 0;
  for (InflateChunk &chunk : chunks) {
    const size_t size = chunk.output.size();
    chunk.output = Span<uint8_t>(inflated.data() + at, size);
    at += size;
  }
  InterleavedInflater inflater(tfile::default_memory());
  for (size_t i = 0; i < chunks.size(); i += InterleavedInflater::kMaxChunks) {
    FUZZ_CHECK(
        inflater.run(Span<InflateChunk>(chunks.data(), chunks.size()).from(i).first(InterleavedInflater::kMaxChunks))
            .ok());
  }
  for (const InflateChunk &chunk : chunks)
    FUZZ_CHECK(chunk.good);
  FUZZ_CHECK(inflated == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Input input(data, size);
  const auto level = static_cast<int>(input.small(-1, 9));
  const size_t pieces = 1 + input.byte() % 6;
  const std::vector<uint8_t> bytes = expand(input);
  const size_t piece = bytes.size() / pieces + 1;
  Deflater deflater(tfile::default_memory());
  std::vector<uint8_t> packed;
  std::vector<size_t> ends;
  std::vector<InflateChunk> chunks;
  for (size_t at = 0; at == 0 || at < bytes.size(); at += piece) {
    const Bytes chunk = Bytes(bytes.data(), bytes.size()).from(at).first(piece);
    const bool last = at + piece >= bytes.size();
    FUZZ_CHECK(deflater.run(chunk, last, {false, level}).ok());
    const Bytes output = deflater.output();
    FUZZ_CHECK(output.size() <= tfile::deflate_bound(chunk.size()));
    packed.insert(packed.end(), output.begin(), output.end());
    ends.push_back(packed.size());
    chunks.push_back({Bytes(), Span<uint8_t>(nullptr, chunk.size()), last});
  }
  for (size_t i = 0; i < chunks.size(); ++i) {
    const size_t start = i == 0 ? 0 : ends[i - 1];
    chunks[i].input = Bytes(packed.data() + start, ends[i] - start);
  }
  check_zlib(bytes, packed);
  check_chunks(bytes, chunks);
  return 0;
}
