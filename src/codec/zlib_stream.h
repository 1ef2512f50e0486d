// Streams of zlib that allocate from a Memory.
#pragma once

#if !defined(TENSORFILE_NO_ZLIB)

#include <zlib.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"

namespace tfile {

// A z_stream that allocates from a Memory.
struct ZlibStream {
  explicit ZlibStream(Memory &from) : memory(from) {
    z.zalloc = allocate_block;
    z.zfree = free_block;
    z.opaque = this;
  }
  ZlibStream(const ZlibStream &) = delete;
  ZlibStream &operator=(const ZlibStream &) = delete;

  // The size of the header before each block, which stores the size of the block, because zlib does not pass it to its
  // free function.
  static constexpr size_t kAlignment = 16;
  static constexpr size_t kHead = kAlignment;
  // zlib counts bytes as unsigned int, so larger inputs are passed in pieces of this size.
  static constexpr size_t kMaxAtOnce = size_t{1} << 30;
  static constexpr int kRawWindow = -15;

  static void *allocate_block(void *opaque, unsigned count, unsigned size) {
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
  static void free_block(void *opaque, void *pointer) {
    void *const block = static_cast<char *>(pointer) - kHead;
    size_t whole = 0;
    memcpy(&whole, block, sizeof(whole));
    deallocate(static_cast<ZlibStream *>(opaque)->memory, block, whole, kAlignment);
  }
  // Converts an error of zlib to OUT_OF_MEMORY, or else to INTERNAL, because any other error is a bug in this library.
  Status refusal(int code) const {
    if (code == Z_MEM_ERROR && !status.ok()) return status;
    return Failure(TF_STATUS_INTERNAL) << "zlib returned " << code;
  }

  z_stream z{};
  Memory &memory;
  Status status;  // of the last allocation that failed; zlib may try others before it fails
};

}  // namespace tfile

#endif
