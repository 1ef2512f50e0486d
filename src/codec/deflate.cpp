#include "codec/deflate.h"

#include <zlib.h>

#include "base/checked.h"
#include "base/error.h"

namespace tfile {

namespace {

constexpr size_t kAlignment = 16;
// In front of each block that zlib gets: its size, which zlib does not give back.
constexpr size_t kHead = kAlignment;
// zlib counts in unsigned int.
constexpr size_t kMostAtOnce = size_t{1} << 30;
constexpr size_t kOutput = size_t{64} << 10;
constexpr int kRawWindow = -15;
constexpr int kMemoryLevel = 8;

// A z_stream whose memory comes from a Memory.
struct Stream {
  explicit Stream(Memory &from) : memory(from) {
    z.zalloc = take;
    z.zfree = give_back;
    z.opaque = this;
  }
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  static void *take(void *opaque, unsigned count, unsigned size) {
    auto &stream = *static_cast<Stream *>(opaque);
    const Checked needed = Checked(count) * size + kHead;
    if (!needed.fits_memory()) return nullptr;
    void *block = nullptr;
    const Status status = allocate(&block, stream.memory, static_cast<size_t>(needed.value()), kAlignment);
    if (!status.ok()) {
      stream.status = status;
      return nullptr;
    }
    const auto whole = static_cast<size_t>(needed.value());
    memcpy(block, &whole, sizeof(whole));
    return static_cast<char *>(block) + kHead;
  }
  static void give_back(void *opaque, void *pointer) {
    void *const block = static_cast<char *>(pointer) - kHead;
    size_t whole = 0;
    memcpy(&whole, block, sizeof(whole));
    deallocate(static_cast<Stream *>(opaque)->memory, block, whole, kAlignment);
  }
  // Why zlib refused: memory, or a misuse that only we can be guilty of.
  Status refusal(int code) const {
    if (code == Z_MEM_ERROR && !status.ok()) return status;
    return Failure(TF_STATUS_INTERNAL) << "zlib returned " << code;
  }

  z_stream z{};
  Memory &memory;
  Status status;  // of the last allocation that failed; zlib may ask for more before it gives up
};

}  // namespace

struct Inflater::State : Stream {
  explicit State(Memory &from) : Stream(from) {}
  ~State() { (void)inflateEnd(&z); }

  bool done = false;
};

Inflater::~Inflater() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Inflater::begin() {
  if (state_ == nullptr) TFILE_TRY(make(&state_, memory_, memory_));
  State &state = *state_;
  state.done = false;
  const int code = state.z.state == nullptr ? inflateInit2(&state.z, kRawWindow) : inflateReset(&state.z);
  return code == Z_OK ? kOk : state.refusal(code);
}

Status Inflater::run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output) {
  State &state = *state_;
  z_stream &z = state.z;
  *valid = true;
  *done = state.done;
  // zlib wants a pointer even when there is nothing to write.
  uint8_t nothing = 0;
  while (!*done) {
    const Bytes in = input->first(kMostAtOnce);
    const Span<uint8_t> out = output->first(kMostAtOnce);
    z.next_in = const_cast<Bytef *>(in.empty() ? &nothing : in.data());
    z.avail_in = static_cast<uInt>(in.size());
    z.next_out = out.empty() ? &nothing : out.data();
    z.avail_out = static_cast<uInt>(out.size());
    const int code = inflate(&z, Z_NO_FLUSH);
    const size_t took = in.size() - z.avail_in;
    const size_t gave = out.size() - z.avail_out;
    *input = input->from(took);
    *output = output->from(gave);
    if (code == Z_MEM_ERROR) return state.refusal(code);
    *valid = code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END;
    *done = state.done = code == Z_STREAM_END;
    if (!*valid || (took == 0 && gave == 0)) break;
  }
  return kOk;
}

struct Deflater::State : Stream {
  explicit State(Memory &from) : Stream(from) {}
  ~State() { (void)deflateEnd(&z); }

  int level = 0;
  uint8_t output[kOutput];
};

Deflater::~Deflater() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Deflater::begin(int level) {
  if (state_ == nullptr) TFILE_TRY(make(&state_, memory_, memory_));
  State &state = *state_;
  if (state.z.state != nullptr && state.level == level) {
    const int code = deflateReset(&state.z);
    return code == Z_OK ? kOk : state.refusal(code);
  }
  (void)deflateEnd(&state.z);
  state.level = level;
  const int code = deflateInit2(&state.z, level, Z_DEFLATED, kRawWindow, kMemoryLevel, Z_DEFAULT_STRATEGY);
  return code == Z_OK ? kOk : state.refusal(code);
}

Status Deflater::run(Bytes input, bool last, TakeFn take, void *context) {
  State &state = *state_;
  z_stream &z = state.z;
  do {
    const Bytes piece = input.first(kMostAtOnce);
    input = input.from(piece.size());
    z.next_in = const_cast<Bytef *>(piece.data());
    z.avail_in = static_cast<uInt>(piece.size());
    const int flush = last && input.empty() ? Z_FINISH : Z_NO_FLUSH;
    do {
      z.next_out = state.output;
      z.avail_out = static_cast<uInt>(sizeof(state.output));
      const int code = deflate(&z, flush);
      if (code == Z_STREAM_ERROR) return state.refusal(code);
      const size_t made = sizeof(state.output) - z.avail_out;
      if (made > 0) TFILE_TRY(take(context, state.output, made));
    } while (z.avail_out == 0);
  } while (!input.empty());
  return kOk;
}

}  // namespace tfile
