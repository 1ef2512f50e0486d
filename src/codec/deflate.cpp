#include "codec/deflate.h"

#include "codec/deflate_encoder.h"
#include "codec/zlib_stream.h"

namespace tfile {

#if defined(TENSORFILE_NO_ZLIB)

struct Deflater::Zlib {};

bool has_zlib() {
  return false;
}

Status Deflater::run_zlib(Bytes /*chunk*/, bool /*last*/, int /*level*/) {
  return Failure(TF_STATUS_UNSUPPORTED) << kNoZlib;
}

#else

namespace {

constexpr int kZlibMemoryLevel = 8;

// Returns a capacity that is enough for an incompressible piece and a flush.
size_t zlib_capacity(size_t piece) {
  return piece + piece / 256 + 1024;
}

}  // namespace

struct Deflater::Zlib : ZlibStream {
  explicit Zlib(Memory &from) : ZlibStream(from) {}
  ~Zlib() { (void)deflateEnd(&z); }

  Status begin(int wanted) {
    int code = Z_OK;
    if (z.state != nullptr && level == wanted) {
      code = deflateReset(&z);
    } else {
      (void)deflateEnd(&z);
      level = wanted;
      code = deflateInit2(&z, level, Z_DEFLATED, kRawWindow, kZlibMemoryLevel, Z_DEFAULT_STRATEGY);
    }
    return code == Z_OK ? kOk : refusal(code);
  }

  int level = 0;
};

bool has_zlib() {
  return true;
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
      TFILE_TRY(output_.resize(before + zlib_capacity(piece.size())));
      z.next_out = output_.data() + before;
      z.avail_out = static_cast<uInt>(output_.size() - before);
      const int code = deflate(&z, flush);
      output_.truncate(output_.size() - z.avail_out);
      if (code == Z_STREAM_ERROR) return zlib_->refusal(code);
    } while (z.avail_out == 0);
  } while (!chunk.empty());
  return kOk;
}

#endif

Deflater::~Deflater() {
  if (zlib_ != nullptr) destroy(memory_, zlib_);
  if (encoder_ != nullptr) destroy(memory_, encoder_);
}

DeflateMethod deflate_method(const Settings &settings) {
  DeflateMethod method;
  method.zlib = settings.get(TF_OPTION_DEFLATE) == TF_DEFLATE_ZLIB;
  method.level = static_cast<int>(settings.get(TF_OPTION_COMPRESSION_LEVEL));
  return method;
}

Status Deflater::run(Bytes chunk, bool last, const DeflateMethod &method) {
  output_.clear();
  if (method.zlib) return run_zlib(chunk, last, method.level);
  if (encoder_ == nullptr) TFILE_TRY(make(&encoder_, memory_, memory_));
  return encoder_->run(&output_, chunk, last, method.level < 0 ? kDefaultDeflateLevel : method.level);
}

}  // namespace tfile
