// The callbacks of a source and a sink, which count calls and return a chosen status.
#pragma once

#include <cstring>
#include <string>

#include "tensorfile.h"

namespace tfile {

struct ForeignSource {
  std::string bytes;
  tf_status answer = TF_STATUS_OK;
  bool maps = true;
  int reads = 0;
  int releases = 0;

  static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
    auto &self = *static_cast<ForeignSource *>(user);
    ++self.reads;
    if (self.answer == TF_STATUS_OK) std::memcpy(dst, self.bytes.data() + offset, nbytes);
    return self.answer;
  }
  static tf_status map(void *user, uint64_t offset, uint64_t /*nbytes*/, const void **out) {
    auto &self = *static_cast<ForeignSource *>(user);
    *out = self.maps ? self.bytes.data() + offset : nullptr;
    return self.answer;
  }
  static void release(void *user) { ++static_cast<ForeignSource *>(user)->releases; }
};

struct ForeignSink {
  std::string bytes;
  tf_status answer = TF_STATUS_OK;
  size_t most = SIZE_MAX;  // bytes accepted before write() returns `answer`
  size_t largest = 0;
  int writes = 0;
  int releases = 0;

  static tf_status write(void *user, const void *src, size_t nbytes) {
    auto &self = *static_cast<ForeignSink *>(user);
    ++self.writes;
    if (nbytes > self.largest) self.largest = nbytes;
    if (self.bytes.size() + nbytes > self.most) return self.answer;
    self.bytes.append(static_cast<const char *>(src), nbytes);
    return TF_STATUS_OK;
  }
  static void release(void *user) { ++static_cast<ForeignSink *>(user)->releases; }
};

}  // namespace tfile
