// PartPlan: how the arrays of a save are distributed over the files of a set.
#pragma once

#include "file/sets/set_progress.h"
#include "format/format.h"

namespace tfile {

// The files receive the arrays in order. A file has at most TF_OPTION_PART_BYTES of array data, unless it contains a
// single array that is larger. A save to a single file has a plan of one part.
class PartPlan {
 public:
  explicit PartPlan(Memory &memory) : parts_(memory) {}
  PartPlan(const PartPlan &) = delete;
  PartPlan &operator=(const PartPlan &) = delete;
  ~PartPlan();

  // Makes the plan. `path` is the path for a single file, including its extension, or "" for a save that cannot have
  // several files. The path, the format and the request must outlive *this.
  Status make(const char *path, const Format &format, const SaveRequest &request);

  // True if the settings allow parts. Then the save also replaces a set or a single file that an older save left there.
  bool may_split() const { return may_split_; }
  const Format &format() const { return *format_; }
  const Settings &settings() const { return request_->settings; }
  size_t count() const { return parts_.empty() ? 1 : parts_.size() - 1; }
  bool has_index() const { return count() > 1 && format_->sets == SetKind::kIndex; }

  // path() is the path for a single file, NUL-terminated; prefix() is that path without the extension.
  Text path() const { return path_; }
  Text prefix() const;
  // part_path() makes the path of a part of a set, and index_path() that of its index. Both are NUL-terminated.
  Status part_path(Vec<char> *out, size_t part) const;
  Status index_path(Vec<char> *out) const;

  // first() returns the index of the first array of a part, and arrays() all arrays of the part.
  size_t first(size_t part) const { return parts_.empty() ? 0 : parts_[part].first; }
  Span<const NamedArray> arrays(size_t part) const;
  // Returns the metadata to write to a part. If it was made for this part only, *made owns it.
  Status metadata(const Dict **out, Ref<Dict> *made, size_t part) const;
  // Returns the request to write a part, valid as long as *this. Parts must be written in order, because the progress
  // of each continues that of the previous ones.
  SaveRequest part_request(size_t part, const Dict *metadata);

 private:
  struct Part {
    size_t first;     // index of its first array
    uint64_t before;  // total bytes of the arrays in the parts before it
  };

  Status cut(uint64_t limit);

  Text path_;
  Vec<Part> parts_;  // followed by one more entry for the end of the last part; empty if there is only one part
  const Format *format_ = nullptr;
  const SaveRequest *request_ = nullptr;
  SetProgress *progress_ = nullptr;  // of a set
  bool may_split_ = false;
};

}  // namespace tfile
