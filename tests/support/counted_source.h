// A source with callbacks that counts its reads.
#pragma once

#include <mutex>
#include <numeric>
#include <string>
#include <vector>

#include "support/handles.h"

namespace tfile::testing {

// Several threads may read it if it is concurrent.
struct CountedSource {
  std::string bytes;
  bool concurrent = false;
  std::vector<uint64_t> reads = {};  // bytes of each
  std::mutex mutex = {};

  static tf_status read_at(void *user, uint64_t offset, void *dst, size_t nbytes) {
    auto &self = *static_cast<CountedSource *>(user);
    const std::lock_guard<std::mutex> guard(self.mutex);
    self.reads.push_back(nbytes);
    memcpy(dst, self.bytes.data() + offset, nbytes);
    return TF_STATUS_OK;
  }
  Handle<tf_source> source() {
    return made<tf_source>(
        [&](tf_source **out) { return tf_source_new(out, bytes.size(), concurrent, read_at, nullptr, nullptr, this); });
  }
  Handle<tf_file> open(const tf_options *options = nullptr) {
    const auto from = source();
    auto file =
        made<tf_file>([&](tf_file **out) { return tf_file_open_source(out, from.get(), TF_FORMAT_AUTO, options); });
    reads.clear();
    return file;
  }
  uint64_t read_bytes() const { return std::accumulate(reads.begin(), reads.end(), uint64_t{0}); }
};

}  // namespace tfile::testing
