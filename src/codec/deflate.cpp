#include "codec/deflate.h"

#include "codec/zlib_stream.h"

#if defined(TENSORFILE_WITH_ISAL)
#include <isa-l.h>
#endif

namespace tfile {

namespace {

constexpr int kMemoryLevel = 8;

// Room for a chunk that does not shrink, and for the flush.
size_t room_for(size_t chunk) {
  return chunk + chunk / 256 + 1024;
}

}  // namespace

struct Deflater::ZlibState : ZlibStream {
  explicit ZlibState(Memory &from) : ZlibStream(from) {}
  ~ZlibState() { (void)deflateEnd(&z); }

  Status begin(int wanted) {
    int code = Z_OK;
    if (z.state != nullptr && level == wanted) {
      code = deflateReset(&z);
    } else {
      (void)deflateEnd(&z);
      level = wanted;
      code = deflateInit2(&z, level, Z_DEFLATED, kRawWindow, kMemoryLevel, Z_DEFAULT_STRATEGY);
    }
    return code == Z_OK ? kOk : refusal(code);
  }

  int level = 0;
};

#if defined(TENSORFILE_WITH_ISAL)

namespace {

Status refusal_of_isal(int code) {
  return Failure(TF_STATUS_INTERNAL) << "ISA-L returned " << int64_t{code};
}

}  // namespace

struct Deflater::IsalState {
  isal_zstream z;
  uint8_t room[ISAL_DEF_LVL3_DEFAULT];  // the largest of the levels'
};

bool has_isal() {
  return true;
}

// ISA-L 2.30's levels 1 and 2 file the third byte of a stream that has no history under a hash of the address of their
// state: the same bytes would give another output at another address. So the first is stored, as history of the others.
Status Deflater::store_first_byte(Bytes *chunk) {
  const uint8_t block[] = {0, 1, 0, 0xfe, 0xff, (*chunk)[0]};  // RFC 1951, 3.2.4: not the last, its length, the byte
  TFILE_TRY(output_.reserve(sizeof(block) + room_for(chunk->first(ZlibStream::kMaxAtOnce).size())));
  TFILE_TRY(output_.append(block, sizeof(block)));
  const int code = isal_deflate_set_dict(&isal_->z, const_cast<uint8_t *>(chunk->data()), 1);
  *chunk = chunk->from(1);
  return code == COMP_OK ? kOk : refusal_of_isal(code);
}

Status Deflater::run_isal(Bytes chunk, bool last, int level) {
  constexpr uint32_t kRooms[] = {0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT};
  if (isal_ == nullptr) {
    void *place = nullptr;
    TFILE_TRY(allocate(&place, memory_, sizeof(IsalState), alignof(IsalState)));
    isal_ = static_cast<IsalState *>(place);
  }
  isal_zstream &z = isal_->z;
  isal_deflate_init(&z);
  z.level = static_cast<uint32_t>(level);
  z.level_buf = isal_->room;
  z.level_buf_size = kRooms[level];
  if (level < kMaxIsalLevel && chunk.size() > 1) TFILE_TRY(store_first_byte(&chunk));
  do {
    const Bytes piece = chunk.first(ZlibStream::kMaxAtOnce);
    chunk = chunk.from(piece.size());
    z.next_in = const_cast<uint8_t *>(piece.data());
    z.avail_in = static_cast<uint32_t>(piece.size());
    z.flush = chunk.empty() ? FULL_FLUSH : NO_FLUSH;
    z.end_of_stream = last && chunk.empty();
    do {
      const size_t before = output_.size();
      TFILE_TRY(output_.resize(before + room_for(piece.size())));
      z.next_out = output_.data() + before;
      z.avail_out = static_cast<uint32_t>(output_.size() - before);
      const int code = isal_deflate(&z);
      output_.truncate(output_.size() - z.avail_out);
      if (code != COMP_OK) return refusal_of_isal(code);
    } while (z.avail_out == 0);
  } while (!chunk.empty());
  return kOk;
}

#else

struct Deflater::IsalState {};

bool has_isal() {
  return false;
}

Status Deflater::run_isal(Bytes /*chunk*/, bool /*last*/, int /*level*/) {
  return Failure(TF_STATUS_INTERNAL) << "ISA-L is not built in";
}

#endif

Deflater::~Deflater() {
  if (zlib_ != nullptr) destroy(memory_, zlib_);
  if (isal_ != nullptr) destroy(memory_, isal_);
}

Status Deflater::run(Bytes chunk, bool last, const DeflateMethod &method) {
  output_.clear();
  return method.isal ? run_isal(chunk, last, method.level) : run_zlib(chunk, last, method.level);
}

Status Deflater::run_zlib(Bytes chunk, bool last, int level) {
  if (zlib_ == nullptr) TFILE_TRY(make(&zlib_, memory_, memory_));
  TFILE_TRY(zlib_->begin(level));
  z_stream &z = zlib_->z;
  do {
    const Bytes piece = chunk.first(ZlibStream::kMaxAtOnce);
    chunk = chunk.from(piece.size());
    z.next_in = const_cast<Bytef *>(piece.data());
    z.avail_in = static_cast<uInt>(piece.size());
    const int flush = !chunk.empty() ? Z_NO_FLUSH : last ? Z_FINISH : Z_FULL_FLUSH;
    do {
      const size_t before = output_.size();
      TFILE_TRY(output_.resize(before + room_for(piece.size())));
      z.next_out = output_.data() + before;
      z.avail_out = static_cast<uInt>(output_.size() - before);
      const int code = deflate(&z, flush);
      output_.truncate(output_.size() - z.avail_out);
      if (code == Z_STREAM_ERROR) return zlib_->refusal(code);
    } while (z.avail_out == 0);
  } while (!chunk.empty());
  return kOk;
}

}  // namespace tfile
