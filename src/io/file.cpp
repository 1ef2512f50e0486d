#include "io/file.h"

#include "base/error.h"

namespace tfile {

namespace {

// The maximum size of one read or write. Linux transfers at most 2 GiB in one call, macOS refuses more, and Windows
// counts in 32 bits.
constexpr size_t kMaxAtOnce = size_t{1} << 30;

size_t piece_of(size_t nbytes) {
  return nbytes < kMaxAtOnce ? nbytes : kMaxAtOnce;
}

}  // namespace

Status read_file(size_t *got, const File &file, Text path, Text array, uint64_t offset, void *to, size_t nbytes) {
  *got = 0;
  while (*got < nbytes) {
    size_t count = 0;
    char *const target = static_cast<char *>(to) + *got;
    TFILE_TRY(read_some(&count, file, path, array, offset + *got, target, piece_of(nbytes - *got)));
    if (count == 0) break;
    *got += count;
  }
  return kOk;
}

Status read_parts(size_t *got, const File &file, Text path, Text array, uint64_t offset, Span<const ReadPart> parts) {
  *got = 0;
  while (!parts.empty()) {
    size_t count = 0;
    TFILE_TRY(read_some_parts(&count, file, path, array, offset + *got, parts.first(kMaxParts)));
    if (count == 0) break;
    *got += count;
    while (!parts.empty() && count >= parts[0].nbytes) {
      count -= parts[0].nbytes;
      parts = parts.from(1);
    }
    if (count == 0) continue;
    // The read ended inside a part.
    const size_t remaining = parts[0].nbytes - count;
    size_t more = 0;
    TFILE_TRY(read_file(&more, file, path, array, offset + *got, static_cast<char *>(parts[0].to) + count, remaining));
    *got += more;
    if (more < remaining) break;
    parts = parts.from(1);
  }
  return kOk;
}

Status write_file(const File &file, Text path, uint64_t offset, const void *from, size_t nbytes) {
  for (size_t done = 0; done < nbytes;) {
    size_t count = 0;
    const char *const source = static_cast<const char *>(from) + done;
    TFILE_TRY(write_some(&count, file, path, offset + done, source, piece_of(nbytes - done)));
    done += count;
  }
  return kOk;
}

Status copy_through_memory(uint64_t *copied, const File &to, Text to_path, uint64_t at, const File &from,
                           Text from_path, uint64_t offset, uint64_t nbytes) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  Vec<char> scratch(default_memory());
  TFILE_TRY(scratch.resize(static_cast<size_t>(nbytes < kPiece ? nbytes : kPiece)));
  size_t got = 0;
  TFILE_TRY(read_file(&got, from, from_path, Text(), offset, scratch.data(), scratch.size()));
  if (got < scratch.size()) {
    return Failure(TF_STATUS_TRUNCATED).in(from_path).at(offset)
           << "expected " << static_cast<uint64_t>(scratch.size()) << " bytes, the file ends after "
           << static_cast<uint64_t>(got);
  }
  TFILE_TRY(write_file(to, to_path, at, scratch.data(), got));
  *copied = got;
  return kOk;
}

Status write_pieces(const File &file, Text path, uint64_t offset, const Bytes *pieces, size_t count) {
  while (count > 0) {
    // write_file() writes a single piece and the remainder of a piece.
    if (count == 1 || pieces->size() > kMaxAtOnce) {
      TFILE_TRY(write_file(file, path, offset, pieces->data(), pieces->size()));
      offset += pieces->size();
      ++pieces;
      --count;
      continue;
    }
    size_t put = 0;
    TFILE_TRY(write_some_pieces(&put, file, path, offset, pieces, count));
    offset += put;
    while (count > 0 && put >= pieces->size()) {
      put -= pieces->size();
      ++pieces;
      --count;
    }
    if (put == 0) continue;
    const Bytes rest = pieces->from(put);
    TFILE_TRY(write_file(file, path, offset, rest.data(), rest.size()));
    offset += rest.size();
    ++pieces;
    --count;
  }
  return kOk;
}

}  // namespace tfile
