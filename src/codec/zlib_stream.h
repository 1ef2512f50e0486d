// zlib's streams, with memory of ours.
#pragma once

#if !defined(TENSORFILE_NO_ZLIB)

#include <zlib.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"

namespace tfile {

// A z_stream whose memory comes from a Memory.
struct ZlibStream {
  explicit ZlibStream(Memory &from) : memory(from) {
    z.zalloc = take;
    z.zfree = give_back;
    z.opaque = this;
  }
  ZlibStream(const ZlibStream &) = delete;
  ZlibStream &operator=(const ZlibStream &) = delete;

  // In front of each block that zlib gets: its size, which zlib does not give back.
  static constexpr size_t kAlignment = 16;
  static constexpr size_t kHead = kAlignment;
  // zlib counts in unsigned int.
  static constexpr size_t kMaxAtOnce = size_t{1} << 30;
  static constexpr int kRawWindow = -15;

  static void *take(void *opaque, unsigned count, unsigned size) {
    auto &stream = *static_cast<ZlibStream *>(opaque);
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
    deallocate(static_cast<ZlibStream *>(opaque)->memory, block, whole, kAlignment);
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

}  // namespace tfile

#endif
