// PartPlan: how the arrays of a save are distributed over the files of a set.
#pragma once

#include "file/sets/set_progress.h"
#include "format/format.h"

namespace tfile {

// Arrays go to the files in their order. No file has more array data than TF_OPTION_PART_BYTES, except a file that has a
// single array. A save that needs no set is a plan of one part.
class PartPlan {
 public:
  explicit PartPlan(Memory &memory) : path_(memory), parts_(memory) {}
  PartPlan(const PartPlan &) = delete;
  PartPlan &operator=(const PartPlan &) = delete;

  // path: of a single file; with its extension if it is to have one. The format and the request must outlive *this.
  Status make(const char *path, const Format &format, const SaveRequest &request);

  // True if the settings ask for parts: then the save replaces whatever set or single file an older save left there.
  bool may_split() const { return may_split_; }
  const Format &format() const { return *format_; }
  const Settings &settings() const { return request_->settings; }
  size_t count() const { return parts_.size() - 1; }
  bool has_index() const { return count() > 1 && format_->sets == SetKind::kIndex; }

  // The path of a single file, and that path without the extension.
  Text path() const { return Text(path_.data(), path_.size() - 1); }
  Text prefix() const;
  // The path of a part, and that of the index that belongs to the set; NUL-terminated.
  Status part_path(Vec<char> *out, size_t part) const;
  Status index_path(Vec<char> *out) const;

  // The first array of a part, and all arrays of a part.
  size_t first(size_t part) const { return parts_[part].first; }
  Span<const NamedArray> arrays(size_t part) const;
  // The metadata of a part; *made owns those that only this part has.
  Status metadata(const Dict **out, Ref<Dict> *made, size_t part) const;
  // The request that writes a part, valid as long as *this. Parts are written one after another: the progress of each
  // continues that of the parts before it.
  SaveRequest part_request(size_t part, const Dict *metadata);

 private:
  struct Part {
    size_t first;     // array
    uint64_t before;  // bytes of arrays in the parts before it
  };

  Status cut(uint64_t limit);

  Vec<char> path_;
  Vec<Part> parts_;  // the last stands for the end
  const Format *format_ = nullptr;
  const SaveRequest *request_ = nullptr;
  SetProgress progress_;
  bool may_split_ = false;
};

}  // namespace tfile
