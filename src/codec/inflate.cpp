#include "codec/deflate.h"

#if defined(TENSORFILE_WITH_ISAL)

#include <isa-l.h>

namespace tfile {

struct Inflater::State {
  inflate_state z;
  bool done = false;
  bool broken = false;
};

Inflater::~Inflater() {
  if (state_ != nullptr) destroy(memory_, state_);
}

Status Inflater::begin() {
  if (state_ == nullptr) TFILE_TRY(make(&state_, memory_));
  isal_inflate_init(&state_->z);
  state_->done = state_->broken = false;
  excess_ = 0;
  return kOk;
}

Status Inflater::run(bool *valid, bool *done, Bytes *input, Span<uint8_t> *output) {
  constexpr size_t kMaxAtOnce = size_t{1} << 30;
  State &state = *state_;
  inflate_state &z = state.z;
  *valid = !state.broken;
  *done = state.done;
  uint8_t nothing = 0;
  while (*valid && !*done) {
    const Bytes in = input->first(kMaxAtOnce);
    const Span<uint8_t> out = output->first(kMaxAtOnce);
    z.next_in = const_cast<uint8_t *>(in.empty() ? &nothing : in.data());
    z.avail_in = static_cast<uint32_t>(in.size());
    z.next_out = out.empty() ? &nothing : out.data();
    z.avail_out = static_cast<uint32_t>(out.size());
    const int code = isal_inflate(&z);
    size_t took = in.size() - z.avail_in;
    const size_t gave = out.size() - z.avail_out;
    *output = output->from(gave);
    *valid = code >= 0;
    state.broken = code < 0;
    *done = state.done = *valid && z.block_state == ISAL_BLOCK_FINISH;
    if (*done) {
      // Whole bytes that it has read ahead.
      const auto ahead = static_cast<size_t>(z.read_in_length / 8);
      const size_t back = ahead < took ? ahead : took;
      excess_ = ahead - back;
      took -= back;
    }
    *input = input->from(took);
    if (!*valid || (took == 0 && gave == 0)) break;
  }
  return kOk;
}

}  // namespace tfile

#else

#include "codec/zlib_stream.h"

namespace tfile {

struct Inflater::State : ZlibStream {
  explicit State(Memory &from) : ZlibStream(from) {}
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
  const int code = state.z.state == nullptr ? inflateInit2(&state.z, ZlibStream::kRawWindow) : inflateReset(&state.z);
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
    const Bytes in = input->first(ZlibStream::kMaxAtOnce);
    const Span<uint8_t> out = output->first(ZlibStream::kMaxAtOnce);
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

}  // namespace tfile

#endif
