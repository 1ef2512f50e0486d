// GgufRecords: where the metadata values or the tensor records of a GGUF header are.
#pragma once

#include <algorithm>

#include "base/name_index.h"
#include "format/gguf/gguf_header.h"

namespace tfile {

// Stores the offsets of the records of all keys, or of all tensors. Each record begins with its name.
class GgufRecords {
 public:
  GgufRecords(Memory &memory, const GgufHeader &header)
      : header_(header), starts_(memory), index_(memory, name_at, this) {}

  // Reserves capacity for `count` records, but limits it, so that a wrong count in a small header does not need much
  // memory.
  Status reserve(uint64_t count) {
    constexpr uint64_t kMost = 16384;
    const auto capacity = static_cast<size_t>(std::min(count, kMost));
    TFILE_TRY(starts_.reserve(capacity));
    return index_.reserve(capacity);
  }
  Status add(uint64_t start) { return starts_.push(start); }
  // Checks that the names of the records since the last call are new.
  Status index(GgufHeader &header, GgufSubject subject) {
    size_t found = NameIndex::kNone;
    size_t twin = 0;
    TFILE_TRY(index_.add_up_to(starts_.size(), &found, &twin));
    if (found == NameIndex::kNone) return kOk;
    header.set_subject(subject, starts_[found]);
    return header.fail(TF_STATUS_DUPLICATE, starts_[found]) << "the name was used before, at byte " << starts_[twin];
  }
  size_t size() const { return starts_.size(); }
  // Returns the index of the names, which the listing takes over.
  NameIndex &names() { return index_; }
  uint64_t operator[](size_t i) const { return starts_[i]; }

 private:
  static Text name_at(const void *owner, size_t index) {
    const auto &records = *static_cast<const GgufRecords *>(owner);
    return records.header_.string_at(records.starts_[index]);
  }

  const GgufHeader &header_;
  Vec<uint64_t> starts_;
  NameIndex index_;
};

}  // namespace tfile
