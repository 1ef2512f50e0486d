#include "transfer/chunks.h"

#include "codec/crc32.h"

namespace tfile {

namespace {

// The number of stored bytes to read at a time.
constexpr uint64_t kInput = uint64_t{128} << 10;
// Larger chunks are inflated one by one, because chunks that are inflated together must be in memory completely.
constexpr uint64_t kMaxInterleaved = uint64_t{8} << 20;

}  // namespace

Status ChunkInflater::chunk(bool *good, size_t chunk, void *to) {
  const bool last = chunk + 2 == member_.chunks.size();
  return inflate(good, member_.chunks[chunk], member_.chunks[chunk + 1], last,
                 Span<uint8_t>(static_cast<uint8_t *>(to), static_cast<size_t>(size(chunk))));
}

size_t ChunkInflater::together(const Member &member, size_t threads) {
  if (member.chunk > kMaxInterleaved) return 1;
  const size_t chunks = member.chunks.size() - 1;
  const size_t share = (chunks + threads - 1) / threads;
  return share < InterleavedInflater::kMaxChunks ? share : InterleavedInflater::kMaxChunks;
}

Status ChunkInflater::chunks(bool *good, size_t first, size_t count, void *to) {
  if (count == 1) return chunk(good, first, to);
  const uint64_t start = member_.chunks[first];
  const uint64_t stored = member_.chunks[first + count] - start;
  // Before allocating, checks that the size is plausible: even zlib expands incompressible chunks by less than this.
  *good = stored <= (member_.chunk + member_.chunk / 64 + 1024) * count;
  if (!*good) return kOk;
  TFILE_TRY(input_.resize(static_cast<size_t>(stored)));
  TFILE_TRY(read_at(source_, member_.offset + start, input_.data(), stored, member_.name));
  InflateChunk chunks[InterleavedInflater::kMaxChunks];
  auto *out = static_cast<uint8_t *>(to);
  for (size_t i = 0; i < count; ++i) {
    const uint64_t from = member_.chunks[first + i];
    const uint64_t nbytes = member_.chunks[first + i + 1] - from;
    const auto nbytes_inflated = static_cast<size_t>(size(first + i));
    chunks[i].input = Bytes(input_.data() + (from - start), static_cast<size_t>(nbytes));
    chunks[i].output = Span<uint8_t>(out, nbytes_inflated);
    chunks[i].last = first + i + 2 == member_.chunks.size();
    out += nbytes_inflated;
  }
  TFILE_TRY(interleaved_.run(Span<InflateChunk>(chunks, count)));
  for (size_t i = 0; i < count; ++i)
    *good = *good && chunks[i].good;
  return kOk;
}

Status ChunkInflater::head(bool *good, uint32_t *crc) {
  Vec<uint8_t> head(input_.memory());
  TFILE_TRY(head.resize(static_cast<size_t>(member_.head)));
  TFILE_TRY(inflate(good, 0, member_.chunks[0], false, Span<uint8_t>(head.data(), head.size())));
  *crc = crc32_update(0, head.data(), head.size());
  return kOk;
}

Status ChunkInflater::inflate(bool *good, uint64_t from, uint64_t end, bool last, Span<uint8_t> output) {
  *good = false;
  const uint64_t most = read_size(source_, kInput, kMaxPieceHint);
  TFILE_TRY(input_.resize(static_cast<size_t>(end - from < most ? end - from : most)));
  TFILE_TRY(inflater_.begin());
  bool done = false;
  // After the chunk's last byte, only a flush or the end of the stream may follow. If even one more byte of output
  // comes, the chunk table is wrong.
  uint8_t extra = 0;
  Span<uint8_t> beyond(&extra, 1);
  bool valid = true;
  while (from < end && !done) {
    const uint64_t count = end - from < most ? end - from : most;
    TFILE_TRY(read_at(source_, member_.offset + from, input_.data(), count, member_.name));
    from += count;
    Bytes input(input_.data(), static_cast<size_t>(count));
    while (!input.empty() && !done) {
      const size_t before = input.size() + output.size();
      TFILE_TRY(inflater_.run(&valid, &done, &input, output.empty() ? &beyond : &output));
      if (!valid || beyond.empty() || (!done && input.size() + output.size() == before)) return kOk;
    }
    if (!input.empty()) return kOk;
  }
  // The inflater may still have output that did not fit.
  Bytes nothing;
  if (!done) TFILE_TRY(inflater_.run(&valid, &done, &nothing, output.empty() ? &beyond : &output));
  if (!valid || beyond.empty()) return kOk;
  *good = output.empty() && from == end && done == last && (last || inflater_.at_border());
  return kOk;
}

}  // namespace tfile
